/**
 * Two nodes and more with one Redis: refused, forced, told, called across nodes; nodes that die,
 * nodes that are cut off.
 */
import assert from "node:assert/strict";
import { eventually } from "../interop/support/eventually.mjs";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { Relay } from "../support/relay.mjs";
import { Call } from "./support/call.mjs";
import { FORCE, contact, instance } from "./support/contacts.mjs";
import { COUNT, allAtOnce, count, crowd } from "./support/crowd.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });
const BOB = "sip:2002@example.test";

const NODES = ["a", "b", "c"].map((name, index) => ({
  name,
  host: `127.0.0.${index + 2}`,
  settings: { FORCES_PER_MINUTE: 0, LEASE_SECONDS: 5 },
}));
const two = { nodes: NODES.slice(0, 2) };

gracefulTest(
  "registered on one node, refused on the other; forced there, told here",
  two,
  async (world) => {
    const [here, there] = world.server.nodes;
    const alice = new PhoneUnderTest(world, "alice", { connections: here.url });
    const bob = new PhoneUnderTest(world, "bob", { connections: there.url });
    await alice.register();
    await assert.rejects(bob.register(), { code: "eDeviceAlreadyRegistered" });
    const [held] = await world.server.bindings();
    assert.equal(held.node, "a");
    const before = world.transcript.length;
    await bob.register(true);
    await alice.event("eConnectionTerminated");
    const notifies = world.transcript.requests({
      who: "alice",
      method: "NOTIFY",
      direction: "received",
      since: before,
    });
    const control = notifies.filter(({ text }) =>
      text.includes("Event: service-control\r\n"),
    );
    assert.equal(control.length, 1);
    const bindings = await world.server.bindings();
    assert.deepEqual(
      bindings.map(({ node }) => node),
      ["b"],
    );
    assert.match(here.log, /node a is ready/);
  },
);

gracefulTest(
  "the ousted client's connection is closed by its node",
  two,
  async (world) => {
    const [here, there] = world.server.nodes;
    const first = await world.connect({ name: "first", url: here.url });
    const second = await world.connect({ name: "second", url: there.url });
    await first.register({ contacts: [a] });
    const refused = await second.register({ contacts: [b] });
    assert.equal(refused.status, 403);
    assert.match(refused.header("X-Graceline-Holder"), /contact="a"/);
    await second.register({ contacts: [b], headers: [FORCE] });
    const notify = await first.incoming("NOTIFY");
    assert.equal(notify.requestUri, "sip:a@a.invalid;transport=ws");
    assert.match(notify.body, new RegExp(`RegisterCallId={${first.callId}}`));
    assert.equal(await first.closed, 4001);
    assert.equal((await second.query()).length, 1);
  },
);

gracefulTest(
  "a challenge of one node is answered to the other: one round trip",
  two,
  async (world) => {
    const [here, there] = world.server.nodes;
    const client = await world.connect({ url: here.url });
    await client.query();
    const moved = await world.connect({ url: there.url });
    moved.challenge = client.challenge;
    const answer = await moved.register({ contacts: [a], reuseNonce: true });
    assert.equal(answer.status, 200);
  },
);

gracefulTest(
  "calls and messages reach a phone whichever node holds its socket",
  { nodes: NODES },
  async (world) => {
    const [here, there, third] = world.server.nodes;
    const alice = await world.connect({ name: "alice", url: here.url });
    const bob = await world.connect({
      name: "bob",
      user: "2002",
      url: there.url,
    });
    const tab = await world.connect({
      name: "tab",
      user: "2002",
      url: third.url,
    });
    await alice.register({ contacts: [a] });
    await bob.register({ contacts: [b] });
    const other = contact("t", { device: "TAB", instance: instance("c") });
    await tab.register({ contacts: [other] });

    assert.equal((await alice.request("MESSAGE", BOB)).status, 200);
    await bob.incoming("MESSAGE");
    await tab.incoming("MESSAGE");

    const gruu = `${BOB};gr=${instance("b")}`;
    const call = await Call.start(alice, gruu, bob);
    assert.equal((await call.request("INFO")).status, 200);
    await bob.incoming("INFO");
    // From the other side, whose route set is the INVITE's.
    assert.equal((await Call.hangUp(bob, call)).status, 200);
    const bye = await alice.incoming("BYE");
    assert.equal(bye.requestUri, "sip:alice@caller.invalid;transport=ws");
    assert.deepEqual(
      tab.received.map(({ method }) => method),
      ["MESSAGE"],
    );
    // Both nodes know that it is over.
    for (const node of [here, there])
      await eventually("the call to be forgotten", async () => {
        const calls = await node.rpc("htable.dump", "calls");
        return !calls.includes(call.callId);
      });
  },
);

