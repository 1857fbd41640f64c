/**
 * Nobody believes to be registered who is not: an ousted client learns of it by each of the ways to
 * tell it, when the others are broken.
 */
import assert from "node:assert/strict";
import { PhoneUnderTest } from "../../interop/support/phones.mjs";
import { FORCE, contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });
const KEY = "graceline:2001@example.test";

/**
 * Changes what Redis has of the one binding.
 * @param {any} world
 * @param {(binding: any) => void} change
 */
async function tamper({ server: { redis } }, change) {
  const record = JSON.parse(await redis.command(["--raw", "GET", KEY]));
  change(record.bindings[0]);
  await redis.command(["SET", KEY, JSON.stringify(record), "KEEPTTL"]);
}

/** Sends the NOTIFY where nobody is. @param {any} binding */
const lost = (binding) => {
  binding.received = "sip:127.0.0.1:9;transport=ws";
};

/**
 * Lets a rival take the line; milliseconds until the client's connection ended.
 * @param {any} world
 * @param {any} client
 * @param {string} [url] of the rival's node
 */
async function oust(world, client, url) {
  const rival = await world.connect({
    name: "rival",
    url: url ?? world.server.url,
  });
  const began = performance.now();
  const closed = client.closed.then((/** @type {number} */ code) => {
    assert.equal(code, 4001);
    return performance.now() - began;
  });
  const answer = await rival.register({ contacts: [b], headers: [FORCE] });
  assert.equal(answer.status, 200);
  return closed;
}

/** A client that is registered. @param {any} world */
async function holder(world) {
  const client = await world.connect({ name: "holder" });
  await client.register({ contacts: [a] });
  return client;
}

gracefulTest("told by NOTIFY, and closed a second later", {}, async (world) => {
  const client = await holder(world);
  const milliseconds = await oust(world, client);
  assert.equal(client.received[0].header("Event"), "service-control");
  assert.ok(milliseconds > 900 && milliseconds < 4_000, `${milliseconds} ms`);
});

gracefulTest(
  "a REGISTER that is refused changes nothing of when an ousted connection ends, and makes none anybody's",
  {},
  async (world) => {
    const client = await holder(world);
    const rival = await world.connect({ name: "rival" });
    await rival.register({ contacts: [b], headers: [FORCE] });
    const began = performance.now();
    await client.incoming("NOTIFY");
    assert.equal((await client.register({ contacts: [a] })).status, 403);
    assert.equal(await client.closed, 4001);
    const milliseconds = performance.now() - began;
    assert.ok(milliseconds > 900 && milliseconds < 4_000, `${milliseconds} ms`);

    const late = await world.connect({ name: "late" });
    assert.equal((await late.register({ contacts: [a] })).status, 403);
    assert.equal((await late.send("MESSAGE", late.aor)).status, 407);
    Object.assign(late, {
      ...{ user: "2002", password: world.server.passwords[2002] },
      callId: "another",
    });
    assert.equal((await late.register({ contacts: [a] })).status, 200);
  },
);

gracefulTest(
  "closed at once where the NOTIFY cannot be sent",
  {},
  async (world) => {
    const client = await holder(world);
    await tamper(world, lost);
    const milliseconds = await oust(world, client);
    assert.deepEqual(client.received, []);
    assert.ok(milliseconds < 1000, `${milliseconds} ms`);
  },
);

gracefulTest(
  "a phone that cannot be told by NOTIFY is told by the end of its connection",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    await alice.register();
    await tamper(world, lost);
    const bob = new PhoneUnderTest(world, "bob");
    await bob.register(true);
    await alice.event("eConnectionTerminated");
    assert.equal(alice.phone.ready, false);
    assert.equal(bob.phone.status, "eReady");
  },
);

gracefulTest(
  "closed by its node's own look where the other can tell it nothing",
  {
    nodes: ["a", "b"].map((name, index) => ({
      name,
      host: `127.0.0.${index + 2}`,
      settings: { CLUSTER_PEERS: "192[.]0[.]2[.]1" },
    })),
  },
  async (world) => {
    const client = await holder(world);
    const milliseconds = await oust(world, client, world.server.nodes[1].url);
    assert.deepEqual(client.received, []);
    assert.ok(milliseconds < 1500, `${milliseconds} ms`);
    assert.match(world.server.nodes[0].log, /ousted and nobody told it/);
  },
);

gracefulTest(
  "who is ousted and takes the line back over the same connection keeps it",
  {},
  async (world) => {
    const client = await holder(world);
    const rival = await world.connect({ name: "rival" });
    await rival.register({ contacts: [b], headers: [FORCE] });
    const back = await client.register({ contacts: [a], headers: [FORCE] });
    assert.equal(back.status, 200);
    assert.equal(await rival.closed, 4001);
    assert.equal((await client.query()).length, 1);
  },
);
