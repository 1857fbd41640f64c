// A push service (RFC 8030) with one subscriber, that looks at what it is sent: the
// sender's proof (RFC 8292) and what the subscriber reads of it (RFC 8291).

import assert from "node:assert/strict";
import {
  createDecipheriv,
  createECDH,
  hkdfSync,
  randomBytes,
  webcrypto,
} from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const base64 = (bytes) => Buffer.from(bytes).toString("base64url");

export class PushService {
  #server = createServer((request, response) => this.#take(request, response));
  #keys = createECDH("prime256v1");
  #auth = randomBytes(16);
  #hear = () => {};
  /** What the next ones are answered with. */
  status = 201;
  /** What an answer waits for. */
  hold = Promise.resolve();
  /** What came, and was not asked for yet. */
  #received = [];

  static async start(t) {
    const service = new PushService();
    service.#keys.generateKeys();
    service.#server.listen(0, "127.0.0.1");
    await once(service.#server, "listening");
    t.after(() => service.#server.close());
    return service;
  }

  /** As a browser gives it to its page. */
  get subscription() {
    const { port } = /** @type {import("node:net").AddressInfo} */ (
      this.#server.address()
    );
    return {
      endpoint: `http://127.0.0.1:${port}/push/4711`,
      keys: {
        p256dh: base64(this.#keys.getPublicKey()),
        auth: base64(this.#auth),
      },
    };
  }

  get waiting() {
    return this.#received.length;
  }

  /** The next message. */
  async next() {
    while (!this.#received.length)
      await new Promise((resolve) => (this.#hear = () => resolve(undefined)));
    return this.#received.shift();
  }

  async #take(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { headers } = request;
    const body = Buffer.concat(parts);
    this.#received.push({
      headers,
      key: await sender(headers.authorization, headers.host),
      // Who has named no keys is told nothing.
      payload: body.length ? JSON.parse(this.#read(body)) : undefined,
    });
    this.#hear();
    await this.hold;
    response.writeHead(this.status).end();
  }

  /** RFC 8188 §2, RFC 8291 §3.4. */
  #read(body) {
    const salt = body.subarray(0, 16);
    const length = body[20];
    const theirs = body.subarray(21, 21 + length);
    const info = Buffer.concat([
      Buffer.from("WebPush: info\0"),
      this.#keys.getPublicKey(),
      theirs,
    ]);
    const secret = this.#keys.computeSecret(theirs);
    const ikm = Buffer.from(hkdfSync("sha256", secret, this.#auth, info, 32));
    const derive = (label, size) =>
      Buffer.from(
        hkdfSync(
          "sha256",
          ikm,
          salt,
          Buffer.from(`Content-Encoding: ${label}\0`),
          size,
        ),
      );
    const sealed = body.subarray(21 + length);
    const cipher = createDecipheriv(
      "aes-128-gcm",
      derive("aes128gcm", 16),
      derive("nonce", 12),
    );
    cipher.setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([
      cipher.update(sealed.subarray(0, -16)),
      cipher.final(),
    ]);
    return plain.subarray(0, plain.lastIndexOf(2)).toString();
  }
}

/** The public key that signed, of which the signature is right and for this host. */
async function sender(authorization, host) {
  const [, jwt, key] = /^vapid t=([^,]+), ?k=(.+)$/.exec(authorization);
  const [head, body, signature] = jwt.split(".");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const bytes = (text) => Buffer.from(text, "base64url");
  const imported = await webcrypto.subtle.importKey(
    "raw",
    bytes(key),
    algorithm,
    false,
    ["verify"],
  );
  assert.ok(
    await webcrypto.subtle.verify(
      algorithm,
      imported,
      bytes(signature),
      Buffer.from(`${head}.${body}`),
    ),
  );
  const { aud, exp } = JSON.parse(bytes(body).toString());
  assert.equal(aud, `http://${host}`);
  assert.ok(exp * 1000 > Date.now());
  return key;
}