gracefulTest(
  `${COUNT} logins at one instant on two nodes: one wins, one is left`,
  two,
  async (world) => {
    const { nodes } = world.server;
    const clients = await crowd(world, (index) => nodes[index % 2].url);
    for (let round = 0; round < 3; round++) {
      const statuses = await allAtOnce(clients);
      assert.deepEqual(
        [count(statuses, 200), count(statuses, 403)],
        [1, COUNT - 1],
      );
      const winner = clients[statuses.indexOf(200)].client;
      await winner.register({ contacts: ["*"], expires: 0, reuseNonce: true });
    }
    assert.equal(count(await allAtOnce(clients, [FORCE]), 200), COUNT);
    const bindings = await world.server.bindings();
    assert.equal(bindings.length, 1);
    for (const { client, id } of clients)
      if (`c${id}` !== bindings[0].contact_user)
        assert.equal(await client.closed, 4001);
  },
);

gracefulTest(
  "a node is killed: its phones go to the other, and their ghosts keep nobody out",
  two,
  async (world) => {
    const [here, there] = world.server.nodes;
    const alice = new PhoneUnderTest(world, "alice", {
      connections: [here.url, there.url],
    });
    await alice.register();
    // Another user's phone, which nobody carries over.
    const lost = await world.connect({
      name: "lost",
      user: "2002",
      url: here.url,
    });
    await lost.register({ contacts: [b] });
    await here.kill();
    await world.transcript.until(
      "alice to be registered on the other node",
      () => alice.phone.registration?.connection === there.url,
    );
    assert.equal(alice.count("eConnectionTerminated"), 0);
    const bindings = await world.server.bindings();
    assert.deepEqual(
      bindings.map(({ node }) => node),
      ["b"],
    );
    // Another client waits no longer than the dead node's lease.
    const rival = await world.connect({
      name: "rival",
      user: "2002",
      url: there.url,
    });
    const began = performance.now();
    await eventually("the dead node's ghost to be gone", async () => {
      const answer = await rival.register({ contacts: [a] });
      return answer.status === 200;
    });
    assert.ok(performance.now() - began < 6_000);
  },
);

gracefulTest(
  "a node is killed before an ACK has passed: the answer comes again over the other",
  two,
  async (world) => {
    const [here, there] = world.server.nodes;
    const bob = await world.connect({
      name: "bob",
      user: "2002",
      url: there.url,
    });
    const alice = await world.connect({ name: "alice", url: here.url });
    await bob.register({ contacts: [b] });
    await alice.register({ contacts: [a] });
    alice.respond = () => ({
      status: 200,
      headers: [["Contact", "<sip:alice@callee.invalid;transport=ws>"]],
    });
    const call = new Call(bob, alice.aor);
    call.accepted = await call.invite();
    assert.equal(call.accepted.status, 200);
    await here.kill();
    await alice.closed;
    const back = await world.connect({ name: "back", url: there.url });
    assert.equal((await back.register({ contacts: [a] })).status, 200);
    const accepted = () =>
      world.transcript.entries.filter(
        ({ who, direction, text }) =>
          direction === (who === "alice" ? "sent" : "received") &&
          /^SIP\/2\.0 200 [^]*CSeq: \d+ INVITE/.test(text),
      );
    const [sent] = accepted().filter(({ who }) => who === "alice");
    back.socket.send(sent.text);
    await world.transcript.until(
      "the answer again",
      () => accepted().filter(({ who }) => who === "bob").length === 2,
    );
    await call.ack();
    await back.incoming("ACK");
  },
);

/** On the address that relays lead to. */
const behindRelays = { nodes: ["a", "b"].map((name) => ({ name })) };

/**
 * Two nodes, each behind a relay, and a phone that knows both ways and is registered on the first.
 * @param {any} world
 */
