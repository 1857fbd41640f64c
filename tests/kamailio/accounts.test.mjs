/**
 * The account service in production: several copies, on the Redis and the database of a deployment,
 * whose nodes go by what it says. Its API itself: tests/js/accounts.test.mjs.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PushService } from "../js/support/push-service.js";
import { signedIn, startCopy } from "./support/accounts.mjs";
import { Call } from "./support/call.mjs";
import { makeCertificate } from "./support/certificate.mjs";
import { contact, instance } from "./support/contacts.mjs";
import { DOMAIN } from "./support/deployment.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const NOT_AUTHORISED = /Device not authorised/;

/** @param {string} digit */
const own = (digit) =>
  contact(digit, { instance: instance(digit), device: "" });

const { subtle } = crypto;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A key as a page makes it, and how it signs. */
async function makeKey() {
  const { privateKey, publicKey } = await subtle.generateKey(ALGORITHM, false, [
    "sign",
    "verify",
  ]);
  const key = Buffer.from(await subtle.exportKey("raw", publicKey)).toString(
    "base64url",
  );
  const sign = async (/** @type {any} */ { user, domain, deviceId, nonce }) => {
    const text = `graceline-session\n${user}@${domain}\n${deviceId}\n${nonce}`;
    const bytes = await subtle.sign(ALGORITHM, privateKey, Buffer.from(text));
    return Buffer.from(bytes).toString("base64url");
  };
  return { key, sign };
}

const ADMINISTRATOR = "administrators-4711";

/** A file with it. @param {{ after: (end: () => unknown) => void }} world */
async function administratorsToken({ after }) {
  const file = join(tmpdir(), `administrator-${randomUUID()}`);
  after(() => rm(file));
  await writeFile(file, ADMINISTRATOR);
  return file;
}

gracefulTest(
  "a device is let in at one copy, logs in with what another gives it, and is shut out at a third",
  {},
  async (world) => {
    await Facts.on(world);
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => startCopy(world)));
    const { key, sign } = await makeKey();
    const client = await world.connect({ name: "a" });
    const refused = await client.register({ contacts: [own("a")] });
    assert.match(refused.header("Warning"), NOT_AUTHORISED);

    const page = await signedIn(a.client);
    const made = await page.authorise({ instanceId: instance("a"), key });
    assert.equal(made.status, 201);
    const asked = { user: "2001", domain: DOMAIN, deviceId: made.body.id };
    const { nonce } = await a.client.get(
      "POST",
      "/v1/session/challenge",
      asked,
    );
    const proof = {
      ...asked,
      nonce,
      signature: await sign({ ...asked, nonce }),
    };
    const { token } = await b.client.get("POST", "/v1/session", proof);
    // What counted at one copy counts at no other.
    assert.equal(
      (await c.client.ask("POST", "/v1/session", proof)).status,
      401,
    );
    const device = c.client.as(token);
    const given = await device.get("POST", "/v1/sip-credentials");

    const { username: authUser, password } = given;
    const phone = await world.connect({ name: "own", authUser, password });
    assert.equal((await phone.register({ contacts: [own("a")] })).status, 200);
    const [listed] = await page.get("GET", "/v1/devices");
    assert.deepEqual([listed.registered, listed.this], [true, true]);

    const events = await page.as(token).events(world);
    const other = await signedIn(c.client);
    await other.get("POST", `/v1/devices/${made.body.id}/revoke`);
    await phone.closed;
    const late = await world.connect({ name: "late", authUser, password });
    const again = await late.register({ contacts: [own("a")] });
    assert.notEqual(again.status, 200);
    assert.equal(await events.next(), undefined);
    assert.equal(
      (await device.ask("GET", "/v1/devices")).code,
      "eDeviceNotAuthorised",
    );
    const shutOut = JSON.parse(c.output.stdout.trim().split("\n").at(-1) ?? "");
    assert.deepEqual(
      [shutOut.act, shutOut.who, shutOut.device],
      ["revokeDevice", `2001@${DOMAIN}`, made.body.id],
    );
  },
);

