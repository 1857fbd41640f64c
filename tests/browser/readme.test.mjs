// The README's login in a React app: StrictMode mounts a component, unmounts it while it
// registers, and mounts it again.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { startRegistrar } from "../../js/testing/index.js";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { root, startStaticServer } from "../support/static-server.mjs";

/** The first sample of the README that imports: imports, then what is done with them. */
const [, sample] = /** @type {RegExpExecArray} */ (
  /```js\n(import [^]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"))
);
const [imports, login] = [
  /^import .*$/gm,
  /^(?!import|const connections).*$/gm,
].map((lines) => sample.match(lines)?.join("\n"));

/** What the sample takes from its app comes from the test. */
const app = `
  ${imports}
  import { createElement, StrictMode, useEffect } from "react";
  import { createRoot } from "react-dom/client";
  const { connections, user, domain, password, show, confirm } = globalThis.given;

  function Login() {
    useEffect(() => {
      ${login}
      globalThis.phones.push(phone);
      return () => void phone.close();
    }, []);
    return null;
  }
  const app = createRoot(document.createElement("div"));
  globalThis.mount = () => app.render(createElement(StrictMode, {}, createElement(Login)));
  globalThis.unmount = () => app.unmount();
`;

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startRegistrar>>} */
let registrar;
/** @type {Awaited<ReturnType<typeof startStaticServer>>} */
let server;

before(async () => {
  browser = await launchChromium();
  registrar = await startRegistrar({ users: { 2001: { password: "secret" } } });
  const { outputFiles } = await build({
    stdin: { contents: app, resolveDir: root },
    alias: { graceline: join(root, "js/inline.js") },
    define: { "process.env.NODE_ENV": '"development"' },
    format: "esm",
    bundle: true,
    write: false,
  });
  server = await startStaticServer({
    pages: {
      "/": '<!doctype html><title>React</title><script type="module" src="/app.js"></script>',
      "/app.js": outputFiles[0].text,
      "/favicon.ico": "",
    },
  });
});

after(async () => {
  await browser?.close();
  await server?.close();
  await registrar?.stop();
});

/** The app in a browser profile of its own; `confirm` answers as told. @param {boolean} [yes] */
async function open(yes = false) {
  const page = await newPage(browser);
  await page.addInitScript(
    ({ connections, yes }) => {
      const said = /** @type {string[]} */ ([]);
      Object.assign(window, {
        said,
        phones: [],
        given: {
          ...{ connections, user: "2001", domain: "example.test" },
          password: "secret",
          show: (/** @type {string} */ text) => said.push(text),
          confirm: () => yes,
        },
      });
    },
    { connections: registrar.url, yes },
  );
  await page.goto(server.url);
  await page.waitForFunction("window.mount");
  return page;
}

test("unmounted while it registers: nothing is thrown, nothing shown, and it registers", async () => {
  const page = await open();
  await page.evaluate("mount()");
  await page.waitForFunction("phones.length === 2 && phones[1].ready");
  assert.equal(await page.evaluate("phones[0].status"), "eIdle");
  assert.equal(registrar.bindings("2001").length, 1);

  await page.evaluate("unmount(); Promise.all(phones.map((p) => p.close()))");
  assert.equal(registrar.bindings("2001").length, 0);
  assert.deepEqual(await page.evaluate("said"), []);
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

test("logged in elsewhere: asked, forced; the other page is told", async () => {
  const [first, second] = [await open(), await open(true)];
  await first.evaluate("mount()");
  await first.waitForFunction("phones[1]?.ready");
  await second.evaluate("mount()");
  await second.waitForFunction("phones[1]?.ready");
  await first.waitForFunction("said.length > 0");
  const [said, ...more] = await first.evaluate("said");
  assert.match(
    said,
    /^You logged in elsewhere: Graceline\/[\d.]+ \(Chrome \d+; Linux\)\. Here you are logged out\.$/,
  );
  assert.deepEqual(more, []);
  assert.deepEqual(await second.evaluate("said"), []);
  assert.deepEqual([...first.problems, ...second.problems], []);
  await first.context().close();
  await second.context().close();
});
