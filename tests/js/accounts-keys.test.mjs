// Keys of devices, what devices log in with, and ids that are confirmed by a code.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DOMAIN, instance, serve } from "./support/account-client.js";

const { subtle } = crypto;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** As a page makes it: not to be taken out. */
async function makeKey() {
  const { privateKey, publicKey } = await subtle.generateKey(ALGORITHM, false, [
    "sign",
    "verify",
  ]);
  const raw = await subtle.exportKey("raw", publicKey);
  return { privateKey, key: Buffer.from(raw).toString("base64url") };
}

async function signature(
  privateKey,
  { user = "2001", domain = DOMAIN, deviceId, nonce },
) {
  const text = `graceline-session\n${user}@${domain}\n${deviceId}\n${nonce}`;
  const bytes = await subtle.sign(ALGORITHM, privateKey, Buffer.from(text));
  return Buffer.from(bytes).toString("base64url");
}

/** A device of 2001 with a key. */
async function withKey(t, options) {
  const made = await serve(t, options);
  const { privateKey, key } = await makeKey();
  const own = await made.client.signedIn();
  const { body: device } = await own.authorise({ key });
  const deviceId = device.id;
  const challenge = async (more) => {
    const asked = { user: "2001", domain: DOMAIN, deviceId, ...more };
    const { nonce } = await made.client.get(
      "POST",
      "/v1/session/challenge",
      asked,
    );
    return { ...asked, nonce };
  };
  const answer = (challenged, proof) =>
    made.client.ask("POST", "/v1/session", { ...challenged, signature: proof });
  const signIn = async () => {
    const challenged = await challenge();
    return answer(challenged, await signature(privateKey, challenged));
  };
  return { ...made, privateKey, key, own, device, challenge, answer, signIn };
}

