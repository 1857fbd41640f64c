import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { createProject, startIn } from "../support/project.mjs";

const project = createProject();
const command = join(project.folder, "node_modules", ".bin", "graceline");

/** Node and the system, but no Rust. */
const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
  project.remove();
});

test("graceline registrar serves with Node alone until it is stopped", async () => {
  const { match, stop } = await startIn(
    project.folder,
    command,
    ["registrar", "--port", "0", "--user", "2001:secret"],
    /ws:\/\/127\.0\.0\.1:\d+\//,
    env,
  );
  const { Phone } = await project.import("graceline");
  const options = {
    connections: match[0],
    user: "2001",
    domain: "example.test",
    WebSocket,
  };
  try {
    const phone = new Phone({ ...options, password: "secret" });
    await phone.registerPhone();
    assert.equal(phone.status, "eReady");
    await phone.close();

    const stranger = new Phone({ ...options, password: "wrong" });
    await assert.rejects(stranger.registerPhone(), {
      code: "eCredentialsRejected",
    });
    await stranger.close();
  } finally {
    await stop();
  }
});

test("graceline demo serves a page that loads without an error", async () => {
  const { match, stop } = await startIn(
    project.folder,
    command,
    ["demo"],
    /^(http:\/\/127\.0\.0\.1:\d+\/)$/m,
    { ...env, PORT: "0" },
  );
  try {
    const page = await newPage(browser);
    /** @type {string[]} */
    const missing = [];
    page.on("response", (response) => {
      if (response.status() >= 400) missing.push(response.url());
    });
    await page.goto(match[1]);
    await page.locator("h1").first().waitFor();
    assert.deepEqual(missing, []);
    assert.deepEqual(page.problems, []);
    await page.context().close();
  } finally {
    await stop();
  }
});

test("an unknown command is explained, with exit code 1 or 2", async () => {
  await assert.rejects(
    startIn(project.folder, command, ["dance"], /^never$/, env),
    /ended with [12]:[^]*dance/,
  );
});
