/**
 * A call that rings at several devices of a user: answered at one, declined at one or for all, through
 * one node and two.
 */
import assert from "node:assert/strict";
import { fakeMedia } from "graceline/testing";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { Call, description } from "./support/call.mjs";
import { contact, instance } from "./support/contacts.mjs";
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
  client.respond = (/** @type {any} */ { method }) =>
    method === "INVITE" ? { status: 180, reason: "Ringing" } : { status: 200 };
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