describe("the key of a device", () => {
  test("signs in without a password, as that device", async (t) => {
    const { client, signIn, device } = await withKey(t);
    const { status, body } = await signIn();
    assert.equal(status, 200);
    assert.deepEqual(body.device, {
      ...device,
      this: true,
      lastSeen: body.device.lastSeen,
    });
    const [listed] = await client.as(body.token).get("GET", "/v1/devices");
    assert.equal(listed.this, true);
    const { body: next } = await client.ask("POST", "/v1/session/refresh", {
      refreshToken: body.refreshToken,
    });
    assert.equal(next.device.id, device.id);
  });

  test("the session that authorised it with its key is its own", async (t) => {
    const { device, own } = await withKey(t);
    assert.equal(device.this, true);
    const { body: other } = await own.authorise({ instanceId: instance(2) });
    assert.equal(other.this, undefined);
    const devices = await own.get("GET", "/v1/devices");
    assert.deepEqual(
      devices.map((device) => device.this),
      [true, undefined],
    );
  });

  test("a device gives no other one a key, nor a push subscription; the user does", async (t) => {
    const { client, own } = await withKey(t);
    const [mine, stolen] = [await makeKey(), await makeKey()];
    const other = { instanceId: instance(2), key: mine.key };
    const taking = { ...other, key: stolen.key };
    const mayNot = async () => {
      const refused = await own.authorise(taking);
      assert.deepEqual([refused.status, refused.code], [403, "eForbidden"]);
    };
    // Nor does it bring one along that has.
    await mayNot();
    const page = await client.signedIn();
    const { body: device } = await page.authorise(other);
    await mayNot();
    const path = `/v1/devices/${device.id}/push`;
    const subscription = {
      endpoint: "http://127.0.0.1:9/x",
      keys: { p256dh: mine.key, auth: "x".repeat(22) },
    };
    const pushed = await own.ask("PUT", path, subscription);
    assert.deepEqual([pushed.status, pushed.code], [403, "eForbidden"]);
    const another = await client.signedIn();
    assert.equal((await another.ask("PUT", path, subscription)).status, 200);
    assert.equal((await another.authorise(taking)).status, 200);
  });

  test("a nonce counts once, for whom it was made, and not for ever", async (t) => {
    const { privateKey, challenge, answer } = await withKey(t);
    const challenged = await challenge();
    const proof = await signature(privateKey, challenged);
    assert.equal((await answer(challenged, proof)).status, 200);
    assert.equal((await answer(challenged, proof)).status, 401);
    for (const more of [{ deviceId: "other" }, { user: "2002" }]) {
      const { nonce } = await challenge(more);
      const mine = { ...challenged, nonce };
      const proof = await signature(privateKey, mine);
      assert.equal((await answer(mine, proof)).status, 401);
    }
  });

  test("a nonce is old after a minute", async (t) => {
    const { privateKey, challenge, answer } = await withKey(t);
    const challenged = await challenge();
    const proof = await signature(privateKey, challenged);
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 61_000 });
    assert.equal((await answer(challenged, proof)).status, 401);
  });

  test("another key, another text, another form: nobody", async (t) => {
    const { privateKey, challenge, answer } = await withKey(t);
    const strange = await makeKey();
    for (const forge of [
      (challenged) => signature(strange.privateKey, challenged),
      (challenged) => signature(privateKey, { ...challenged, user: "2002" }),
      (challenged) => signature(privateKey, { ...challenged, nonce: "" }),
      () => "x".repeat(86),
      () => "A".repeat(86),
    ]) {
      const challenged = await challenge();
      const { status } = await answer(challenged, await forge(challenged));
      assert.equal(status, 401);
    }
  });

  test("of a device that was revoked: told so, whatever it asks", async (t) => {
    const { client, own, signIn, device } = await withKey(t);
    const { body } = await signIn();
    const page = await client.signedIn();
    await page.get("POST", `/v1/devices/${device.id}/revoke`);
    const { status, code } = await client
      .as(body.token)
      .ask("GET", "/v1/devices");
    assert.deepEqual([status, code], [403, "eDeviceNotAuthorised"]);
    const { refreshToken } = body;
    const refreshed = await client.ask("POST", "/v1/session/refresh", {
      refreshToken,
    });
    assert.equal(refreshed.code, "eDeviceNotAuthorised");
    assert.equal((await signIn()).code, "eDeviceNotAuthorised");
    await page.get("POST", `/v1/devices/${device.id}/restore`);
    assert.equal((await signIn()).status, 200);
    await page.ask("DELETE", `/v1/devices/${device.id}`);
    assert.equal((await own.ask("GET", "/v1/devices")).status, 401);
  });

  test("of a device without one proves nothing, whatever is signed", async (t) => {
    const { client } = await serve(t);
    const own = await client.signedIn();
    const { body: device } = await own.authorise();
    const asked = { user: "2001", domain: DOMAIN, deviceId: device.id };
    const { nonce } = await client.get("POST", "/v1/session/challenge", asked);
    const { privateKey } = await makeKey();
    const proof = await signature(privateKey, { deviceId: device.id, nonce });
    const { status } = await client.ask("POST", "/v1/session", {
      ...asked,
      nonce,
      signature: proof,
    });
    assert.equal(status, 401);
  });
});

describe("credentials for SIP", () => {
  test("are for the session of a device alone, and new each time", async (t) => {
    const { client, own } = await withKey(t);
    const page = await client.signedIn();
    const refused = await page.ask("POST", "/v1/sip-credentials");
    assert.equal(refused.status, 403);
    const one = await own.get("POST", "/v1/sip-credentials");
    const other = await own.get("POST", "/v1/sip-credentials");
    assert.equal(one.realm, DOMAIN);
    assert.equal(one.expiresIn, 3600);
    assert.notEqual(one.username, other.username);
    assert.notEqual(one.password, other.password);
  });
});

