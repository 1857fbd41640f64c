import { readFile, readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WASM = "pkg/client_bg.wasm";
/** A static import or re-export, as the package writes them. */
const IMPORT = /^(?:import|export)\b[^;"]*"(\.[^"]+)";/gm;

/**
 * Lines for the head of a page: by them the browser fetches what the phone is made of while
 * it still fetches the page's own code.
 *
 * @param {string} [site] a folder that a bundler wrote; default: pages load the package as it is
 * @param {string} [base] where that is served
 * @returns {Promise<string[]>} none: the phone's wasm is no file of that folder
 */
export async function preloadLinks(site, base) {
  if (site === undefined) {
    const at = slashed(base ?? "/node_modules/graceline/");
    const modules = await modulesOf("js/index.js");
    return [
      ...[...modules].map(
        (path) => `<link rel="modulepreload" href="${attribute(at + path)}">`,
      ),
      wasmLink(at + WASM),
    ];
  }
  const at = slashed(base ?? "/");
  const wasm = await readFile(join(ROOT, WASM));
  const files = await readdir(site, { recursive: true });
  const links = [];
  // Bundlers give files names of their own.
  for (const file of files.filter((name) => name.endsWith(".wasm")))
    if (wasm.equals(await readFile(join(site, file))))
      links.push(wasmLink(at + file.split(sep).join("/")));
  return links;
}

/** As `fetch` asks for it: otherwise it would be fetched twice. @param {string} href */
const wasmLink = (href) =>
  `<link rel="preload" href="${attribute(href)}" as="fetch" type="application/wasm" crossorigin>`;

/** @param {string} path */
const slashed = (path) => (path.endsWith("/") ? path : `${path}/`);

/** @param {string} text */
const attribute = (text) =>
  encodeURI(text).replaceAll("&", "&amp;").replaceAll('"', "&quot;");

/**
 * A module and what it imports statically, each once.
 *
 * @param {string} path within the package
 * @param {Set<string>} [known]
 */
async function modulesOf(path, known = new Set()) {
  if (known.has(path)) return known;
  known.add(path);
  const text = await readFile(join(ROOT, path), "utf8");
  for (const [, to] of text.matchAll(IMPORT)) {
    const { pathname } = new URL(to, new URL(path, "file:///"));
    await modulesOf(pathname.slice(1), known);
  }
  return known;
}
