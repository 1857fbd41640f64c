/**
 * A call that rings at several devices of a user: answered at one, declined at one or for all, through
 * one node and two.
 */
import assert from "node:assert/strict";
import { fakeMedia } from "graceline/testing";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { Call, description } from "./support/call.mjs";
import { contact, instance } from "./support/contacts.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const BOB = "sip:2002@example.test";

/** One node; two, each with a device of the callee. */
const DEPLOYMENTS = /** @type {const} */ ([
  ["one node", {}],
  [
    "two nodes",
    {
      nodes: [
        { name: "a", host: "127.0.0.2" },
        { name: "b", host: "127.0.0.3" },
      ],
    },
  ],
]);

/**
 * A naive client of 2002 that rings.
 * @param {any} world
 * @param {string} name one letter
 * @param {{ url: string }} node
 */
async function device(world, name, { url }) {
  const client = await world.connect({ name, user: "2002", url });
  client.respond = (/** @type {any} */ request) => {
    if (request.method === "INVITE") return { status: 180, reason: "Ringing" };
    if (request.method === "CANCEL") {
      const [invite] = client.received.filter(
        (/** @type {any} */ { method, branch }) =>
          method === "INVITE" && branch === request.branch,
      );
      client.answer(invite, { status: 487, reason: "Request Terminated" });
    }
    return { status: 200 };
  };
  const own = contact(name, {
    device: `D${name}`,
    instance: instance(name),
  });
  assert.equal((await client.register({ contacts: [own] })).status, 200);
  return client;
}

/** A phone of this package, of the callee. */
async function phone(
  /** @type {any} */ world,
  /** @type {string} */ name,
  /** @type {{ url: string }} */ node,
) {
  const under = new PhoneUnderTest(world, name, {
    user: "2002",
    password: world.server.passwords[2002],
    device: `D${name}`,
    connections: node.url,
    media: fakeMedia(),
  });
  await under.register();
  return under;
}

/** What becomes of the next call at a phone. @param {PhoneUnderTest} under */
function nextCall({ phone }) {
  return new Promise((resolve) =>
    phone.once("incoming", (/** @type {any} */ { call }) => {
      const ended = new Promise((end) => call.once("ended", end));
      resolve({ call, ended });
    }),
  );
}

/**
 * Resolves when the caller has heard of so many devices that they ring. What Kamailio cancels before
 * that it cancels without the status of the answer.
 * @param {any} world
 * @param {any} caller
 * @param {Call} call
 * @param {number} count
 */
const rings = ({ transcript }, caller, { callId }, count) =>
  transcript.until(`${count} devices to ring`, () => {
    const heard = transcript.entries.filter(
      (/** @type {any} */ { who, direction, text }) =>
        who === caller.name &&
        direction === "received" &&
        text.startsWith("SIP/2.0 180") &&
        text.includes(callId),
    );
    return heard.length >= count;
  });

/** The answer of a device that takes a call. @param {any} client @returns {any} */
const accepts = (client) => ({
  status: 200,
  headers: [
    ["Contact", `<sip:${client.name}@callee.invalid;transport=ws>`],
    ["Content-Type", "application/sdp"],
  ],
  body: description(client),
});

for (const [through, options] of DEPLOYMENTS)
  gracefulTest(
    `answered at one device, the others are told so: ${through}`,
    /** @type {any} */ (options),
    async (world) => {
      const [first, second = first] = world.server.nodes;
      const alice = await world.connect({ name: "alice", url: first.url });
      await alice.register({ contacts: [contact("a")] });
      const there = await phone(world, "there", second);
      const here = await phone(world, "here", first);
      const other = await device(world, "c", second);
      const ringing = [nextCall(there), nextCall(here)];
      const call = new Call(alice, BOB);
      const accepted = call.invite();
      const [{ ended }, { call: taken }] = await Promise.all(ringing);
      await rings(world, alice, call, 3);
      const answered = taken.answer();
      call.accepted = await accepted;
      assert.equal(call.accepted.status, 200);
      await call.ack();
      await answered;
      assert.equal((await ended).cause, "answeredElsewhere");
      const cancel = await other.incoming("CANCEL");
      assert.deepEqual(cancel.all("Reason"), [
        'SIP;cause=200;text="Call completed elsewhere"',
      ]);
      assert.equal(taken.state, "connected");
    },
  );

