import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Explained, say, step } from "./log.mjs";
import { inRoot, pkg } from "./paths.mjs";
import { digestOf, filesUnder, replaceFile, unlessFresh } from "./stamps.mjs";

/**
 * What the server parts use of others. Each file of scripts/libraries is bundled into
 * `pkg/libraries`, so that who installs the package for a page gets none of it as a
 * dependency.
 */
const names = filesUnder("scripts/libraries").map((file) =>
  file.replace(/^.*\/|\.js$/g, ""),
);

const folder = join(pkg, "libraries");

/** Files that a library reads beside itself. @type {Record<string, string>} */
const beside = {
  "node-sqlite3-wasm.wasm":
    "node_modules/node-sqlite3-wasm/dist/node-sqlite3-wasm.wasm",
};

/** Packages that name their licence and author in package.json alone. */
const withoutFile = ["http_ece", "werift"];

/** What is written for CommonJS, and finds itself in a module. */
const banner = `
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
const require = createRequire(import.meta.url);
const __dirname = dirname(fileURLToPath(import.meta.url));
`;

/** In pkg/. */
export const libraryFiles = [
  ...names.flatMap((name) => [`${name}.js`, `${name}.d.ts`]),
  ...Object.keys(beside),
  "LICENSES.txt",
].map((file) => join("libraries", file));

/** @returns {Promise<boolean>} whether there was anything to do */
export function buildLibraries() {
  return unlessFresh({
    stamp: join(pkg, ".stamps", "libraries"),
    digest: digestOf([
      "scripts/libraries",
      "scripts/lib/libraries.mjs",
      "package-lock.json",
    ]),
    outputs: libraryFiles.map((file) => join(pkg, file)),
    work: () => step("bundling the libraries of the servers", bundle),
  });
}

async function bundle() {
  const { build } = await import("esbuild");
  const { outputFiles, metafile } = await build({
    entryPoints: names.map((name) => inRoot("scripts/libraries", `${name}.js`)),
    absWorkingDir: inRoot(),
    outdir: folder,
    bundle: true,
    write: false,
    metafile: true,
    // Nobody downloads them, and who looks after a server may want to read them.
    minify: false,
    platform: "node",
    format: "esm",
    target: "node20",
    charset: "utf8",
    legalComments: "none",
    banner: { js: banner },
    logLevel: "warning",
  });
  for (const { path, contents } of outputFiles) replaceFile(path, contents);
  for (const name of names) {
    // What it exports is all that it says: as true of the types.
    const exported = readFileSync(inRoot("scripts/libraries", `${name}.js`));
    replaceFile(join(folder, `${name}.d.ts`), exported);
  }
  for (const [name, source] of Object.entries(beside))
    replaceFile(join(folder, name), readFileSync(inRoot(source)));
  replaceFile(
    join(folder, "LICENSES.txt"),
    licences(Object.keys(metafile.inputs)),
  );
  const bytes = outputFiles.reduce(
    (sum, { contents }) => sum + contents.length,
    0,
  );
  say(`  pkg/libraries: ${bytes} bytes`);
}

/**
 * The packages that are in the bundles, each with its licence.
 *
 * @param {string[]} inputs files, relative to the top of the repository
 */
function licences(inputs) {
  const packages = new Set(
    inputs.flatMap(
      (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [],
    ),
  );
  const parts = [...packages].sort().map((path) => {
    const { name, version, license, repository, author } = JSON.parse(
      readFileSync(inRoot(path, "package.json"), "utf8"),
    );
    const text = withoutFile.includes(name)
      ? `By ${author?.name ?? author}.\n`
      : licenceIn(path);
    return `${name} ${version}, ${license}\n${sourceOf(repository)}\n\n${text}`;
  });
  return `pkg/libraries holds these packages, each under its own licence.\n\n${parts.join(`\n${"-".repeat(72)}\n\n`)}`;
}

/** @param {any} repository as package.json has it: a URL of git, or owner/name */
function sourceOf(repository) {
  const url = `${repository?.url ?? repository}`;
  const [path] = url.replace(/^.*github\.com[:/]/, "").split(/\.git\b/);
  return `https://github.com/${path}`;
}

/** @param {string} path of a package */
function licenceIn(path) {
  const name = readdirSync(inRoot(path)).find((file) =>
    /^licen[cs]e(\.\w+)?$/i.test(file),
  );
  const file = name && inRoot(path, name);
  if (file && existsSync(file)) return `${readFileSync(file, "utf8").trim()}\n`;
  throw new Explained(
    `${path} has no file with its licence: it cannot be bundled.`,
  );
}
