/**
 * Serves the pages of the call tests, one for each SIP stack, and opens them in browsers.
 */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { launchChromium, newPage } from "../../support/chromium.mjs";
import { startStaticServer } from "../../support/static-server.mjs";
import { Firefox } from "./firefox.mjs";

/** @typedef {"graceline" | "jssip" | "sipjs"} Stack */

export const names = {
  graceline: "Graceline",
  jssip: "JsSIP",
  sipjs: "SIP.js",
};

/** What a page of some browser can do for the tests. */
export class UserPage {
  /** Whom others call. */
  uri = "";
  /** What it logs in with. @type {object} */
  account = {};

  /**
   * @param {string} name as it is called when a test fails
   * @param {(method: string, args: any[]) => Promise<any>} run
   * @param {() => Promise<unknown>} close
   * @param {import("playwright-core").BrowserContext} [context] of a page in Chromium
   */
  constructor(name, run, close, context) {
    this.name = name;
    this.close = close;
    this.context = context;
    /**
     * The commands of `pages/driver.js`.
     * @type {Record<string, (...args: any[]) => Promise<any>>}
     */
    this.do = new Proxy(
      {},
      {
        get:
          (_, method) =>
          async (/** @type {any[]} */ ...args) => {
            try {
              return await run(String(method), args);
            } catch (cause) {
              const { message } = /** @type {Error} */ (cause);
              const [what] = message.split("\n    at ");
              throw new Error(
                `${name}: ${String(method)}(${args.join()}): ${what}`,
                { cause },
              );
            }
          },
      },
    );
  }
}

/** The browsers of the call tests, and what they load. */
export class Browsers {
  /** By the program that starts it. @type {Map<string | undefined, Promise<import("playwright-core").Browser>>} */
  #chromiums = new Map();
  /** @type {Promise<Firefox> | undefined} */
  #firefox;
  /** @type {Awaited<ReturnType<typeof startStaticServer>> | undefined} */
  #server;

  /**
   * @param {readonly Stack[]} stacks whose pages are needed
   * @param {string} [address] of this machine, where they are served
   */
  static async start(stacks, address) {
    const browsers = new Browsers();
    browsers.#server = await startStaticServer({
      pages: await bundle(stacks),
      host: address,
    });
    return browsers;
  }

  /**
   * Opens a page of a stack, in a browser profile of its own.
   * @param {Stack} stack
   * @param {string} name
   * @param {"chromium" | "firefox"} [browser]
   * @param {string} [program] that starts a Chromium of its own
   */
  async open(stack, name, browser = "chromium", program) {
    const url = `${this.#server?.url}${stack}.html`;
    if (browser === "firefox") {
      this.#firefox ??= Firefox.start();
      const tab = await (await this.#firefox).open(url);
      return new UserPage(name, tab.run, tab.close);
    }
    if (!this.#chromiums.has(program))
      this.#chromiums.set(program, this.#launch(program));
    const page = await newPage(
      /** @type {any} */ (await this.#chromiums.get(program)),
      { permissions: ["microphone"] },
    );
    await page.goto(url);
    return new UserPage(
      name,
      (method, args) =>
        page.evaluate(
          ([method, args]) =>
            /** @type {any} */ (globalThis).driver[method](...args),
          /** @type {const} */ ([method, args]),
        ),
      () => page.context().close(),
      page.context(),
    );
  }

  /** @param {string} [program] */
  #launch(program) {
    const { host } = new URL(this.#server?.url ?? "");
    return launchChromium({
      executablePath: program,
      args: [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        ...(host.startsWith("127.")
          ? // For machines that have no other network.
            ["--allow-loopback-in-peer-connection"]
          : // Elsewhere pages without TLS get no microphone.
            [`--unsafely-treat-insecure-origin-as-secure=http://${host}`]),
      ],
    });
  }

  async close() {
    for (const chromium of this.#chromiums.values())
      await (await chromium).close();
    await (await this.#firefox)?.close();
    await this.#server?.close();
  }
}

/**
 * Pages by path: one HTML file and one script for each stack.
 * @param {readonly Stack[]} stacks
 */
async function bundle(stacks) {
  const folder = fileURLToPath(new URL("../pages/", import.meta.url));
  const { outputFiles } = await build({
    entryPoints: stacks.map((stack) => `${folder}${stack}.js`),
    outdir: folder,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    logLevel: "error",
    // JsSIP's logger looks for it.
    define: { global: "globalThis" },
  });
  /** @type {Record<string, string>} */
  const pages = {};
  for (const { path, text } of outputFiles)
    pages[`/${path.slice(folder.length)}`] = text;
  for (const stack of stacks)
    pages[`/${stack}.html`] =
      `<!doctype html><meta charset="utf-8"><title>${names[stack]}</title><body><script type="module" src="/${stack}.js"></script>`;
  return pages;
}