async function phoneBehindRelays(world) {
  const links = [];
  for (const { port } of world.server.nodes) {
    const link = await Relay.start(port);
    world.after(() => link.close());
    links.push(link);
  }
  const alice = new PhoneUnderTest(world, "alice", {
    connections: links.map(({ url }) => url),
    userAgent: "Alice",
    heartbeat: 5,
  });
  await alice.register();
  assert.equal(alice.phone.registration?.connection, links[0].url);
  return { alice, links };
}

for (const [way, index] of /** @type {const} */ ([
  ["the same node", 0],
  ["the other node", 1],
]))
  gracefulTest(
    `a line that was taken over meanwhile is not stolen back by way of ${way}`,
    behindRelays,
    async (world) => {
      const { alice, links } = await phoneBehindRelays(world);
      for (const link of links) {
        link.refusing = true;
        link.cut();
      }
      await alice.status("eRecoveryPending");
      const bob = new PhoneUnderTest(world, "bob", {
        connections: world.server.nodes[1].url,
        userAgent: "Bob",
      });
      await bob.register(true);
      links[index].refusing = false;
      await alice.event("eConnectionTerminated");
      assert.equal(alice.count("eConnectionTerminated"), 1);
      assert.equal(alice.count("error"), 0);
      assert.equal(bob.phone.status, "eReady");
      assert.equal(bob.count("eConnectionTerminated"), 0);
      const bindings = await world.server.bindings();
      assert.deepEqual(
        bindings.map(({ agent }) => agent),
        ["Bob"],
      );
    },
  );

gracefulTest(
  "a ghost that its node still believes in refuses nobody, and takes no line with it when it goes",
  behindRelays,
  async (world) => {
    const { alice, links } = await phoneBehindRelays(world);
    const [here, there] = links;
    await world.transcript.until(
      "a pong",
      () =>
        world.transcript.entries.some(
          ({ who, direction, text }) =>
            who === "alice" && direction === "received" && text === "\r\n",
        ),
      20_000,
    );
    // The first node hears nothing of the end of this connection until it is cut.
    here.stall();
    await world.transcript.until(
      "alice to be registered on the other node",
      () => alice.phone.registration?.connection === there.url,
      30_000,
    );
    assert.equal(alice.count("eDeviceAlreadyRegistered"), 0);
    here.refusing = true;
    here.cut();
    // A cut connection of anybody else frees its line; the first node has handled both then.
    const other = await world.connect({
      name: "other",
      user: "2002",
      url: world.server.nodes[0].url,
    });
    await other.register({ contacts: [b] });
    await other.terminate();
    await eventually(
      "the other connection to be forgotten",
      async () => (await world.server.bindings()).length === 1,
    );
    const [binding] = await world.server.bindings();
    assert.deepEqual([binding.node, binding.agent], ["b", "Alice"]);
    assert.equal(alice.phone.status, "eReady");
    assert.equal(alice.count("eConnectionTerminated"), 0);
    // The line is held, whichever node a rival asks.
    const rival = new PhoneUnderTest(world, "rival", {
      connections: world.server.nodes[0].url,
    });
    await assert.rejects(rival.register(), {
      code: "eDeviceAlreadyRegistered",
    });
  },
);

gracefulTest(
  "a node that starts anew has lost its old connections' bindings at once",
  two,
  async (world) => {
    const [here, there] = world.server.nodes;
    const client = await world.connect({ url: here.url });
    await client.register({ contacts: [a] });
    await here.kill();
    await here.start();
    assert.deepEqual(await world.server.bindings(), []);
    const rival = await world.connect({ name: "rival", url: there.url });
    assert.equal((await rival.register({ contacts: [b] })).status, 200);
  },
);

