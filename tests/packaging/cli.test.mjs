import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import WebSocket from "ws";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { createProject, startIn } from "../support/project.mjs";
import { startStaticServer } from "../support/static-server.mjs";

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

test("graceline preload: a page that says its lines fetches each file once, the wasm among the first", async () => {
  const { lines } = await run("preload");
  assert.ok(lines.length > 5, `${lines.length} lines`);
  const server = await startStaticServer({
    root: project.folder,
    pages: {
      "/page.html": `<!doctype html><title>Sooner</title><link rel="icon" href="data:,">
        ${lines.join("")}<script type="module">
          const { Phone } = await import("/node_modules/graceline/js/index.js");
          globalThis.loaded = Phone;
        </script>`,
    },
  });
  const page = await newPage(browser);
  try {
    /** @type {string[]} */
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(`${server.url}page.html`, { waitUntil: "networkidle" });
    await page.waitForFunction("globalThis.loaded");
    assert.deepEqual(page.problems, []);
    const files = lines.map((line) => /href="\/([^"]+)"/.exec(line)?.[1]);
    assert.deepEqual(
      asked.slice(1).toSorted(),
      files.map((file) => server.url + file).toSorted(),
    );
  } finally {
    await page.context().close();
    await server.close();
  }
});

test("graceline preload: of a built site the wasm, whatever its name, and no other", async () => {
  const site = mkdtempSync(join(tmpdir(), "graceline-site-"));
  try {
    const wasm = join(project.folder, "node_modules/graceline/pkg");
    mkdirSync(join(site, "assets"));
    copyFileSync(
      join(wasm, "client_bg.wasm"),
      join(site, "assets", "cli&ent-1a2b.wasm"),
    );
    copyFileSync(join(wasm, "csta_bg.wasm"), join(site, "assets", "csta.wasm"));
    const link = (/** @type {string} */ href) =>
      `<link rel="preload" href="${href}" as="fetch" type="application/wasm" crossorigin>`;
    assert.deepEqual((await run("preload", site)).lines, [
      link("/assets/cli&amp;ent-1a2b.wasm"),
    ]);
    assert.deepEqual((await run("preload", site, "--base", "/app")).lines, [
      link("/app/assets/cli&amp;ent-1a2b.wasm"),
    ]);
    rmSync(join(site, "assets", "cli&ent-1a2b.wasm"));
    await assert.rejects(run("preload", site), /build the site first/);
  } finally {
    rmSync(site, { recursive: true });
  }
});

test("a page that imports the package fetches the wasm before anybody logs in", async () => {
  const server = await startStaticServer({
    root: project.folder,
    pages: {
      "/page.html": `<!doctype html><title>Import</title>
        <script type="module">import "/node_modules/graceline/js/index.js";</script>`,
    },
  });
  const page = await newPage(browser);
  try {
    const [request] = await Promise.all([
      page.waitForRequest(/client_bg\.wasm$/),
      page.goto(`${server.url}page.html`),
    ]);
    assert.equal((await request.response())?.status(), 200);
  } finally {
    await page.context().close();
    await server.close();
  }
});

test("an unknown command is explained, with exit code 1 or 2", async () => {
  await assert.rejects(
    startIn(project.folder, command, ["dance"], /^never$/, env),
    /ended with [12]:[^]*dance/,
  );
});

/**
 * What a command prints, line by line.
 * @param {string[]} words
 */
async function run(...words) {
  const { stdout } = await promisify(execFile)(command, words, { env });
  return { lines: stdout.trim().split("\n") };
}