describe("public ids", () => {
  /** With the codes that were sent. */
  async function withCodes(t, options) {
    const sent = [];
    const made = await serve(t, {
      sendCode: async (sending) => sent.push(sending),
      ...options,
    });
    const own = await made.client.signedIn("2001");
    const stranger = await made.client.signedIn("2002");
    return { ...made, sent, own, stranger };
  }
  const NUMBER = "+39333111222";
  const path = `/v1/public-ids/${encodeURIComponent(NUMBER)}`;
  const add = (client, id = NUMBER, more = {}) =>
    client.ask("POST", "/v1/public-ids", { id, ...more });
  const confirm = (client, code) =>
    client.ask("POST", `${path}/confirm`, { code });

  test("a number is confirmed by the code that is sent to it", async (t) => {
    const { own, sent, audit, log } = await withCodes(t);
    const added = await add(own, NUMBER, { channel: "call" });
    assert.equal(added.status, 201);
    assert.deepEqual(added.body, { id: NUMBER, kind: "tel", confirmed: false });
    const [{ id, code, channel }] = sent;
    assert.deepEqual([id, channel], [NUMBER, "call"]);
    assert.match(code, /^\d{6}$/);
    const wrong = code === "000000" ? "000001" : "000000";
    assert.equal((await confirm(own, wrong)).code, "eCodeRejected");
    assert.equal((await confirm(own, code)).body.confirmed, true);
    assert.deepEqual(await own.get("GET", "/v1/public-ids"), [
      { id: NUMBER, kind: "tel", confirmed: true },
    ]);
    assert.ok(!JSON.stringify([audit, log]).includes(code));
    assert.equal((await own.ask("DELETE", path)).status, 204);
    assert.deepEqual(await own.get("GET", "/v1/public-ids"), []);
  });

  test("five tries a code", async (t) => {
    const { own, sent } = await withCodes(t);
    await add(own);
    const { code } = sent[0];
    const wrong = `${(Number(code) + 1) % 1e6}`.padStart(6, "0");
    for (let tries = 0; tries < 5; tries++)
      assert.equal((await confirm(own, wrong)).status, 403);
    assert.equal((await confirm(own, code)).status, 429);
  });

  test("five codes an hour for a user, and to a number", async (t) => {
    const { own, stranger, sent } = await withCodes(t);
    for (let count = 0; count < 5; count++)
      assert.equal((await add(own)).status, 201);
    const more = await add(own, "+39333111223");
    assert.equal(more.status, 429);
    assert.ok(Number(more.headers.get("retry-after")) > 3000);
    assert.equal((await add(stranger)).status, 429);
    assert.equal(sent.length, 5);
  });

  test("an id is one user's, and unconfirmed ones are shown to nobody else", async (t) => {
    const { own, stranger, sent } = await withCodes(t);
    await add(own);
    await add(stranger);
    assert.equal((await confirm(stranger, sent[1].code)).status, 200);
    assert.equal((await confirm(own, sent[0].code)).code, "ePublicIdTaken");
    assert.equal((await add(own)).code, "ePublicIdTaken");
    assert.equal((await confirm(own, "123456")).code, "ePublicIdTaken");
  });

  test("another's code is not mine", async (t) => {
    const { own, stranger, sent } = await withCodes(t);
    await add(own);
    await add(stranger);
    if (sent[0].code === sent[1].code) return;
    assert.equal((await confirm(own, sent[1].code)).code, "eCodeRejected");
  });

  test("a name is confirmed at once, first come; those of accounts are theirs", async (t) => {
    const { own, stranger, sent } = await withCodes(t);
    const made = await add(own, "Marco.Rossi");
    assert.deepEqual(made.body, {
      id: "marco.rossi",
      kind: "name",
      confirmed: true,
    });
    assert.equal((await add(stranger, "MARCO.rossi")).code, "ePublicIdTaken");
    assert.equal((await add(stranger, "2001")).code, "ePublicIdTaken");
    assert.equal((await add(own, "social:marco")).body.kind, "social");
    assert.equal(sent.length, 1);
  });

  test("a code that cannot be sent is told, and not what went wrong inside", async (t) => {
    const { own, log } = await withCodes(t, {
      sendCode: async () => {
        throw new Error("gateway.inside refused key 4711");
      },
    });
    const { status, body } = await add(own);
    assert.equal(status, 503);
    assert.ok(!JSON.stringify([body, log]).includes("4711"));
  });

  test("without a sender the log has the code", async (t) => {
    const { own, log } = await withCodes(t, { sendCode: undefined });
    await add(own);
    const [, code] = /code for \+39333111222 is (\d{6})/.exec(log[0].message);
    assert.equal((await confirm(own, code)).status, 200);
  });
});