gracefulTest(
  "a node that is cut off from Redis sends its phones away before their bindings lapse",
  {
    nodes: [],
    accounts: ["2001", "2002", "3000", "3001", "3002"].map((user) => ({
      user,
    })),
  },
  async (world) => {
    const { server } = world;
    const link = await Relay.start(server.redis.port);
    world.after(() => link.close());
    const here = await server.add({ ...NODES[0], redisPort: link.port });
    const there = await server.add(NODES[1]);
    const alice = new PhoneUnderTest(world, "alice", {
      connections: [here.url, there.url],
    });
    await alice.register();
    const client = await world.connect({
      name: "client",
      user: "2002",
      url: here.url,
    });
    await client.register({ contacts: [b] });
    const rival = await world.connect({
      name: "rival",
      user: "2002",
      url: there.url,
    });
    const crowd = [];
    for (let index = 0; index < 120; index++) {
      const one = await world.connect({
        name: `one-${index}`,
        user: `300${index % 3}`,
        url: here.url,
      });
      const own = contact(`c${index}`, { device: `D${index}` });
      await one.register({ contacts: [own] });
      crowd.push(one);
    }
    link.stall();
    // The cut-off node lets nobody in, and says when to ask again.
    const refused = await client.register({ contacts: [b] });
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.header("Retry-After")) > 0);
    // As long as its lease runs, nobody takes its lines unasked on the other side.
    assert.equal((await rival.register({ contacts: [a] })).status, 403);
    // Before it ends the node closes its connections: nobody believes to be registered who is not.
    assert.equal(await client.closed, 1013);
    for (const one of crowd) assert.equal(await one.closed, 1013);
    await eventually("the lease to end", async () => {
      const answer = await rival.register({ contacts: [a] });
      return answer.status === 200;
    });
    await world.transcript.until(
      "alice to be registered on the other node",
      () => alice.phone.registration?.connection === there.url,
      30_000,
    );
    assert.equal(alice.count("eConnectionTerminated"), 0);
    link.resume();
    await eventually("the node to be back", async () =>
      /Redis is back/.test(here.log),
    );
    const back = await world.connect({
      name: "back",
      user: "2002",
      url: here.url,
    });
    assert.equal((await back.register({ contacts: [b] })).status, 403);
  },
);

gracefulTest(
  "Redis starts empty: phones that refresh are bound again",
  { nodes: [NODES[0]] },
  async (world) => {
    const { redis } = world.server;
    const client = await world.connect();
    await client.register({ contacts: [a] });
    await redis.restart();
    assert.deepEqual(await world.server.bindings(), []);
    await eventually("the client to be bound again", async () => {
      const answer = await client.register({ contacts: [a] });
      return answer.status === 200;
    });
    const [binding] = await world.server.bindings();
    assert.equal(binding.contact_user, "a");
  },
);

gracefulTest(
  "a second node of the same name does not get to work",
  { nodes: [NODES[0]] },
  async (world) => {
    const client = await world.connect();
    await client.register({ contacts: [a] });
    const twin = await world.server.add({ ...NODES[1], name: "a" });
    await eventually("the twin to complain", async () =>
      /the node at sip:127[.]0[.]0[.]2:\d+;transport=tcp has this name/.test(
        twin.log,
      ),
    );
    const other = await world.connect({ url: twin.url, user: "2002" });
    assert.equal((await other.register({ contacts: [b] })).status, 503);
    assert.equal((await client.query()).length, 1);
  },
);

gracefulTest(
  "nodes that cannot reach each other: the force holds, the ousted client learns by the end of its connection",
  {
    // The nodes do not know each other: what one sends to the other is not taken.
    nodes: NODES.slice(0, 2).map((node) => ({
      ...node,
      settings: { ...node.settings, CLUSTER_PEERS: "192[.]0[.]2[.]1" },
    })),
  },
  async (world) => {
    const [here, there] = world.server.nodes;
    const first = await world.connect({ name: "first", url: here.url });
    const second = await world.connect({ name: "second", url: there.url });
    await first.register({ contacts: [a] });
    const forced = await second.register({ contacts: [b], headers: [FORCE] });
    assert.equal(forced.status, 200);
    assert.equal(await first.closed, 4001);
    assert.deepEqual(first.received, []);
    const again = await world.connect({ name: "again", url: here.url });
    assert.equal((await again.register({ contacts: [a] })).status, 403);
    assert.equal((await world.server.bindings()).length, 1);
  },
);

gracefulTest(
  "strangers get nothing from the nodes' port",
  two,
  async (world) => {
    const [here] = world.server.nodes;
    const port = here.clusterPort;
    await assert.rejects(
      world.connect({ url: `ws://${here.host}:${port}/` }),
      /404/,
    );
  },
);
