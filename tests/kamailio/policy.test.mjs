/**
 * The policies of deploy/kamailio on the wire: what a second login of a device means, and who
 * counts as whom. The same rules as the test registrar's (tests/registrar/policies.rs).
 */
import assert from "node:assert/strict";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import {
  CONFLICT,
  FORCE,
  ZERO,
  contact,
  instance,
} from "./support/contacts.mjs";
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
  assert.equal(await first.closed, 4001);
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
  "there is no way around the policy",
  {
    nodes: [{ settings: { FORCES_PER_MINUTE: 0 } }],
  },
  async (world) => {
    const holder = await world.connect({ name: "holder" });
    const bare = { device: "" };
    const cases = [
      // What holds the line, what wants it, with which headers.
      ["<sip:2001@a.invalid>", "<sip:2001@b.invalid>"],
      ["<sip:2001@a.invalid>", "<sip:z@b.invalid>"],
      ["<sip:2001@a.invalid>", "<sip:b.invalid>"],
      ["<sip:2001@a.invalid>", contact("b", { device: "2001" })],
      [contact("a", bare), contact("b", { ...bare, instance: instance("b") })],
      [a, contact("b")],
      [a, contact("b", { instance: ZERO })],
      [a, contact("a", { instance: instance("b") })],
      [a, contact("b", { instance: ZERO }), FORCE],
      [a, contact("b"), FORCE],
      [
        a,
        b,
        ["Reason", 'SIP;cause=200;text="cisco-alarm:25 Last=initialized"'],
      ],
      [a, `"x <sip:y@z>, " ${b}`],
    ];
    for (const [held, wanted, header] of cases) {
      const got = await holder.register({ contacts: [String(held)] });
      assert.equal(got.status, 200, String(held));
      const rival = await world.connect({ name: "rival" });
      const answer = await rival.register({
        contacts: [String(wanted)],
        headers: header ? [/** @type {[string, string]} */ (header)] : [],
      });
      assert.equal(answer.status, 403, `${wanted} ${header ?? ""}`);
      assert.match(answer.header("Warning"), CONFLICT);
      // Nor is removing first: a client removes only what is its own.
      const uri = /<[^>]*>/.exec(String(held))?.[0];
      await rival.register({ contacts: [`${uri};expires=0`] });
      await rival.register({ contacts: ["*"], expires: 0 });
      assert.equal((await world.server.bindings()).length, 1, String(wanted));
      await rival.close();
      await holder.register({ contacts: ["*"], expires: 0 });
      assert.deepEqual(await world.server.bindings(), []);
    }
  },
);

gracefulTest("the same client is never refused", {}, async (world) => {
  const cases = [
    [
      a,
      contact("elsewhere", {
        instance: instance("a").toUpperCase().replace("URN:UUID", "urn:uuid"),
      }),
    ],
    [
      contact("x", { instance: ZERO }),
      contact("x", { instance: ZERO }).replace("x.invalid", "y.invalid"),
    ],
    [
      contact("x", { instance: instance("a") }),
      contact("x", { instance: ZERO }),
    ],
  ];
  for (const [first, second] of cases) {
    const client = await world.connect({ name: "client" });
    assert.equal((await client.register({ contacts: [first] })).status, 200);
    const moved = await world.connect({ name: "moved" });
    assert.equal((await moved.register({ contacts: [second] })).status, 200);
    assert.equal(
      (await world.server.bindings()).length,
      1,
      "its ghost is gone",
    );
    assert.deepEqual(client.received, [], "nobody was ousted");
    // The old connection's end takes nothing with it.
    await client.close();
    assert.equal((await moved.query()).length, 1);
    await moved.register({ contacts: ["*"], expires: 0 });
  }
  // On one connection there is one client.
  const one = await world.connect({ name: "one" });
  await one.register({ contacts: [a] });
  assert.equal((await one.register({ contacts: [b] })).status, 200);
  assert.equal((await world.server.bindings()).length, 1);
});

gracefulTest(
  "devices live side by side, up to the limit",
  {
    accounts: [{ user: "2001", limit: 2 }],
  },
  async (world) => {
    const names = ["CSF", "DESK", "TAB"];
    const clients = [];
    for (const device of names) {
      const client = await world.connect({ name: device });
      const answer = await client.register({
        contacts: [contact(device, { device })],
      });
      clients.push({ client, answer });
    }
    assert.deepEqual(
      clients.map(({ answer }) => answer.status),
      [200, 200, 503],
    );
    const [first, , third] = clients;
    assert.match(third.answer.header("P-Registrar-Error"), /too many/i);
    // A takeover adds no device.
    const rival = await world.connect({ name: "rival" });
    const forced = await rival.register({ contacts: [b], headers: [FORCE] });
    assert.equal(forced.status, 200);
    await first.client.incoming("NOTIFY");

    const phone = new PhoneUnderTest(world, "phone", { device: "FOURTH" });
    await assert.rejects(phone.register(), { code: "eDeviceLimitReached" });
  },
);

