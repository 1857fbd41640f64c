// A page whose Content-Security-Policy forbids the server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startRegistrar } from "../../js/testing/index.js";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";

const FORBIDDEN = "wss://sip.example.com:8443";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startRegistrar>>} */
let registrar;
/** @type {Awaited<ReturnType<typeof startStaticServer>>} */
let server;

before(async () => {
  browser = await launchChromium();
  registrar = await startRegistrar({ users: { 2001: { password: "secret" } } });
  server = await startStaticServer({
    pages: {
      "/": '<!doctype html><title>Phone</title><script type="module" src="/app.js"></script>',
      "/app.js": `
        import { Phone } from "/js/index.js";
        window.logIn = async (...connections) => {
          const start = performance.now();
          const took = () => Math.round(performance.now() - start);
          const phone = new Phone({
            connections, user: "2001", domain: "example.test", password: "secret",
          });
          const story = [];
          phone.on("status", ({ status }) => story.push(status));
          try {
            const { connection } = await phone.registerPhone();
            return { connection };
          } catch ({ code, message }) {
            return { code, message, story, took: took() };
          } finally {
            await phone.close();
          }
        };
      `,
      "/favicon.ico": "",
    },
    headers: {
      "Content-Security-Policy": `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${registrar.url}`,
    },
  });
});

after(async () => {
  await browser?.close();
  await server?.close();
  await registrar?.stop();
});

/** @param {...string} connections */
async function logIn(...connections) {
  const page = await newPage(browser);
  await page.goto(server.url);
  await page.waitForFunction("window.logIn");
  const answer = await page.evaluate(
    (urls) => /** @type {any} */ (window).logIn(...urls),
    connections,
  );
  await page.context().close();
  return answer;
}

test("told within a second, naming connect-src and the server, but not its query", async () => {
  const { code, message, story, took } = await logIn(
    `${FORBIDDEN}/sip?token=tellnobody`,
    "wss://sip.example.org/",
  );
  assert.equal(code, "eCouldNotConnect");
  assert.match(message, /connect-src/);
  assert.doesNotMatch(message, /tellnobody/);
  assert.deepEqual(story, ["eRegistering", "eIdle"]);
  assert.ok(took < 1000, `${took} ms`);
});

test("one of two forbidden: the other one is used", async () => {
  const { connection } = await logIn(`${FORBIDDEN}/`, registrar.url);
  assert.equal(connection, registrar.url);
});
