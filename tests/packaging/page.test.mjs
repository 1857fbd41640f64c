import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertLogsIn, logIn, logInSource } from "./log-in.mjs";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { createProject } from "../support/project.mjs";
import { startStaticServer } from "../support/static-server.mjs";

/** Everything a page has to allow; the README lists these directives. */
const strict =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws://127.0.0.1:*";

const project = createProject({
  "empty.html": "<!doctype html><title>Empty</title>",
  "script.html": `<!doctype html><title>Script</title>
    <script src="/node_modules/graceline/pkg/graceline.min.js"></script>
    <script src="/script.js"></script>`,
  "script.js": `const { Phone } = Graceline; ${logInSource}`,
  "module.html": `<!doctype html><title>Module</title>
    <script type="module" src="/module.js"></script>`,
  "module.js": `import { Phone } from "/node_modules/graceline/js/index.js"; ${logInSource}`,
});

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ url: string, stop(): Promise<void> }} */
let registrar;
before(async () => {
  browser = await launchChromium();
  const { startRegistrar } = await project.import("graceline/testing");
  registrar = await startRegistrar({ users: { 2001: { password: "secret" } } });
});
after(async () => {
  await browser?.close();
  await registrar?.stop();
  project.remove();
});

for (const kind of ["script", "module"]) {
  test(`a plain page with a ${kind} logs in`, () =>
    withPage(kind, {}, (page) => assertLogsIn(page, registrar.url)));

  test(`a page with a ${kind} logs in under a strict Content-Security-Policy`, () =>
    withPage(kind, { "Content-Security-Policy": strict }, (page) =>
      assertLogsIn(page, registrar.url),
    ));

  test(`a page with a ${kind} that forbids wasm is told which directive is missing`, () =>
    withPage(
      kind,
      { "Content-Security-Policy": strict.replace("'wasm-unsafe-eval'", "") },
      async (page) => {
        const { code, message } = await logIn(page, registrar.url);
        assert.equal(code, "eInternal");
        assert.match(message ?? "", /'wasm-unsafe-eval'/);
      },
    ));
}

test("graceline.min.js adds one global, Graceline", async () => {
  const globals = () => Object.keys(globalThis);
  await withPage("script", {}, async (page) => {
    await page.waitForFunction("globalThis.logIn");
    const names = await page.evaluate(globals);
    await page.goto(new URL("empty.html", page.url()).href);
    const usual = await page.evaluate(globals);
    const added = names.filter((name) => !usual.includes(name));
    assert.deepEqual(added, ["Graceline", "logIn"]);
  });
});

/**
 * @param {string} kind
 * @param {Record<string, string>} headers
 * @param {(page: Awaited<ReturnType<typeof newPage>>) => Promise<void>} act
 */
async function withPage(kind, headers, act) {
  const server = await startStaticServer({ root: project.folder, headers });
  const page = await newPage(browser);
  try {
    await page.goto(`${server.url}${kind}.html`);
    await act(page);
  } finally {
    await page.context().close();
    await server.close();
  }
}
