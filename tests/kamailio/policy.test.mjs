/**
 * The policies of deploy/kamailio on the wire. What a second login of a device means, and who counts as
 * whom, is proved without servers: rules.test.mjs, functions.test.mjs.
 */
import assert from "node:assert/strict";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { CONFLICT, FORCE, contact, instance } from "./support/contacts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });

gracefulTest("phones: refused, forced, told at once", {}, async (world) => {
  const alice = new PhoneUnderTest(world, "alice");
  const bob = new PhoneUnderTest(world, "bob");
  const { expires } = await alice.register();
  assert.equal(expires, 120);
  // Cisco's form was recognised by the challenge: no look was needed.
  assert.equal(alice.registers().length, 2);

  await assert.rejects(bob.register(), { code: "eDeviceAlreadyRegistered" });
  const { elsewhere } = await bob.event("eDeviceAlreadyRegistered");
  const [held] = await world.server.bindings();
  assert.ok(
    held.uri.startsWith(`sip:${elsewhere.contact}@`),
    elsewhere.contact,
  );

  const before = world.transcript.length;
  const won = await bob.register(true);
  assert.equal(won.forceRegistration, true);
  await alice.event("eConnectionTerminated");
  const [notify] = world.transcript.requests({
    who: "alice",
    method: "NOTIFY",
    direction: "received",
    since: before,
  });
  assert.match(notify.text, /^Event: service-control\r$/m);
  assert.match(notify.text, /^RegisterCallId=\{[^}]+\}\r$/m);
  const bindings = await world.server.bindings();
  assert.deepEqual(
    bindings.map((binding) => binding.instance),
    [won.instanceId],
  );

  const ousted = world.transcript.length;
  await bob.phone.unregisterPhone();
  assert.deepEqual(await world.server.bindings(), []);
  await bob.register();
  assert.deepEqual(alice.registers(ousted), []);
  assert.equal(alice.count("eConnectionTerminated"), 1);
});

gracefulTest("the wire form is Cisco's", {}, async (world) => {
  const first = await world.connect({ name: "first" });
  const second = await world.connect({ name: "second" });
  const answer = await first.register({ contacts: [a] });
  assert.equal(answer.status, 200);
  assert.equal(answer.header("Supported"), "X-cisco-graceful-reg");
  assert.equal(answer.header("Expires"), "120");
  assert.match(answer.header("Date"), /GMT$/);
  const [listed] = answer.contacts;
  assert.equal(listed.uri, "sip:a@a.invalid;transport=ws");
  assert.equal(listed.params["+u.sip!devicename.ccm.cisco.com"], "CSF");
  assert.equal(listed.params["+sip.instance"], `<${instance("a")}>`);
  assert.equal(
    listed.params["pub-gruu"],
    `sip:2001@example.test;gr=${instance("a")}`,
  );

  const refused = await second.register({ contacts: [b] });
  assert.equal(refused.status, 403);
  assert.match(refused.header("Warning"), CONFLICT);
  assert.match(
    refused.header("X-Graceline-Holder"),
    new RegExp(`^"${instance("a")}";contact="a";since=\\d{10};agent="first"$`),
  );
  assert.equal(refused.header("Supported"), "X-cisco-graceful-reg");
  // Everybody sees only their own.
  assert.deepEqual(await second.query(), []);
  assert.equal((await first.query()).length, 1);

  const forced = await second.register({ contacts: [b], headers: [FORCE] });
  assert.equal(forced.status, 200);
  const notify = await first.incoming("NOTIFY");
  assert.equal(notify.header("Event"), "service-control");
  assert.equal(notify.header("Content-Type"), "text/plain");
  assert.deepEqual(notify.body.split("\r\n").slice(0, 2), [
    "action=reset",
    `RegisterCallId={${first.callId}}`,
  ]);
  // The ousted client's refresh, from a new connection, does not take the device back.
  const again = await world.connect({ name: "first again" });
  again.callId = first.callId;
  again.cseq = first.cseq;
  const refresh = await again.register({ contacts: [a] });
  assert.equal(refresh.status, 403);
});