for (const [through, options] of DEPLOYMENTS)
  gracefulTest(
    `declined at one device the others ring on, declined for all they stop: ${through}`,
    /** @type {any} */ (options),
    async (world) => {
      const [first, second = first] = world.server.nodes;
      const alice = await world.connect({ name: "alice", url: first.url });
      await alice.register({ contacts: [contact("a")] });
      const there = await phone(world, "there", second);
      const here = await phone(world, "here", first);
      const ring = async () => {
        const ringing = [nextCall(there), nextCall(here)];
        const call = new Call(alice, BOB);
        const answer = call.invite();
        const [far, near] = await Promise.all(ringing);
        await rings(world, alice, call, 2);
        return { far, near, call, answer };
      };

      const declined = await ring();
      await declined.far.call.reject();
      const taken = declined.near.call.answer();
      declined.call.accepted = await declined.answer;
      assert.equal(declined.call.accepted.status, 200);
      await declined.call.ack();
      await taken;
      await declined.call.request("BYE");
      await declined.near.ended;

      const nobody = await ring();
      await nobody.near.call.reject();
      await nobody.far.call.reject(480);
      assert.equal((await nobody.answer).status, 486);

      for (const [decliner, other] of [
        ["far", "near"],
        ["near", "far"],
      ]) {
        const everywhere = /** @type {any} */ (await ring());
        await everywhere[decliner].call.reject(603);
        assert.equal((await everywhere[other].ended).cause, "rejected");
        assert.equal((await everywhere.answer).status, 603);
      }
    },
  );

for (const [through, options] of DEPLOYMENTS)
  gracefulTest(
    `two devices answer at one instant: the caller keeps one, and ends the other: ${through}`,
    /** @type {any} */ (options),
    async (world) => {
      const [first, second = first] = world.server.nodes;
      const caller = new PhoneUnderTest(world, "caller", {
        connections: first.url,
        media: fakeMedia(),
      });
      await caller.register();
      const devices = [
        await device(world, "b", first),
        await device(world, "c", second),
      ];
      caller.phone.call("2002");
      const invites = await Promise.all(
        devices.map((one) => one.incoming("INVITE")),
      );
      // Each has answered before it could hear that the other did.
      for (const [index, one] of devices.entries())
        one.answer(invites[index], accepts(one));
      for (const one of devices) await one.incoming("ACK");
      await world.transcript.until("a BYE to one of the two", () =>
        devices.some(({ received }) =>
          received.some((/** @type {any} */ { method }) => method === "BYE"),
        ),
      );
      const [call] = caller.phone.calls;
      assert.equal(call.state, "connected");
      await call.hangup();
      for (const one of devices) {
        await one.incoming("BYE");
        const byes = one.received.filter(
          (/** @type {any} */ { method }) => method === "BYE",
        );
        assert.equal(byes.length, 1);
      }
    },
  );

