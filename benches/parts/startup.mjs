// From asking for a page to its first registration in Chromium, as a user at the end of a
// thin line feels it: a slow CPU, a long way, a narrow line; everything compressed, as
// any web server does. Cold: a fresh profile. Warm: the page was there before, its files
// are in the cache. At a registrar with the policy, and at a plain one.

import { brotliCompressSync } from "node:zlib";
import { once } from "node:events";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { startRegistrar } from "graceline/testing";
import { interleave } from "../lib/rounds.mjs";
import { launchChromium, newPage } from "../../tests/support/chromium.mjs";
import { Relay } from "../../tests/support/relay.mjs";
import { root } from "../../tests/support/static-server.mjs";

/** The CPU takes so many times as long. */
const SLOWDOWN = 4;
/** ms from one end to the other, and back. */
const ROUND_TRIP = 150;
/** Bytes a second in each direction: 1.6 Mbit/s. */
const RATE = 200_000;

const [rounds] = process.argv.slice(2).map(Number);
const [user, domain, password] = ["2001", "example.test", "secret"];
const registrars = {
  graceful: await startRegistrar(),
  plain: await startRegistrar({ policy: "normal" }),
};
/** @typedef {keyof typeof registrars} Kind */

/** The app of each, as its documentation says. @type {Record<string, (url: string) => string>} */
const apps = {
  Graceline: (url) => `
    import { Phone } from "graceline";
    const phone = new Phone({ connections: "${url}", user: "${user}", domain: "${domain}", password: "${password}" });
    phone.registerPhone().then(done, failed);`,
  JsSIP: (url) => `
    import JsSIP from "jssip";
    const agent = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface("${url}")], uri: "sip:${user}@${domain}", password: "${password}" });
    agent.on("registered", done);
    agent.on("registrationFailed", failed);
    agent.start();`,
  "SIP.js": (url) => `
    import { Registerer, RegistererState, UserAgent } from "sip.js";
    const agent = new UserAgent({ uri: UserAgent.makeURI("sip:${user}@${domain}"), transportOptions: { server: "${url}" }, authorizationUsername: "${user}", authorizationPassword: "${password}", logBuiltinEnabled: false });
    const registerer = new Registerer(agent);
    registerer.stateChange.addListener((state) => state === RegistererState.Registered && done());
    agent.start().then(() => registerer.register()).catch(failed);`,
};

/** What a page should say in its head, by the documentation. @type {Record<string, string>} */
const links = {
  Graceline: `<link rel="preload" href="/pkg/client_bg.wasm" as="fetch" type="application/wasm" crossorigin>`,
};

/** What the web server has, compressed. @type {Map<string, { type: string, body: Buffer }>} */
const files = new Map();
const server = createServer((request, response) => {
  const file = files.get(request.url ?? "");
  if (!file) return response.writeHead(404).end();
  response.writeHead(200, {
    "Content-Type": file.type,
    "Content-Encoding": "br",
    "Cache-Control": "max-age=3600",
  });
  response.end(file.body);
}).listen(0, "127.0.0.1");
await once(server, "listening");

/** The line to the web server, and to the registrar: one for all. */
const web = await far(portOf(server));
const sip = {
  graceful: await far(Number(new URL(registrars.graceful.url).port)),
  plain: await far(Number(new URL(registrars.plain.url).port)),
};

publish(
  "/pkg/client_bg.wasm",
  "application/wasm",
  readFileSync(`${root}pkg/client_bg.wasm`),
);
for (const kind of /** @type {Kind[]} */ (Object.keys(registrars)))
  for (const [name, app] of Object.entries(apps)) {
    publish(
      `/${kind}/${name}.html`,
      "text/html; charset=utf-8",
      `<!doctype html><title>${name}</title><link rel="icon" href="data:,">${links[name] ?? ""}<script>
        const registered = new Promise((resolve, reject) => {
          window.done = () => resolve(performance.now());
          window.failed = (error) => reject(new Error(error?.cause ?? error));
        });
      </script><script type="module" src="${name}.js"></script>`,
    );
    publish(
      `/${kind}/${name}.js`,
      "text/javascript; charset=utf-8",
      await bundle(app(sip[kind].url)),
    );
  }

const browser = await launchChromium();
try {
  /** @type {Record<string, any>} */
  const figures = {};
  for (const kind of /** @type {Kind[]} */ (Object.keys(registrars)))
    for (const visit of /** @type {const} */ (["cold", "warm"]))
      figures[`${kind} ${visit}`] = await interleave(
        rounds,
        Object.fromEntries(
          Object.keys(apps).map((name) => [
            name,
            () => start(kind, name, visit),
          ]),
        ),
      );
  console.log(JSON.stringify({ figures, notes: [] }));
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
  await Promise.all([web, ...Object.values(sip)].map((relay) => relay.close()));
  for (const registrar of Object.values(registrars)) await registrar.stop();
}

/**
 * @param {Kind} kind
 * @param {string} name
 * @param {"cold" | "warm"} visit
 * @returns {Promise<number>} ms since the page was asked for
 */
async function start(kind, name, visit) {
  registrars[kind].forget();
  const page = await newPage(browser);
  try {
    const session = await page.context().newCDPSession(page);
    await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWDOWN });
    if (visit === "warm") {
      // What is compiled is cached from the second time on that it is used.
      for (let visits = 0; visits < 2; visits += 1) {
        await visitOnce(page, kind, name);
        await page.goto("about:blank");
      }
    }
    return await visitOnce(page, kind, name);
  } finally {
    await page.context().close();
  }
}

/**
 * @param {import("playwright-core").Page} page
 * @param {Kind} kind
 * @param {string} name
 * @returns {Promise<number>}
 */
async function visitOnce(page, kind, name) {
  await page.goto(`http://127.0.0.1:${web.port}/${kind}/${name}.html`);
  return page.evaluate("registered");
}

/** @param {number} port @returns {Promise<Relay>} what is that far away */
async function far(port) {
  const relay = await Relay.start(port);
  relay.delay = ROUND_TRIP / 2;
  relay.handshake = ROUND_TRIP;
  relay.rate = RATE;
  return relay;
}

/** @param {import("node:http").Server} of */
function portOf(of) {
  return /** @type {import("node:net").AddressInfo} */ (of.address()).port;
}

/**
 * @param {string} path
 * @param {string} type
 * @param {string | Buffer} content
 */
function publish(path, type, content) {
  files.set(path, { type, body: brotliCompressSync(content) });
}

/** @param {string} contents */
async function bundle(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    logLevel: "error",
  });
  return outputFiles[0].text;
}
