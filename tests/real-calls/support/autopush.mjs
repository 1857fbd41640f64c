/**
 * A push service for Firefox: RFC 8030 towards senders, and towards the browser what Mozilla's
 * speaks, JSON over a WebSocket.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

export class Autopush {
  #http = createServer((request, response) => this.#take(request, response));
  #browsers = new WebSocketServer({
    server: this.#http,
    handleProtocols: () => "push-notification",
  });
  /** By path of the endpoint. @type {Map<string, { channelID: string, socket: import("ws").WebSocket }>} */
  #subscriptions = new Map();

  static async start() {
    const service = new Autopush();
    service.#browsers.on("connection", (socket) =>
      socket.on("message", (data) =>
        service.#answer(socket, JSON.parse(`${data}`)),
      ),
    );
    service.#http.listen(0, "127.0.0.1");
    await once(service.#http, "listening");
    return service;
  }

  get #host() {
    const { port } = /** @type {any} */ (this.#http.address());
    return `127.0.0.1:${port}`;
  }

  /** Of its endpoints. */
  get origin() {
    return `http://${this.#host}`;
  }

  /** With which Firefox uses it, and shows notifications without asking. */
  get preferences() {
    return {
      "dom.push.enabled": true,
      "dom.push.connection.enabled": true,
      "dom.push.serverURL": `ws://${this.#host}/`,
      "dom.push.testing.allowInsecureServerURL": true,
      "dom.push.testing.ignorePermission": true,
      "permissions.default.desktop-notification": 1,
      "alerts.useSystemBackend": false,
    };
  }

  async close() {
    for (const socket of this.#browsers.clients) socket.terminate();
    this.#http.close();
    this.#http.closeAllConnections();
  }

  /**
   * @param {import("ws").WebSocket} socket
   * @param {any} message
   */
  #answer(socket, { messageType, channelID, uaid = randomUUID() }) {
    const answer = (/** @type {object} */ more) =>
      socket.send(JSON.stringify({ messageType, status: 200, ...more }));
    switch (messageType) {
      case "hello":
        return answer({ uaid, use_webpush: true, broadcasts: {} });
      case "register": {
        const path = `/push/${randomUUID()}`;
        this.#subscriptions.set(path, { channelID, socket });
        return answer({
          channelID,
          pushEndpoint: `${this.origin}${path}`,
        });
      }
      case "unregister":
        return answer({ channelID });
      case undefined:
        return socket.send("{}");
    }
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #take(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const subscription = this.#subscriptions.get(`${request.url}`);
    subscription?.socket.send(
      JSON.stringify({
        messageType: "notification",
        channelID: subscription.channelID,
        version: randomUUID(),
        ttl: Number(request.headers.ttl),
        data: Buffer.concat(parts).toString("base64url"),
        headers: { encoding: request.headers["content-encoding"] },
      }),
    );
    response.writeHead(subscription ? 201 : 410).end();
  }
}
