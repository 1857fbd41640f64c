import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { serve } from "../pkg/libraries/http.js";

/** Of a request, in ms, and of its head, in bytes. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16 * 1024,
};
const MAX_CONNECTIONS = 16_384;

/**
 * @typedef {object} Place where a server listens
 * @property {number} port 0: any free one
 * @property {string} host
 * @property {{ cert: string | Uint8Array, key: string | Uint8Array }} [tls]
 */

/**
 * Serves an app over HTTP, within limits.
 *
 * @param {import("hono").Hono} app
 * @param {Place} place
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function listen(app, { port, host, tls }) {
  const server = /** @type {import("node:http").Server} */ (
    serve({
      fetch: app.fetch,
      port,
      hostname: host,
      createServer: /** @type {any} */ (tls ? createTlsServer : createServer),
      serverOptions: { ...LIMITS, ...tls },
    })
  );
  server.maxConnections = MAX_CONNECTIONS;
  if (!server.listening) await once(server, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (
    server.address()
  );
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `${tls ? "https" : "http"}://${shown}:${address.port}/`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