gracefulTest(
  "duplicate: the second gets in, the first is told and stays out",
  {
    accounts: [{ user: "2001", policy: "duplicate" }],
  },
  async (world) => {
    const first = await world.connect({ name: "first" });
    const second = await world.connect({ name: "second" });
    await first.register({ contacts: [a] });
    assert.equal((await second.register({ contacts: [b] })).status, 200);
    await first.incoming("NOTIFY");
    const refresh = await first.register({ contacts: [a] });
    assert.equal(
      refresh.status,
      403,
      "a refresh does not take the device back",
    );
    first.callId = "a-new-login";
    assert.equal((await first.register({ contacts: [a] })).status, 200);
    await second.incoming("NOTIFY");
  },
);

gracefulTest(
  "normal: the last one wins, nobody is told, all are listed",
  {
    accounts: [{ user: "2001", policy: "normal" }],
  },
  async (world) => {
    const first = await world.connect({ name: "first" });
    const second = await world.connect({ name: "second" });
    await first.register({ contacts: [a] });
    const desk = contact("d", { device: "DESK" });
    const answer = await second.register({ contacts: [b] });
    assert.deepEqual(
      answer.contacts.map(({ uri }) => uri),
      ["sip:b@b.invalid;transport=ws"],
    );
    const third = await world.connect({ name: "third" });
    assert.equal(
      (await third.register({ contacts: [desk] })).contacts.length,
      2,
    );
    assert.equal((await first.register({ contacts: [a] })).status, 200);
    assert.deepEqual(first.received, []);
  },
);

gracefulTest(
  "forces are limited for each address-of-record",
  {
    nodes: [{ settings: { FORCES_PER_MINUTE: 2 } }],
  },
  async (world) => {
    const clients = [];
    for (const digit of ["a", "b", "c", "d"])
      clients.push({
        client: await world.connect({ name: digit }),
        contacts: [contact(digit, { instance: instance(digit) })],
      });
    const statuses = [];
    for (const { client, contacts } of clients) {
      const answer = await client.register({ contacts, headers: [FORCE] });
      statuses.push(answer.status);
      if (answer.status === 503) {
        const seconds = Number(answer.header("Retry-After"));
        assert.ok(seconds > 50 && seconds <= 60, `${seconds} s`);
      }
    }
    // The first found the device free: no takeover.
    assert.deepEqual(statuses, [200, 200, 200, 503]);
    const [binding] = await world.server.bindings();
    assert.equal(binding.instance, instance("c"));
  },
);

gracefulTest(
  "unnamed devices can live side by side by their instance",
  {
    nodes: [{ settings: { UNNAMED_DEVICE: "instance" } }],
  },
  async (world) => {
    for (const digit of ["a", "b"]) {
      const client = await world.connect({ name: digit });
      const own = contact(digit, { device: "", instance: instance(digit) });
      assert.equal((await client.register({ contacts: [own] })).status, 200);
    }
    assert.equal((await world.server.bindings()).length, 2);
  },
);

gracefulTest("what cannot be read is refused", {}, async (world) => {
  const client = await world.connect();
  const cases = /** @type {[string[], number, [string, string][]?][]} */ ([
    [["<sip:a@a.invalid"], 400],
    [["sip:a@a.invalid x"], 400],
    [["<tel:1>"], 400],
    [[a, b], 400],
    [["*"], 400],
    [[`${a};expires=5`], 423],
    [[a], 420, [["Require", "x-unknown"]]],
  ]);
  for (const [contacts, status, headers] of cases) {
    const answer = await client.register({ contacts, headers });
    assert.equal(answer.status, status, contacts.join());
  }
  assert.deepEqual(await world.server.bindings(), []);
  // An update that is older than what it would change (RFC 3261 §10.3 step 7).
  await client.register({ contacts: [a], cseq: 50 });
  const late = await client.register({
    contacts: [a],
    cseq: 40,
    reuseNonce: true,
  });
  assert.equal(late.status, 500);
});