gracefulTest(
  "every answer tells the policy, the challenge too",
  {
    accounts: [
      { user: "2001" },
      { user: "2002", policy: "duplicate" },
      { user: "2003", policy: "normal" },
    ],
  },
  async (world) => {
    const tags = {
      2001: ["X-cisco-graceful-reg"],
      2002: ["X-cisco-duplicate-reg"],
      2003: [],
      nobody: undefined,
    };
    for (const [user, tag] of Object.entries(tags)) {
      const client = await world.connect({ user, name: user });
      const challenge = await client.send("REGISTER", "sip:example.test", {
        to: client.aor,
        headers: [["Contact", a]],
      });
      assert.equal(challenge.status, 401);
      // The domain's, so that nobody can find out who exists.
      const identity = "X-graceline-asserted-id";
      const domain = ["X-cisco-graceful-reg", identity];
      assert.deepEqual(challenge.all("Supported"), domain);
      if (!tag) continue;
      const answer = await client.register({ contacts: [a] });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.all("Supported"), [...tag, identity]);
    }
    const client = await world.connect();
    client.domain = "elsewhere.test";
    const foreign = await client.register({ contacts: [a] });
    assert.equal(foreign.status, 404);
  },
);

gracefulTest(
  "what the policy is asked is what the REGISTER says",
  { accounts: [{ user: "2001", limit: 1 }] },
  async (world) => {
    const holder = await world.connect({ name: "holder" });
    const unnamed = "<sip:2001@a.invalid>";
    const alarm25 = /** @type {[string, string]} */ ([
      "Reason",
      'SIP;cause=200;text="cisco-alarm:25 Last=initialized"',
    ]);
    const removal = "<sip:x@x.invalid>;expires=0";
    const other = { device: "csf", instance: instance("b") };
    // What holds the line, what wants it, with which header, what it is answered.
    const cases =
      /** @type {[string, string[], [string, string]?, number?][]} */ ([
        [a, [b]],
        [a, [b], alarm25],
        [a, [`"x <sip:y@z>, " ${b}`]],
        [a, [removal, b]],
        [unnamed, ["<sip:2001@b.invalid>"]],
        [unnamed, [contact("b", { device: "2001" })]],
        // Another device, of which there may be no second.
        [a, [contact("b", other)], undefined, 503],
      ]);
    for (const [held, wanted, header, status = 403] of cases) {
      const got = await holder.register({ contacts: [held] });
      assert.equal(got.status, 200, held);
      const rival = await world.connect({ name: "rival" });
      const headers = header ? [header] : [];
      const answer = await rival.register({ contacts: wanted, headers });
      assert.equal(answer.status, status, `${wanted} ${header ?? ""}`);
      if (status === 403) assert.match(answer.header("Warning"), CONFLICT);
      // Nor is removing first: a client removes only what is its own.
      await rival.register({ contacts: ["*"], expires: 0 });
      assert.equal((await world.server.bindings()).length, 1, `${wanted}`);
      await rival.close();
      await holder.register({ contacts: ["*"], expires: 0 });
    }
    const phone = new PhoneUnderTest(world, "phone", { device: "SECOND" });
    await holder.register({ contacts: [a] });
    await assert.rejects(phone.register(), { code: "eDeviceLimitReached" });

    const refusals = /** @type {[string[], number, [string, string]?][]} */ ([
      [["<sip:a@a.invalid"], 400],
      [["*"], 400],
      [[`${a};expires=5`], 423],
      [[a], 420, ["Require", "x-unknown"]],
    ]);
    for (const [contacts, status, header] of refusals) {
      const headers = header ? [header] : [];
      const answer = await holder.register({ contacts, headers });
      assert.equal(answer.status, status, contacts.join());
    }
    // An update that is no newer than what it would change (RFC 3261 §10.3 step 7).
    await holder.register({ contacts: [a] });
    const { cseq } = holder;
    const late = { contacts: [a], cseq, reuseNonce: true };
    assert.equal((await holder.register(late)).status, 500);
    const rival = await world.connect({ name: "rival" });
    const forced = { contacts: [`${removal}, ${b}`], headers: [FORCE] };
    assert.equal((await rival.register(forced)).status, 200);
  },
);