gracefulTest(
  "fifty at once, at two copies, with a limit of four leave four; changes are told at both",
  { nodes: [] },
  async (world) => {
    const copies = await Promise.all([startCopy(world), startCopy(world)]);
    const listening = await signedIn(copies[0].client);
    const events = await listening.events(world);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const client = await signedIn(copies[index % 2].client);
        const uuid = `${index}`.padStart(12, "0");
        const instanceId = `urn:uuid:00000000-0000-4000-8000-1${uuid.slice(1)}`;
        return client.authorise({ instanceId });
      }),
    );
    const statuses = answers.map(({ status }) => status);
    assert.deepEqual(
      [201, 409].map((code) => statuses.filter((one) => one === code).length),
      [4, 46],
    );
    for (let told; told?.length !== 4;) told = (await events.next()).data;
  },
);

gracefulTest(
  "sessions and wrong passwords count at every copy",
  { nodes: [] },
  async (world) => {
    const [a, b] = await Promise.all([startCopy(world), startCopy(world)]);
    const { body } = await a.client.signIn("2001", { password: "secret-2001" });
    assert.deepEqual(
      await b.client.as(body.token).get("GET", "/v1/devices"),
      [],
    );
    const refresh = { refreshToken: body.refreshToken };
    const next = await b.client.get("POST", "/v1/session/refresh", refresh);
    assert.equal(
      (await a.client.ask("POST", "/v1/session/refresh", refresh)).status,
      401,
    );
    assert.equal(
      (await b.client.as(next.token).ask("GET", "/v1/devices")).status,
      401,
    );
    for (let tries = 0; tries < 5; tries++) {
      const { client } = tries % 2 ? a : b;
      assert.equal(
        (await client.signIn("2002", { password: "x" })).status,
        401,
      );
    }
    for (const { client } of [a, b])
      assert.equal(
        (await client.signIn("2002", { password: "secret-2002" })).status,
        429,
      );
    const { stdout, stderr } = a.output;
    assert.ok(!`${stdout}${stderr}`.includes("secret-"));
    // Nor does Redis hold what somebody could sign in with.
    const keys = await world.server.redis.command(["--raw", "KEYS", "*"]);
    for (const key of keys
      .split("\n")
      .filter((key) => key.includes("sessions"))) {
      const kept = await world.server.redis.command(["--raw", "HGETALL", key]);
      for (const secret of [
        body.token,
        body.refreshToken,
        body.refreshToken.split(".").at(-1),
      ])
        assert.ok(!kept.includes(secret));
    }
  },
);

gracefulTest(
  "the users are those of the database, as it is at the moment",
  { nodes: [] },
  async (world) => {
    const { database } = world.server;
    const token = await administratorsToken(world);
    const { client } = await startCopy(
      world,
      "--admin-token",
      token,
      "--limits",
      "mobile=3",
    );
    const admin = client.as(ADMINISTRATOR);
    const path = `/v1/admin/users/2001@${DOMAIN}`;
    const settings = () => admin.get("GET", path);
    assert.deepEqual(await settings(), {
      ...{ user: `2001@${DOMAIN}`, limits: { mobile: 3, deskphone: 4 } },
      ...{ devices: "off", unique: "off", sharedSlot: "ask" },
    });
    await database.sql(
      "UPDATE domain SET devices = 'on', mobile_limit = 2, shared_slot = 'override'",
    );
    await database.sql(
      "UPDATE subscriber SET unique_account = 'off', deskphone_limit = 0 WHERE username = '2001'",
    );
    assert.deepEqual(await settings(), {
      ...{ user: `2001@${DOMAIN}`, limits: { mobile: 2, deskphone: 0 } },
      ...{ devices: "on", unique: "off", sharedSlot: "override" },
    });
    const page = await signedIn(client);
    assert.equal(
      (await page.authorise({ class: "deskphone" })).details.limit,
      0,
    );
    const change = await admin.ask("PATCH", path, { unique: "on" });
    assert.deepEqual([change.status, change.code], [501, "eNotSupported"]);

    assert.equal(
      (await client.signIn("2077", { password: "late" })).status,
      401,
    );
    await database.add({ user: "2077", password: "late" });
    assert.equal(
      (await client.signIn("2077", { password: "late" })).status,
      200,
    );
    await database.sql("DELETE FROM subscriber WHERE username = '2077'");
    assert.equal(
      (await client.signIn("2077", { password: "late" })).status,
      401,
    );
    const name = "2001' OR '1'='1";
    assert.equal((await client.signIn(name, { password: "x" })).status, 400);
  },
);

