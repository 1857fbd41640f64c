import { readFile, realpath } from "node:fs/promises";
import { extname, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What a page needs, and nothing else of the package. */
const PUBLIC = /^\/(js|pkg|demo)\//;

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
  const file = await publicFile(path);
  const content = file && (await readFile(file).catch(() => undefined));
  if (!file || !content) {
    response.writeHead(404, { "content-type": "text/plain" }).end("Not found");
    return;
  }
  response
    .writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
    })
    .end(content);
}

/** @param {string} path */
async function publicFile(path) {
  try {
    const name = decodeURIComponent(path).replace(/\/$/, "/index.html");
    if (!PUBLIC.test(name) || /\\|\0|(^|\/)\.|:/.test(name)) return undefined;
    const file = await realpath(ROOT + name.slice(1));
    // A link must not lead out.
    return file.startsWith((await realpath(ROOT)) + sep) ? file : undefined;
  } catch {
    return undefined;
  }
}
