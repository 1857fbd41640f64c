import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build as esbuild } from "esbuild";
import { rollup } from "rollup";
import { build as vite } from "vite";
import { assertLogsIn, logIn, logInSource } from "./log-in.mjs";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { createProject } from "../support/project.mjs";
import { startStaticServer } from "../support/static-server.mjs";

const project = createProject({
  "index.html": page("/app.js"),
  "slim.html": page("/slim.js"),
  "app.js": `import { Phone } from "graceline";\n${logInSource}`,
  "inline.js": `import { Phone } from "graceline/inline";\n${logInSource}`,
  "slim.js": `
    import { Phone, init } from "graceline/slim";
    import wasm from "graceline/wasm?url";
    import csta from "graceline/wasm/csta?url";
    ${logInSource}
    await init(wasm, { csta });
  `,
  "slim-esbuild.js": `
    import { Phone, init } from "graceline/slim";
    import wasm from "graceline/wasm";
    import csta from "graceline/wasm/csta";
    ${logInSource}
    const at = (file) => new URL(file, import.meta.url);
    await init(at(wasm), { csta: at(csta) });
  `,
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

test("esbuild bundles the default entry; the wasm is looked for where the docs say", async () => {
  const out = join(project.folder, "out");
  await bundle("app.js", join(out, "js"));
  const pkg = join(out, "pkg");
  mkdirSync(pkg);
  for (const [name, file] of [
    ["graceline/wasm", "client_bg.wasm"],
    ["graceline/wasm/csta", "csta_bg.wasm"],
  ])
    copyFileSync(project.resolve(name), join(pkg, file));
  await assertPageLogsIn(out, "/js/app.js");
});

test("esbuild bundles graceline/inline into one file that needs nothing else", async () => {
  const out = join(project.folder, "out-inline");
  await bundle("inline.js", out);
  assert.deepEqual(readdirSync(out), ["inline.js"]);
  await assertPageLogsIn(out, "/inline.js");
});

test("esbuild bundles graceline/slim with the wasm as a file", async () => {
  const out = join(project.folder, "out-slim");
  await bundle("slim-esbuild.js", out);
  assert.equal(wasmFiles(out).length, 2);
  await assertPageLogsIn(out, "/slim-esbuild.js");
});

test("Vite builds an app with the default entry: all wasm files are found by themselves", async () => {
  const out = await buildWithVite("index.html");
  assert.equal(wasmFiles(join(out, "assets")).length, 3);
  await assertSiteLogsIn(out, "index.html");
});

test("Vite builds an app with graceline/slim and the wasm's URL", async () => {
  const out = await buildWithVite("slim.html");
  assert.equal(wasmFiles(join(out, "assets")).length, 2);
  await assertSiteLogsIn(out, "slim.html");
});

test("Rollup leaves the wasm behind: the error says which import has it inside", async () => {
  const out = join(project.folder, "out-rollup");
  await bundleWithRollup("app.js", out);
  assert.equal(wasmFiles(out).length, 0);
  // A server may answer with its start page where there is no such file.
  for (const pages of [{}, { "/pkg/client_bg.wasm": page("/js/app.js") }]) {
    const answer = await logInAt(out, "/app.js", pages);
    assert.equal(answer.code, "eInternal");
    assert.match(String(answer.message), /client_bg\.wasm.*graceline\/inline/);
  }
});

test("Rollup bundles graceline/inline", async () => {
  const out = join(project.folder, "out-rollup-inline");
  await bundleWithRollup("inline.js", out);
  await assertPageLogsIn(out, "/inline.js");
});

/** @param {string} script */
function page(script) {
  return `<!doctype html><title>App</title><script type="module" src="${script}"></script>`;
}

/** @param {string} folder */
function wasmFiles(folder) {
  return readdirSync(folder).filter((file) => file.endsWith(".wasm"));
}

/**
 * @param {string} entry
 * @param {string} outdir
 */
async function bundle(entry, outdir) {
  const { warnings } = await esbuild({
    absWorkingDir: project.folder,
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    target: "es2022",
    loader: { ".wasm": "file" },
    outdir,
    logLevel: "silent",
  });
  assert.deepEqual(warnings, []);
}

/**
 * @param {string} entry
 * @param {string} dir
 */
async function bundleWithRollup(entry, dir) {
  const bundle = await rollup({
    input: join(project.folder, entry),
    plugins: [
      {
        name: "node_modules",
        resolveId: (source) =>
          source.startsWith("graceline") ? project.resolve(source) : null,
      },
    ],
  });
  await bundle.write({ dir, format: "es" });
  await bundle.close();
}

/**
 * @param {string} page
 * @returns {Promise<string>} the folder to serve
 */
async function buildWithVite(page) {
  const outDir = join(project.folder, `dist-${page}`);
  await vite({
    root: project.folder,
    configFile: false,
    logLevel: "error",
    build: {
      outDir,
      target: "es2022",
      rollupOptions: { input: join(project.folder, page) },
    },
  });
  return outDir;
}

/**
 * @param {string} folder
 * @param {string} script
 */
function assertPageLogsIn(folder, script) {
  return assertSiteLogsIn(folder, "test.html", {
    "/test.html": page(script),
  });
}

/**
 * @param {string} folder
 * @param {string} script
 * @param {Record<string, string>} pages
 */
async function logInAt(folder, script, pages) {
  const server = await startStaticServer({
    root: folder,
    pages: { "/test.html": page(script), ...pages },
  });
  const tab = await newPage(browser);
  try {
    await tab.goto(`${server.url}test.html`);
    return await logIn(tab, registrar.url);
  } finally {
    await tab.context().close();
    await server.close();
  }
}

/**
 * @param {string} folder
 * @param {string} path
 * @param {Record<string, string>} [pages]
 */
async function assertSiteLogsIn(folder, path, pages) {
  const server = await startStaticServer({ root: folder, pages });
  const tab = await newPage(browser);
  try {
    await tab.goto(server.url + path);
    await assertLogsIn(tab, registrar.url);
  } finally {
    await tab.context().close();
    await server.close();
  }
}
