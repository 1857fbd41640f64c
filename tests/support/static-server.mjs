import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/** The top of the repository. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** @type {Record<string, string>} */
const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
};

/**
 * Serves folders and pages written in the test, on a free port.
 *
 * @param {object} [options]
 * @param {string} [options.root] folder served at `/`; default: the repository
 * @param {Record<string, string>} [options.pages] text by path, e.g. `{ "/a.html": "…" }`; goes before files
 * @param {Record<string, string>} [options.mounts] further folders by path prefix, e.g. `{ "/lib/": folder }`
 * @param {string} [options.host] an address of this machine; default: 127.0.0.1
 * @param {Record<string, string>} [options.headers] sent with every answer, e.g. a Content-Security-Policy
 * @returns {Promise<{ url: string, port: number, close(): Promise<void> }>}
 *   `url` ends in a slash
 */
export async function startStaticServer({
  root: top = root,
  pages = {},
  mounts = {},
  headers = {},
  host = "127.0.0.1",
} = {}) {
  const folders = Object.entries({ ...mounts, "/": top }).sort(
    ([a], [b]) => b.length - a.length,
  );
  const server = createServer(async (request, response) => {
    for (const [name, value] of Object.entries(headers)) {
      response.setHeader(name, value);
    }
    const path = decodeURIComponent(
      new URL(request.url ?? "/", "http://localhost").pathname,
    );
    const page = pages[path];
    if (page !== undefined) {
      response.setHeader(
        "Content-Type",
        types[extname(path)] ?? types[".html"],
      );
      response.end(page);
      return;
    }
    const file = await locate(folders, path);
    if (!file && path === "/favicon.ico") {
      // Browsers ask for it unasked: not a mistake of the page.
      response.writeHead(204).end();
      return;
    }
    if (!file) {
      response.writeHead(404).end(`Nothing at ${path}`);
      return;
    }
    response.setHeader(
      "Content-Type",
      types[extname(file)] ?? "application/octet-stream",
    );
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => resolve(undefined));
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (
    server.address()
  );
  return {
    url: `http://${host}:${port}/`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * The file a path stands for, or undefined. A normalised path that starts with
 * a slash cannot climb out of its folder.
 *
 * @param {[string, string][]} folders
 * @param {string} path
 */
async function locate(folders, path) {
  const clean = normalize(`/${path}`);
  for (const [prefix, folder] of folders) {
    if (!clean.startsWith(prefix)) continue;
    let file = join(folder, clean.slice(prefix.length));
    let found = await stat(file).catch(() => undefined);
    if (found?.isDirectory()) {
      file = join(file, "index.html");
      found = await stat(file).catch(() => undefined);
    }
    if (found?.isFile()) return file;
  }
  return undefined;
}
