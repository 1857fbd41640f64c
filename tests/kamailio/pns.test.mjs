/**
 * A client of others that names a push service at REGISTER (RFC 8599): it sleeps, the operator's hook or a browser's
 * push service wakes it, and it rings. What is noted of a REGISTER: tests/rules/devices.txt.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startAccounts, startRegistrar } from "graceline/testing";
import { eventually } from "../interop/support/eventually.mjs";
import { SipClient } from "../interop/support/sip-client.mjs";
import { PushService } from "../js/support/push-service.js";
import { signedIn, startCopy } from "./support/accounts.mjs";
import { instance } from "./support/contacts.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const AOR = "sip:2001@example.test";
const TOKEN = "operators-hook-4711";
const PRID = "d3v1ce-t0ken:voip";
const nodes = [
  { name: "a", host: "127.0.0.2" },
  { name: "b", host: "127.0.0.3" },
].map((node) => ({
  ...node,
  settings: { PUSH_SERVICES: "apns,fcm,webpush" },
}));

/** Where who answers nothing counts as away after two seconds. */
const impatient = nodes.map((node) => ({
  ...node,
  edit: (/** @type {string} */ text) =>
    text.replace('"fr_timer", 10000', '"fr_timer", 2000'),
}));

/** The operator's server, which knows how phones are woken. */
class Hook {
  status = 204;
  /** @type {any[]} */
  asked = [];
  #server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const { authorization } = request.headers;
    this.asked.push({ authorization, ...JSON.parse(body) });
    response.writeHead(this.status).end();
  });

  /** @param {any} world */
  static async start(world) {
    const hook = new Hook();
    hook.#server.listen(0, "127.0.0.1");
    await once(hook.#server, "listening");
    world.after(() => hook.#server.close());
    return hook;
  }

  get url() {
    const { port } = /** @type {import("node:net").AddressInfo} */ (
      this.#server.address()
    );
    return `http://127.0.0.1:${port}/wake`;
  }

  /** What it was asked, when that are so many. @param {number} count */
  async heard(count) {
    await eventually(`${count} pushes`, async () => this.asked.length >= count);
    return this.asked[count - 1];
  }
}

/** 2001 with a mobile that is authorised, the service, its page; 2002 who calls. @param {any} world */
async function scene(world) {
  await Facts.on(world);
  await world.server.database.sql(
    "UPDATE subscriber SET devices = 'off' WHERE username = '2002'",
  );
  const hook = await Hook.start(world);
  const file = join(tmpdir(), `hook-${randomUUID()}`);
  world.after(() => rm(file));
  await writeFile(file, TOKEN);
  const service = await PushService.start(world);
  const { endpoint } = service.subscription;
  const copy = await startCopy(
    world,
    ...["--push-hook", hook.url, "--push-hook-token", file],
    ...["--push-hosts", new URL(endpoint).origin],
  );
  const page = await signedIn(copy.client);
  const made = await page.authorise({ instanceId: instance("a") });
  assert.equal(made.status, 201);
  const wakeable = async () => (await page.get("GET", "/v1/devices"))[0].push;
  const [here, there] = world.server.nodes;
  const logIn = async (
    /** @type {string} */ pns,
    node = there,
    own = instance("a"),
  ) => {
    const phone = await world.connect({ name: "phone", url: node.url });
    const uri = `sip:p@p.invalid;transport=ws${pns}`;
    const answer = await phone.register({
      contacts: [`<${uri}>;+sip.instance="<${own}>"`],
    });
    assert.equal(answer.status, 200);
    return { phone, caps: answer.all("Feature-Caps") };
  };
  const sleep = async (/** @type {any} */ phone) => {
    await phone.terminate();
    await eventually(
      "its node to know",
      async () => !(await world.server.bindings()).length,
    );
  };
  const caller = await world.connect({
    name: "caller",
    user: "2002",
    url: here.url,
  });
  await caller.register({ contacts: ["<sip:c@c.invalid;transport=ws>"] });
  return {
    ...{ hook, service, endpoint, copy, page },
    ...{ wakeable, logIn, sleep, caller },
  };
}

gracefulTest(
  "a phone that names its push service at REGISTER is woken by the operator's hook, and rings",
  { nodes },
  async (world) => {
    const { hook, copy, wakeable, logIn, sleep, caller } = await scene(world);
    const apns = `;pn-provider=apns;pn-prid=${PRID};pn-param=TEAM.app.voip`;
    assert.equal(await wakeable(), false);
    const { phone, caps } = await logIn(apns);
    assert.deepEqual(caps, ['*;+sip.pns="apns"']);
    assert.equal(await wakeable(), true);
    // What it writes into a Contact beside that is nobody else's.
    await phone.request("MESSAGE", "sip:2002@example.test", {
      headers: [["Contact", `<sip:p@p.invalid;transport=ws${apns}>`]],
    });
    const { text } = await caller.incoming("MESSAGE");
    assert.match(text, /^Contact: <sip:p@p[.]invalid;transport=ws;line=/m);
    assert.doesNotMatch(text, /pn-|t0ken/);

    await sleep(phone);
    const ringing = caller.request("INVITE", AOR, {
      headers: [["Contact", "<sip:c@c.invalid;transport=ws>"]],
    });
    const { from, at, key, ...asked } = await hook.heard(1);
    assert.deepEqual(asked, {
      ...{ authorization: `Bearer ${TOKEN}`, v: 1, kind: "call" },
      ...{ provider: "apns", prid: PRID, param: "TEAM.app.voip" },
    });
    assert.equal(from.uri, "sip:2002@example.test");
    assert.ok(at && key);
    const { phone: woken } = await logIn(apns, world.server.nodes[0]);
    await woken.incoming("INVITE");
    assert.equal((await ringing).status, 200);

    // Its push service knows it no more.
    await sleep(woken);
    hook.status = 410;
    const sent = await caller.request("MESSAGE", AOR);
    assert.equal(sent.status, 480, "without a body nothing is kept");
    const kept = { body: "hello", headers: [["Content-Type", "text/plain"]] };
    assert.equal((await caller.request("MESSAGE", AOR, kept)).status, 202);
    const last = hook.asked.length;
    await eventually("it to be forgotten", async () => !(await wakeable()));
    assert.equal(hook.asked.at(-1).kind, "message", `${last}`);
    // Who knows the token could wake it.
    const { stdout, stderr } = copy.output;
    assert.doesNotMatch(stdout + stderr + world.server.log, /t0ken/);
  },
);

gracefulTest(
  "a page of others by its browser's push service, which has to be one that is listed; and nobody by what is not offered",
  { nodes },
  async (world) => {
    const { hook, service, endpoint, copy, logIn, sleep, caller } =
      await scene(world);
    const write = () =>
      caller.request("MESSAGE", AOR, {
        body: "hello",
        headers: [["Content-Type", "text/plain"]],
      });
    const away = async (/** @type {string} */ pns) => {
      const { phone, caps } = await logIn(pns);
      await sleep(phone);
      assert.equal((await write()).status, 202);
      return caps;
    };
    const webpush = (/** @type {string} */ uri) =>
      `;pn-provider=webpush;pn-prid=${encodeURIComponent(uri)}`;
    const caps = await away(webpush(endpoint));
    assert.deepEqual(caps, ['*;+sip.pns="webpush"']);
    const { payload, key, headers } = await service.next();
    assert.equal(payload, undefined);
    assert.equal(headers.urgency, "high");
    const { publicKey } = await (
      await signedIn(copy.client)
    ).get("GET", "/v1/push/key");
    assert.equal(key, publicKey);
    // Inside the operator's network.
    await away(webpush("http://169.254.169.254/latest/meta-data"));
    assert.match(await copy.warned(), /A push to 169[.]254[.]169[.]254 failed/);
    assert.deepEqual(await away(";pn-provider=acme;pn-prid=x"), []);
    assert.deepEqual(await away(webpush(endpoint)), caps);
    await service.next();
    assert.deepEqual([hook.asked, service.waiting], [[], 0]);
  },
);

for (const [where, index] of /** @type {const} */ ([
  ["at the caller's node", 0],
  ["at another node", 1],
]))
  gracefulTest(
    `who is registered and does not answer is woken, and rings over its new connection: ${where}`,
    { nodes: impatient },
    async (world) => {
      const { hook, logIn, caller } = await scene(world);
      const apns = `;pn-provider=apns;pn-prid=${PRID}`;
      const { phone: dead } = await logIn(apns, world.server.nodes[index]);
      dead.respond = () => undefined;
      const invite = { headers: [["Contact", "<sip:c@c.invalid>"]] };
      const answer = caller.request("INVITE", AOR, invite);
      await dead.incoming("INVITE");
      assert.deepEqual(hook.asked, []);
      const { kind, prid } = await hook.heard(1);
      assert.deepEqual([kind, prid], ["call", PRID]);
      const { phone: woken } = await logIn(apns);
      await woken.incoming("INVITE");
      assert.equal((await answer).status, 200);
      // That call is over, and so is the news of it.
      const other = { body: "hi", headers: [["Content-Type", "text/plain"]] };
      assert.equal((await caller.request("MESSAGE", AOR, other)).status, 200);
      assert.equal(hook.asked.length, 1);
    },
  );

gracefulTest(
  "who does not answer while another device rings is woken, and the call is taken at either",
  { nodes: impatient },
  async (world) => {
    const { hook, page, logIn, caller } = await scene(world);
    const made = await page.authorise({ instanceId: instance("b") });
    assert.equal(made.status, 201);
    const apns = `;pn-provider=apns;pn-prid=${PRID}`;
    const { phone: dead } = await logIn(apns);
    dead.respond = () => undefined;
    const { phone: other } = await logIn("", undefined, instance("b"));
    other.respond = ({ method }) =>
      method === "INVITE" ? { status: 180 } : { status: 200 };
    const answer = caller.request("INVITE", AOR, {
      headers: [["Contact", "<sip:c@c.invalid>"]],
    });
    await hook.heard(1);
    const { phone: woken } = await logIn(apns);
    await woken.incoming("INVITE");
    assert.equal((await answer).status, 200);
    const cancel = await other.incoming("CANCEL");
    assert.match(cancel.header("Reason"), /^SIP;cause=200/);
    assert.deepEqual(
      hook.asked.map(({ kind }) => kind),
      ["call"],
    );
  },
);

test("the same with the test registrar and startAccounts", async (t) => {
  const users = Object.fromEntries(
    ["2001", "2002"].map((user) => [user, { password: `secret-${user}` }]),
  );
  const registrar = await startRegistrar({ users, domain: "example.test" });
  t.after(() => registrar.stop());
  /** @type {any[]} */
  const asked = [];
  const accounts = await startAccounts({
    registrar,
    pushHook: async (wanted) => {
      asked.push(wanted);
      return asked.length > 1 ? 410 : 204;
    },
  });
  t.after(() => accounts.stop());
  const limits = { mobile: 4, deskphone: 4 };
  const connect = async (/** @type {string} */ user, pns = "") => {
    const url = registrar.url;
    const password = `secret-${user}`;
    const client = await SipClient.connect({ url, user, password, name: user });
    t.after(() => client.socket.terminate());
    const uri = `sip:${user}@${user}.invalid;transport=ws${pns}`;
    const id = instance(user.slice(-1));
    const contacts = [`<${uri}>;+sip.instance="<${id}>"`];
    const answer = await client.register({ contacts });
    assert.equal(answer.status, 200);
    return { client, caps: answer.all("Feature-Caps") };
  };
  for (const user of ["2001", "2002"]) {
    const made = { id: "p", instance: instance(user.slice(-1)), name: "p" };
    registrar.account("authorise", user, { ...made, class: "mobile", limits });
  }
  const { client: caller } = await connect("2002");
  const pns = `;pn-provider=fcm;pn-prid=${PRID}`;
  const { client, caps } = await connect("2001", pns);
  assert.deepEqual(caps, ['*;+sip.pns="fcm"']);
  const device = () => registrar.account("devices", "2001")[0];
  assert.deepEqual(device().push, { provider: "fcm", prid: PRID });
  client.socket.terminate();
  await eventually("it to be away", async () => !device().registered);
  const ringing = caller.request("INVITE", AOR, {
    headers: [["Contact", "<sip:c@c.invalid;transport=ws>"]],
  });
  await eventually("the hook to be asked", async () => asked.length === 1);
  const [{ kind, provider, prid }] = asked;
  assert.deepEqual([kind, provider, prid], ["call", "fcm", PRID]);
  await connect("2001", pns);
  assert.equal((await ringing).status, 200);
});