gracefulTest(
  "who begins to ring as somebody else answers hears that the call is over",
  {},
  async (world) => {
    const [node] = world.server.nodes;
    const alice = await world.connect({ name: "alice" });
    await alice.register({ contacts: [contact("a")] });
    const devices = [];
    for (const name of "bcdefghi") {
      const client = await device(world, name, node);
      const { respond } = client;
      client.respond = (/** @type {any} */ request) =>
        request.method === "INVITE" ? undefined : respond(request);
      devices.push(client);
    }
    const [taker, ...others] = devices;
    // Which of Kamailio's processes comes first is nobody's to say: in many calls, each.
    for (let n = 0; n < 50; n++) {
      const call = new Call(alice, BOB);
      /** @type {(client: any, method: string) => Promise<any>} */
      const has = (client, method) =>
        world.transcript.until(`${method} to ${client.name}`, () =>
          client.received.find(
            (/** @type {any} */ one) =>
              one.method === method && one.header("Call-ID") === call.callId,
          ),
        );
      const answer = call.invite();
      const [first, ...rest] = await Promise.all(
        devices.map((client) => has(client, "INVITE")),
      );
      taker.answer(first, accepts(taker));
      for (const [k, client] of others.entries())
        client.answer(rest[k], { status: 180, reason: "Ringing" });
      call.accepted = await answer;
      await call.ack();
      await Promise.all(others.map((client) => has(client, "CANCEL")));
      assert.equal((await call.request("BYE")).status, 200);
    }
  },
);

/** The INVITEs that a client has got. @param {any} client */
const invites = ({ received }) =>
  received.filter((/** @type {any} */ { method }) => method === "INVITE");

for (const [through, options] of DEPLOYMENTS)
  gracefulTest(
    `who registers while it rings rings too, once, and may answer: ${through}`,
    /** @type {any} */ (options),
    async (world) => {
      const [first, second = first] = world.server.nodes;
      const alice = await world.connect({ name: "alice", url: first.url });
      await alice.register({ contacts: [contact("a")] });
      const there = await device(world, "b", second);
      const call = new Call(alice, BOB);
      const answer = call.invite();
      await there.incoming("INVITE");

      // At the node that has the call, and at the other.
      const near = await device(world, "c", first);
      await near.incoming("INVITE");
      const late = await device(world, "d", second);
      const invite = await late.incoming("INVITE");
      assert.equal(invite.header("Call-ID"), call.callId);
      assert.deepEqual(invite.all("P-Asserted-Identity"), [
        "<sip:2001@example.test>",
      ]);
      // Who only refreshes is not asked again; what is left for a node it does in order.
      for (const [name, client] of /** @type {const} */ ([
        ["b", there],
        ["c", near],
        ["d", late],
      ]))
        await client.register({
          contacts: [
            contact(name, { device: `D${name}`, instance: instance(name) }),
          ],
        });
      const last = await device(world, "e", second);
      await last.incoming("INVITE");
      for (const client of [there, near, late, last])
        assert.equal(invites(client).length, 1, client.name);

      late.answer(invite, accepts(late));
      call.accepted = await answer;
      assert.equal(call.accepted.status, 200);
      await call.ack();
      await late.incoming("ACK");
      for (const client of [there, near, last]) {
        const cancel = await client.incoming("CANCEL");
        assert.match(cancel.header("Reason"), /^SIP;cause=200/);
      }
      assert.equal((await call.request("INFO")).status, 200);
      await late.incoming("INFO");
      assert.equal((await Call.hangUp(late, call)).status, 200);

      // It was answered: nobody joins it any more, and the next call reaches all.
      const later = await device(world, "f", second);
      const next = new Call(alice, BOB);
      const other = next.invite();
      await later.incoming("INVITE");
      assert.deepEqual(
        invites(later).map((/** @type {any} */ one) => one.header("Call-ID")),
        [next.callId],
      );
      later.answer(invites(later)[0], { status: 603, reason: "Decline" });
      assert.equal((await other).status, 603);
    },
  );

gracefulTest(
  "a phone that loses its connection while it rings rings again when it is back",
  {},
  async (world) => {
    const alice = await world.connect({ name: "alice" });
    await alice.register({ contacts: [contact("a")] });
    const [node] = world.server.nodes;
    const other = await device(world, "b", node);
    const here = await phone(world, "here", node);
    const lost = nextCall(here);
    const call = new Call(alice, BOB);
    const answer = call.invite();
    const { ended } = await lost;
    await other.incoming("INVITE");
    const back = nextCall(here);
    here.Socket.unplug();
    await ended;
    here.Socket.offline = false;
    const { call: again } = await back;
    const taken = again.answer();
    call.accepted = await answer;
    assert.equal(call.accepted.status, 200);
    await call.ack();
    await taken;
    assert.equal(again.state, "connected");
  },
);