gracefulTest(
  "a user that signs in while the database is written is let in, whatever stands half written",
  { nodes: [] },
  async (world) => {
    const { database } = world.server;
    const { client } = await startCopy(world);
    const writing = (async () => {
      for (let user = 3000; user < 3040; user++)
        await database.add({ user: `${user}`, password: "x" });
    })();
    let isOver = false;
    writing.then(() => (isOver = true));
    let count = 0;
    while (!isOver) {
      const { status } = await client.signIn("2001", {
        password: "secret-2001",
      });
      assert.equal(status, 200);
      count += 1;
    }
    await writing;
    assert.ok(count > 10, `${count} signed in meanwhile`);
  },
);

gracefulTest(
  "Redis goes and comes back: 503 meanwhile, then as before; who listened asks anew",
  { nodes: [] },
  async (world) => {
    const { redis } = world.server;
    const { client, output, warned } = await startCopy(world);
    const events = await (await signedIn(client)).events(world);
    await redis.kill();
    assert.equal(await events.next(), undefined);
    assert.match(await warned(), /^warn Redis cannot be asked: /);
    const away = await client.signIn("2001", { password: "secret-2001" });
    assert.deepEqual([away.status, away.code], [503, "eOutOfService"]);
    await redis.restart();
    assert.equal(await warned(), "warn Redis can be asked again.");
    const own = await signedIn(client);
    const again = await own.events(world);
    await own.authorise({});
    assert.equal((await again.next()).name, "devices");
    assert.doesNotMatch(output.stderr, /A request failed/);
  },
);

gracefulTest(
  "of several copies one sends a push, and none is lost while no copy runs",
  { nodes: [] },
  async (world) => {
    const service = await PushService.start(world);
    const { endpoint, keys } = service.subscription;
    const { redis } = world.server;
    const facts = new Facts(redis);
    const id = await facts.authorise(instance("a"));
    await facts.call("push_set", { id, push: { endpoint, ...keys } });
    const wake = async (/** @type {string} */ key) => {
      const wanted = {
        ...{ who: `2001@${DOMAIN}`, kind: "call", key, at: Date.now() },
        from: { uri: "sip:2002@example.test", displayName: "Zwei" },
      };
      const text = JSON.stringify(wanted);
      await redis.command(["LPUSH", "graceline:wakes", text]);
      return redis.command(["PUBLISH", "graceline:wake", ""]);
    };
    assert.equal(await wake("early"), "0");
    const { origin } = new URL(endpoint);
    const copies = await Promise.all(
      [1, 2, 3].map(() => startCopy(world, "--push-hosts", origin)),
    );
    const { payload, key } = await service.next();
    assert.equal(payload.key, "early");
    assert.equal(await wake("first"), "3");
    assert.equal((await service.next()).payload.key, "first");
    for (const { client } of copies)
      assert.equal((await client.get("GET", "/v1/push/key")).publicKey, key);
    await wake("second");
    assert.equal((await service.next()).payload.key, "second");
    // A copy that sent the first one too would have sent it before.
    assert.equal(service.waiting, 0);
  },
);

gracefulTest(
  "a push is not lost where Redis takes its time to answer",
  { nodes: [] },
  async (world) => {
    const service = await PushService.start(world);
    const { endpoint, keys } = service.subscription;
    const { redis } = world.server;
    const facts = new Facts(redis);
    const id = await facts.authorise(instance("a"));
    await facts.call("push_set", { id, push: { endpoint, ...keys } });
    const from = { uri: "sip:2002@example.test", displayName: "Zwei" };
    const wanted = { who: `2001@${DOMAIN}`, kind: "call", key: "late", from };
    const text = JSON.stringify({ ...wanted, at: Date.now() });
    await redis.command(["LPUSH", "graceline:wakes", text]);
    // Other answers are given up after two seconds.
    await redis.command(["CLIENT", "PAUSE", "8000", "WRITE"]);
    await startCopy(world, "--push-hosts", new URL(endpoint).origin);
    assert.equal((await service.next()).payload.key, "late");
  },
);

