// graceline/react and graceline/vue in apps that Vite builds, in Chromium: refused, asked and
// forced; a call that is heard; StrictMode; and on a server, where nothing may happen.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import plugin from "@vitejs/plugin-vue";
import { build } from "vite";
import { callFlags, launchChromium, newPage } from "../support/chromium.mjs";
import { createProject, runIn } from "../support/project.mjs";
import { root, startStaticServer } from "../support/static-server.mjs";

const sources = join(root, "tests", "packaging", "frameworks");
const html = (/** @type {string} */ script) =>
  `<!doctype html><html lang="en"><title>App</title><div id="app"></div><script type="module" src="/${script}"></script>`;

const project = createProject({
  "react.html": html("react.jsx"),
  "vue.html": html("vue.js"),
  ...Object.fromEntries(
    readdirSync(sources).map((name) => [
      name,
      readFileSync(join(sources, name), "utf8"),
    ]),
  ),
});
mkdirSync(join(project.folder, "node_modules", "@types"));
for (const name of ["react", "react-dom", "vue", "@types/react"])
  symlinkSync(
    join(root, "node_modules", name),
    join(project.folder, "node_modules", name),
  );

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {any} */
let registrar;
/** @type {Awaited<ReturnType<typeof startStaticServer>>} */
let server;

before(async () => {
  browser = await launchChromium({ args: callFlags });
  const { startRegistrar } = await project.import("graceline/testing");
  const users = { 2001: { password: "secret" }, 2002: { password: "secret" } };
  registrar = await startRegistrar({ users });
  const outDir = join(project.folder, "dist");
  await build({
    root: project.folder,
    configFile: false,
    logLevel: "error",
    // StrictMode mounts twice in development alone.
    mode: "development",
    plugins: [plugin()],
    define: { "process.env.NODE_ENV": '"development"' },
    build: {
      outDir,
      minify: false,
      target: "es2022",
      rollupOptions: {
        input: ["react.html", "vue.html"].map((name) =>
          join(project.folder, name),
        ),
      },
    },
  });
  server = await startStaticServer({ root: outDir });
});

after(async () => {
  await browser?.close();
  await server?.close();
  await registrar?.stop();
  project.remove();
});

/**
 * The app of a user, in a browser profile of its own.
 *
 * @param {string} path
 * @param {string} [user]
 */
async function open(path, user = "2001") {
  const page = await newPage(browser, { permissions: ["microphone"] });
  await page.addInitScript((line) => Object.assign(window, { line }), {
    ...{ user, connections: registrar.url, domain: "example.test" },
    target: user === "2001" ? "2002" : "2001",
  });
  await page.goto(server.url + path);
  return page;
}

/** @param {import("playwright-core").Page} page @param {string} status */
const hasStatus = (page, status) =>
  page.locator("#status", { hasText: status }).waitFor();

/** @param {import("playwright-core").Page} page @param {string} name */
const press = (page, name) => page.getByRole("button", { name }).click();

/** Whether sound arrives in the page's `<audio>`. @param {import("playwright-core").Page} page */
const hears = (page) =>
  page.waitForFunction(async () => {
    const { srcObject } = document.querySelector("audio") ?? {};
    if (!(srcObject instanceof MediaStream)) return false;
    const context = new AudioContext();
    const meter = context.createAnalyser();
    context.createMediaStreamSource(srcObject).connect(meter);
    const samples = new Float32Array(meter.fftSize);
    for (let i = 0; i < 40; i++) {
      meter.getFloatTimeDomainData(samples);
      if (samples.some((sample) => Math.abs(sample) > 0.01)) return true;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    return false;
  });

test("README and docs/frameworks.md show these very components", () => {
  for (const [page, name, language] of [
    ["docs/frameworks.md", "Softphone.jsx", "jsx"],
    ["docs/frameworks.md", "Softphone.vue", "vue"],
    ["README.md", "Line.jsx", "jsx"],
    ["README.md", "Line.vue", "vue"],
  ]) {
    const docs = readFileSync(join(root, page), "utf8");
    const source = readFileSync(join(sources, name), "utf8");
    assert.ok(docs.includes(`\`\`\`${language}\n${source}\`\`\``), name);
  }
});

test("right uses compile and wrong ones do not", async () => {
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const { code, output } = await runIn(project.folder, tsc, [
    ...["--noEmit", "--strict", "--target", "es2022", "--jsx", "react-jsx"],
    ...["--module", "esnext", "--moduleResolution", "bundler"],
    ...["--lib", "es2023,dom", "--types", "", "types.tsx"],
  ]);
  assert.equal(output, "");
  assert.equal(code, 0);
});

for (const framework of ["react", "vue"])
  describe(framework, () => {
    test("logs in once, is refused elsewhere, asks, and takes over; the other is told", async () => {
      const first = await open(`${framework}.html`);
      await hasStatus(first, "eReady");
      assert.equal(registrar.bindings("2001").length, 1);
      const [{ instanceId }] = registrar.bindings("2001");

      const second = await open(`${framework}.html`);
      await second.getByRole("button", { name: "Log in here" }).waitFor();
      await hasStatus(second, "eIdle");
      await hasStatus(first, "eReady");
      await press(second, "Log in here");
      await hasStatus(second, "eReady");
      await hasStatus(first, "eConnectionTerminated");
      assert.match(
        await first.locator("#said").innerText(),
        /^You logged in elsewhere/,
      );
      assert.equal(await second.locator("#said").innerText(), "");
      assert.equal(
        await second.getByRole("button", { name: "Log in here" }).count(),
        0,
      );
      const [taken, ...more] = registrar.bindings("2001");
      assert.notEqual(taken.instanceId, instanceId);
      assert.deepEqual(more, []);

      const left = new Promise((told) => registrar.once("bindings", told));
      await second.evaluate("unmount()");
      assert.deepEqual(await left, { user: "2001", bindings: [] });
      assert.deepEqual([...first.problems, ...second.problems], []);
      for (const page of [first, second]) await page.context().close();
    });

    test("the few lines of the README: refused, and forced", async () => {
      const first = await open(`${framework}.html?line`);
      await hasStatus(first, "eReady");
      const second = await open(`${framework}.html?line`);
      await press(second, "Log in here");
      await hasStatus(second, "eReady");
      await hasStatus(first, "eConnectionTerminated");
      assert.deepEqual([...first.problems, ...second.problems], []);
      for (const page of [first, second]) await page.context().close();
    });

    test("a call rings, is answered and heard at both ends, and hung up", async () => {
      const caller = await open(`${framework}.html`);
      const called = await open(`${framework}.html`, "2002");
      for (const page of [caller, called]) await hasStatus(page, "eReady");
      await press(caller, "Call");
      await caller.locator(".call", { hasText: "ringing" }).waitFor();
      await press(called, "Answer");
      for (const page of [caller, called]) {
        await page.locator(".call", { hasText: "connected" }).waitFor();
        await hears(page);
      }
      assert.equal(
        await called.getByRole("button", { name: "Answer" }).count(),
        0,
      );
      await press(called, "Hang up");
      for (const page of [caller, called])
        await page.locator(".call").waitFor({ state: "detached" });
      assert.deepEqual([...caller.problems, ...called.problems], []);
      for (const page of [caller, called]) await page.context().close();
    });

    test("on a server it renders what there is: no phone", async () => {
      const { code, output } = await runIn(project.folder, process.execPath, [
        `server-${framework}.mjs`,
      ]);
      assert.match(output, /^<p[^>]*>eIdle,,(<!---->)?<audio[^>]*><\/audio>/);
      assert.equal(code, 0);
    });
  });