/**
 * 2002 with devices that can be woken, of which none is there, and 2001 who calls.
 * @param {any} world
 */
async function sleepers(world) {
  const [first] = world.server.nodes;
  const facts = await Facts.on(world);
  await facts.authorise(instance("a"), "web", "2001");
  for (const digit of "bc") {
    await facts.authorise(instance(digit), "mobile", "2002");
    const push = {
      endpoint: `https://p.test/${digit}`,
      p256dh: "k",
      auth: "s",
    };
    await facts.call("push_set", { id: digit, push }, "2002");
  }
  const alice = await world.connect({ name: "alice", url: first.url });
  const own = contact("a", { instance: instance("a") });
  assert.equal((await alice.register({ contacts: [own] })).status, 200);
  const heard = (
    /** @type {Call} */ { callId },
    /** @type {string} */ status,
  ) =>
    world.transcript.until(status, () =>
      world.transcript.entries.some(
        (/** @type {any} */ { who, text }) =>
          who === "alice" &&
          text.startsWith(`SIP/2.0 ${status}`) &&
          text.includes(callId),
      ),
    );
  return { alice, heard };
}

for (const [through, options] of DEPLOYMENTS)
  gracefulTest(
    `a call waits for a device that sleeps, and rings at each that comes: ${through}`,
    /** @type {any} */ (options),
    async (world) => {
      const [first, second = first] = world.server.nodes;
      const { alice, heard } = await sleepers(world);
      const call = new Call(alice, BOB);
      const answer = call.invite();
      await heard(call, "182");
      const woken = await device(world, "b", second);
      const invite = await woken.incoming("INVITE");
      assert.deepEqual(invite.all("P-Asserted-Identity"), [
        "<sip:2001@example.test>",
      ]);
      await heard(call, "180");
      const other = await device(world, "c", first);
      await other.incoming("INVITE");
      woken.answer(invite, accepts(woken));
      call.accepted = await answer;
      assert.equal(call.accepted.status, 200);
      await call.ack();
      await woken.incoming("ACK");
      assert.match(
        (await other.incoming("CANCEL")).header("Reason"),
        /^SIP;cause=200/,
      );
      assert.equal((await call.request("INFO")).status, 200);
      assert.equal((await Call.hangUp(woken, call)).status, 200);
      assert.equal(invites(woken).length, 1);
    },
  );

gracefulTest(
  "a call that waits is given up, by the caller or after a while",
  { nodes: [{ settings: { PUSH_SECONDS: 1 } }] },
  async (world) => {
    const { alice, heard } = await sleepers(world);
    assert.equal((await new Call(alice, BOB).invite()).status, 480);
    const call = new Call(alice, BOB);
    const branch = "z9hG4bKgivenup";
    const invited = call.invite({ branch, cseq: 70 });
    await heard(call, "182");
    const { callId, fromTag } = call;
    const cancel = { callId, fromTag, branch, cseq: 70 };
    const cancelled = alice.send("CANCEL", BOB, cancel);
    await heard(call, "487");
    // Both have one branch, and so one place among those that wait.
    await Promise.race([invited, cancelled]);
    const [node] = world.server.nodes;
    const late = await device(world, "b", node);
    const next = new Call(alice, BOB);
    const answer = next.invite();
    const invite = await late.incoming("INVITE");
    assert.equal(invite.header("Call-ID"), next.callId);
    late.answer(invite, { status: 486, reason: "Busy Here" });
    assert.equal((await answer).status, 486);
  },
);