gracefulTest(
  "a call wakes devices by a push and waits for them; the others hear that it was answered",
  {},
  async (world) => {
    const facts = await Facts.on(world);
    const service = await PushService.start(world);
    const { endpoint, keys } = service.subscription;
    const { origin } = new URL(endpoint);
    await startCopy(world, "--push-hosts", origin);
    for (const digit of "ab") {
      const id = await facts.authorise(instance(digit));
      await facts.call("push_set", { id, push: { endpoint, ...keys } });
    }
    await facts.authorise(instance("e"), "mobile", "2002");
    const caller = await world.connect({ name: "caller", user: "2002" });
    await caller.register({ contacts: [own("e")] });
    const call = new Call(caller, `sip:2001@${DOMAIN}`);
    const answer = call.invite();
    const pushed = [await service.next(), await service.next()];
    for (const { payload } of pushed) {
      assert.equal(payload.kind, "call");
      assert.equal(payload.from.uri, `sip:2002@${DOMAIN}`);
    }
    // The page that the push has opened.
    const woken = await world.connect({ name: "woken" });
    woken.respond = ({ method }) =>
      method === "INVITE"
        ? {
            status: 200,
            headers: [["Contact", "<sip:woken@callee.invalid;transport=ws>"]],
          }
        : { status: 200 };
    assert.equal((await woken.register({ contacts: [own("a")] })).status, 200);
    assert.equal((await answer).status, 200);
    const { payload } = await service.next();
    const { kind, key, answered } = payload;
    assert.deepEqual(
      [kind, key, answered],
      ["withdraw", pushed[0].payload.key, true],
    );
    // Who was woken and came is not told.
    assert.equal(service.waiting, 0);
  },
);

gracefulTest(
  "a call that is given up before anybody has come is withdrawn",
  {},
  async (world) => {
    const facts = await Facts.on(world);
    const service = await PushService.start(world);
    const { endpoint, keys } = service.subscription;
    await startCopy(world, "--push-hosts", new URL(endpoint).origin);
    const id = await facts.authorise(instance("a"));
    await facts.call("push_set", { id, push: { endpoint, ...keys } });
    await facts.authorise(instance("e"), "mobile", "2002");
    const caller = await world.connect({ name: "caller", user: "2002" });
    await caller.register({ contacts: [own("e")] });
    const call = new Call(caller, `sip:2001@${DOMAIN}`);
    const same = { branch: "z9hG4bKgivenup", cseq: 7 };
    const invited = call.invite(same);
    const pushed = await service.next();
    const { callId, fromTag } = call;
    const cancelled = caller.send("CANCEL", call.target, {
      ...{ ...same, callId, fromTag },
    });
    const { payload } = await service.next();
    const { kind, key, answered } = payload;
    assert.deepEqual(
      [kind, key, answered],
      ["withdraw", pushed.payload.key, undefined],
    );
    await world.transcript.until("487", () =>
      world.transcript.entries.some(
        ({ who, text }) => who === "caller" && text.startsWith("SIP/2.0 487"),
      ),
    );
    // One place among those that wait for answers: their branch is the same.
    await Promise.race([invited, cancelled]);
    // Who comes now is not called.
    const late = await world.connect({ name: "late" });
    await late.register({ contacts: [own("a")] });
    await late.query();
    assert.deepEqual(late.received, []);
  },
);

gracefulTest(
  "a desk phone of the administrator's logs in with what it was given, until it is revoked",
  {},
  async (world) => {
    await Facts.on(world);
    const token = await administratorsToken(world);
    const { client } = await startCopy(world, "--admin-token", token);
    const admin = client.as(ADMINISTRATOR);
    const path = `/v1/admin/users/2001@${DOMAIN}/devices`;
    const { body } = await admin.ask("POST", path, {
      ...{ instanceId: instance("d"), class: "deskphone", name: "Desk" },
    });
    const { username: authUser, password } = body.sipCredentials;
    const phone = await world.connect({ name: "desk", authUser, password });
    const bare = contact("desk", {});
    assert.equal((await phone.register({ contacts: [bare] })).status, 200);
    const [listed] = await admin.get("GET", path);
    assert.equal(listed.registered, true);
    await admin.get("POST", `${path}/${body.device.id}/revoke`);
    await phone.closed;
  },
);

gracefulTest(
  "https with the certificate given",
  { nodes: [] },
  async (world) => {
    const { certificate, key } = await makeCertificate(world);
    const { client } = await startCopy(
      world,
      "--tls-cert",
      certificate,
      "--tls-key",
      key,
    );
    assert.match(client.url, /^https:/);
    const asking = request(new URL("/v1/push/key", client.url), {
      ca: await readFile(certificate),
    });
    asking.end();
    const [response] = await once(asking, "response");
    assert.equal(response.statusCode, 200);
    response.resume();
  },
);
