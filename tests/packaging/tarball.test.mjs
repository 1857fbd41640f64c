import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { build } from "esbuild";
import { createProject } from "../support/project.mjs";
import { root } from "../support/static-server.mjs";

const project = createProject();
after(project.remove);

const top = join(project.folder, "node_modules", "graceline");
const files = readdirSync(top, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(top.length + 1));

test("the tarball holds what the package promises", () => {
  for (const file of [
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "js/index.d.ts",
    "demo/index.html",
    "demo/jquery.html",
    "demo/devices.html",
    "deploy/kamailio/kamailio.cfg",
    "deploy/kamailio/policy/01-data.lua",
  ]) {
    assert.ok(files.includes(file), `${file} is missing`);
  }
});

test("of what is built, the tarball holds what is used, and no leftovers", () => {
  assert.deepEqual(files.filter((file) => file.startsWith("pkg/")).sort(), [
    "pkg/calls_bg.wasm",
    "pkg/client_bg.wasm",
    "pkg/controller_bg.wasm",
    "pkg/csta_bg.wasm",
    "pkg/gateway.js",
    "pkg/gateway_bg.wasm",
    "pkg/graceline.min.js",
    "pkg/inline/client_bg.js",
    "pkg/inline/csta_bg.js",
    "pkg/jquery.min.js",
    "pkg/libraries/LICENSES.txt",
    "pkg/libraries/http.js",
    "pkg/libraries/jwt.js",
    "pkg/libraries/node-sqlite3-wasm.wasm",
    "pkg/libraries/redis.js",
    "pkg/libraries/sqlite.js",
    "pkg/libraries/web-push.js",
    "pkg/libraries/webrtc.js",
    "pkg/registrar.js",
    "pkg/registrar_bg.wasm",
    "pkg/whole_bg.wasm",
    "pkg/worker.js",
  ]);
});

test("the tarball holds nothing else: no sources of the core, no tests, no source maps", () => {
  const allowed =
    /^(js|server|pkg|demo|docs|deploy)\/|^[A-Z]+(\.md)?$|^package\.json$/;
  const strangers = files.filter(
    (file) => !allowed.test(file) || /\.(rs|map|tmp)$|\/\./.test(file),
  );
  assert.deepEqual(strangers, []);
  for (const file of files.filter((file) => /\.(js|css)$/.test(file))) {
    assert.doesNotMatch(
      readFileSync(join(top, file), "latin1"),
      /[#@] sourceMappingURL=/,
      file,
    );
  }
});

test("no file tells where it was built", () => {
  for (const file of files) {
    const text = readFileSync(join(top, file), "latin1");
    for (const path of [root, join(homedir(), ".cargo")]) {
      assert.ok(!text.includes(path), `${file} names ${path}`);
    }
  }
});

test("every export and every field of package.json leads to a file", () => {
  const { exports, bin, main, types, unpkg, jsdelivr } = JSON.parse(
    readFileSync(join(top, "package.json"), "utf8"),
  );
  const targets = [exports, bin, main, types, unpkg, jsdelivr].flatMap(leaves);
  for (const target of targets) {
    assert.ok(existsSync(join(top, target)), `${target} is missing`);
  }
});

test("ws is the only dependency, and all that is installed", () => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
    readFileSync(join(top, "package.json"), "utf8"),
  );
  assert.deepEqual(Object.keys(dependencies), ["ws"]);
  for (const peer of Object.keys(peerDependencies))
    assert.ok(peerDependenciesMeta[peer].optional, peer);
  assert.deepEqual(
    readdirSync(join(project.folder, "node_modules"))
      .filter((name) => !name.startsWith("."))
      .sort(),
    ["graceline", "ws"],
  );
});

/** Licences by which a package may be handed on within ours, if it is named. */
const PERMISSIVE =
  /^(MIT|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|MPL-2\.0|Unlicense)$/;

test("every package that is bundled is listed with its licence", async () => {
  const { metafile } = await build({
    entryPoints: readdirSync(join(root, "scripts/libraries")).map((name) =>
      join(root, "scripts/libraries", name),
    ),
    absWorkingDir: root,
    outdir: project.folder,
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
  });
  const list = readFileSync(join(top, "pkg/libraries/LICENSES.txt"), "utf8");
  const packages = new Set(
    Object.keys(metafile.inputs).flatMap(
      (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [],
    ),
  );
  assert.ok(packages.size > 10, `${packages.size} packages`);
  for (const path of packages) {
    const { name, version, license } = JSON.parse(
      readFileSync(join(root, path, "package.json"), "utf8"),
    );
    assert.ok(list.includes(`\n${name} ${version}, ${license}\n`), name);
    assert.match(license, PERMISSIVE, name);
  }
});

/** @param {unknown} value @returns {string[]} the strings of a nested object */
function leaves(value) {
  return typeof value === "string"
    ? [value]
    : Object.values(value ?? {}).flatMap(leaves);
}
