import { readFile, realpath } from "node:fs/promises";
import { extname, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What the demo's pages need, and nothing else of the package. */
const PUBLIC = /^\/(js|pkg|demo|server\/accounts\/page)\//;

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/**
 * Answers with a file of the package.
 *
 * @param {string} path of the URL, still %-escaped
 * @param {import("node:http").ServerResponse} response
 */
export async function sendFile(path, response) {
  const file = await readPublic(path, PUBLIC);
  if (!file) {
    response.writeHead(404, { "content-type": "text/plain" }).end("Not found");
    return;
  }
  response
    .writeHead(200, {
      "content-type": file.type,
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
    })
    .end(file.content);
}

/**
 * A file of the package, if it may be seen.
 *
 * @param {string} path of the URL, still %-escaped
 * @param {RegExp} allowed paths
 * @returns {Promise<{ type: string, content: Buffer } | undefined>}
 */
export async function readPublic(path, allowed) {
  try {
    const name = decodeURIComponent(path).replace(/\/$/, "/index.html");
    if (!allowed.test(name) || /\\|\0|(^|\/)\.|:/.test(name)) return undefined;
    const file = await realpath(ROOT + name.slice(1));
    // A link must not lead out.
    if (!file.startsWith((await realpath(ROOT)) + sep)) return undefined;
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    return { type, content: await readFile(file) };
  } catch {
    return undefined;
  }
}
