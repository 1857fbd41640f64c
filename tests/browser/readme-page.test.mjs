// The whole page of the README, and its lines for jQuery, as they stand there, with the files
// that they load: in Chromium, against the test registrar.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { startRegistrar } from "../../js/testing/index.js";
import { callFlags, launchChromium, newPage } from "../support/chromium.mjs";
import { root, startStaticServer } from "../support/static-server.mjs";

const readme = readFileSync(join(root, "README.md"), "utf8");
const [, whole] = /```html\n([^]*?)```/.exec(readme);
const [, jquery] = /```js\n(\$\([^]*?)```/.exec(readme);

let browser;
let registrar;
let server;
let pages = [];

before(async () => {
  browser = await launchChromium({ args: callFlags });
});
after(() => browser?.close());
beforeEach(async () => {
  registrar = await startRegistrar();
  const script = readFileSync(join(root, "pkg/graceline.min.js"), "utf8");
  const $ = readFileSync(join(root, "node_modules/jquery3/dist/jquery.min.js"));
  server = await startStaticServer({
    pages: {
      "/": whole.replace("ws://127.0.0.1:5066/", registrar.url),
      "/graceline.min.js": script,
      "/jquery.js": $.toString(),
      "/cwic.html": `<!doctype html><html lang="en"><title>CWIC</title>
        <p id="phone"></p><p id="line"></p><p id="refused"></p>
        <script src="jquery.js"></script><script src="graceline.min.js"></script>
        <script>
          const [user, password, connections] = ["2001", "secret", "${registrar.url}"];
          ${jquery}
        </script>`,
    },
  });
});
afterEach(async () => {
  const problems = pages.flatMap((page) => page.problems);
  await Promise.all(pages.map((page) => page.context().close()));
  pages = [];
  await server.close();
  await registrar.stop();
  assert.deepEqual(problems, []);
});

/** A page whose user answers what it asks. */
async function open(path, answers = {}) {
  const page = await newPage(browser, { permissions: ["microphone"] });
  pages.push(page);
  const asked = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.message());
    dialog.accept(answers[dialog.message()]);
  });
  await page.goto(server.url + path);
  return Object.assign(page, { asked });
}

const says = (page, text) => page.locator("#line", { hasText: text }).waitFor();

test("the whole page: two call each other, and are heard", async () => {
  const caller = await open("", { "Your number": "2001", "Whom?": "2002" });
  const called = await open("", { "Your number": "2002" });
  for (const page of [caller, called]) await says(page, "eReady");
  await caller.getByRole("button", { name: "Call" }).click();
  await called.getByRole("button", { name: "Answer" }).click();
  for (const page of [caller, called]) {
    await says(page, "connected");
    await page.waitForFunction(
      () => document.querySelector("audio").currentTime > 0,
    );
  }
  assert.equal(await called.locator("#answer").isVisible(), false);
  await caller.getByRole("button", { name: "Hang up" }).click();
  for (const page of [caller, called]) await says(page, "ended");
});

test("the whole page, a second time: asks, takes over, and the first is told", async () => {
  const first = await open("", { "Your number": "2001" });
  await says(first, "eReady");
  const second = await open("", { "Your number": "2001" });
  await says(second, "eReady");
  assert.match(second.asked[1], /^Logged in elsewhere/);
  await says(first, "You logged in elsewhere");
});

test("jQuery: logged in, and refused elsewhere", async () => {
  const first = await open("cwic.html");
  await says(first, "eReady");
  const second = await open("cwic.html");
  await second
    .locator("#refused", { hasText: "eDeviceAlreadyRegistered" })
    .waitFor();
  await says(first, "eReady");
});
