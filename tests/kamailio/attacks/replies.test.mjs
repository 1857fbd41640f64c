/**
 * A reply goes where its second Via says. Nobody may send bytes to whomever they like that way:
 * not a stranger, not a user, over no transport, at no port, through no configuration.
 */
import assert from "node:assert/strict";
import { freePort } from "../support/ports.mjs";
import { contact } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { Trap } from "../support/trap.mjs";
import { Wire } from "../support/wire.mjs";

/** @typedef {import("../support/wire.mjs").Transport} Transport */
const TRANSPORTS = /** @type {Transport[]} */ (["ws", "tcp", "udp"]);

/**
 * A reply to nothing, on its way to somebody.
 * @param {Wire} wire
 * @param {string} via of the next hop
 * @param {{ status?: string, method?: string, body?: string }} [says]
 */
function stray(
  wire,
  via,
  { status = "200 OK", method = "OPTIONS", body } = {},
) {
  const text = body ?? "\r\nSET pwned yes\r\n";
  return [
    `SIP/2.0 ${status}`,
    `Via: ${wire.via} ${wire.server.host}:${wire.server.port};branch=z9hG4bK1.0;rport`,
    `Via: ${via};branch=z9hG4bK2`,
    "From: <sip:x@example.test>;tag=1",
    "To: <sip:x@example.test>;tag=2",
    `Call-ID: stray-${wire.transport}`,
    `CSeq: 1 ${method}`,
    `Content-Length: ${text.length}`,
    "",
    text,
  ];
}

/**
 * All that a stranger could try at one port.
 * @param {any} world
 * @param {Transport} transport
 * @param {{ host: string, port: number }} server
 * @param {Trap} trap
 */
async function tryAll(world, transport, server, trap) {
  const wire = await Wire.open(world, transport, server);
  const { port } = trap;
  for (const via of [
    `SIP/2.0/TCP ${trap.address}`,
    `SIP/2.0/UDP ${trap.address}`,
    `SIP/2.0/TCP nowhere.invalid;received=127.0.0.1;rport=${port}`,
    `SIP/2.0/UDP nowhere.invalid;received=127.0.0.1;rport=${port}`,
    `SIP/2.0/TCP nowhere.invalid:${port};maddr=127.0.0.1`,
    `SIP/2.0/TCP 127.0.0.1:${port};i=1`,
    `SIP/2.0/WS 127.0.0.1:${port}`,
  ])
    for (const says of [
      {},
      { status: "180 Ringing", method: "INVITE" },
      { status: "200 OK", method: "INVITE" },
      { status: "404 Not Found", method: "NOTIFY" },
      { status: "487 Request Terminated", method: "CANCEL" },
    ])
      wire.send(stray(wire, via, says));
  return wire;
}

for (const config of ["kamailio.cfg", "edge.cfg"])
  for (const transport of TRANSPORTS)
    gracefulTest(
      `${config}: no reply of a stranger is sent on (${transport})`,
      { nodes: [] },
      async (world) => {
        const trap = await Trap.set(world);
        const port = await freePort();
        const listen = [`udp:127.0.0.1:${port}`, `tcp:127.0.0.1:${port}`];
        const node = await world.server.add({ config, listen });
        const server = { host: node.host, port };
        const wire = await tryAll(world, transport, server, trap);
        assert.equal((await wire.settled()).status, 200);
        assert.deepEqual(await trap.caught(), []);
        // Redis, without a password, is where the trap was.
        const redis = `SIP/2.0/TCP 127.0.0.1:${world.server.redis.port}`;
        wire.send(stray(wire, redis));
        await wire.settled();
        assert.equal(await world.server.redis.command(["GET", "pwned"]), "");
      },
    );

gracefulTest(
  "no reply of a user is sent on, and none comes in at the nodes' port",
  {},
  async (world) => {
    const [here] = world.server.nodes;
    const trap = await Trap.set(world);
    const user = await world.connect();
    await user.register({ contacts: [contact("a")] });
    const server = { host: here.host, port: here.port };
    const wire = /** @type {any} */ ({
      via: "SIP/2.0/WS",
      server,
      transport: "ws",
    });
    user.socket.send(stray(wire, `SIP/2.0/TCP ${trap.address}`).join("\r\n"));
    assert.equal((await user.query()).length, 1);
    assert.deepEqual(await trap.caught(), []);
    // From an address of the peers, which a proxy on their host has, too.
    const node = { host: here.host, port: here.clusterPort };
    const peer = await tryAll(world, "tcp", node, trap);
    await peer.settled();
    assert.deepEqual(await trap.caught(), []);
  },
);

for (const nodes of [
  [{ name: "a" }],
  [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
])
  gracefulTest(
    `only who was asked answers: ${nodes.length} nodes`,
    { accounts: ["2001", "2002", "2003"].map((user) => ({ user })), nodes },
    async (world) => {
      const [here] = world.server.nodes;
      const there = world.server.nodes[nodes.length - 1];
      const alice = await world.connect({ name: "alice", url: here.url });
      const bob = await world.connect({
        name: "bob",
        user: "2002",
        url: there.url,
      });
      const mallory = await world.connect({
        name: "mallory",
        user: "2003",
        url: there.url,
      });
      for (const client of [alice, bob, mallory])
        await client.register({ contacts: [contact(client.name)] });
      const stranger = await Wire.open(world, "tcp", there);
      // Even with all that the request has; towards each node that it came by.
      let status = 0;
      bob.respond = (request) => {
        const vias = request.all("Via");
        for (const from of [0, 1])
          for (const [code, reason] of [
            [180, "Ringing"],
            [200, "OK"],
            [486, "Busy Here"],
          ]) {
            const forged = [
              `SIP/2.0 ${code} ${reason}`,
              ...vias.slice(from).map((via) => `Via: ${via}`),
              ...["From", "To", "Call-ID", "CSeq"].map(
                (name) =>
                  `${name}: ${request.header(name)}${name === "To" ? ";tag=forged" : ""}`,
              ),
              "Content-Length: 0",
              "",
              "",
            ];
            stranger.send(forged);
            mallory.socket.send(forged.join("\r\n"));
          }
        return undefined;
      };
      for (const method of ["MESSAGE", "INVITE"]) {
        status += 1;
        const answer = alice.request(method, "sip:2002@example.test", {
          headers: [["Contact", "<sip:a@a.invalid>"]],
        });
        const asked = await bob.incoming(method);
        await stranger.settled();
        await mallory.query();
        bob.answer(asked, { status: 480 + status, reason: "Mine" });
        assert.equal((await answer).status, 480 + status);
      }
      assert.ok(
        world.transcript.entries.every(
          ({ who, text }) => who !== "alice" || !text.includes("tag=forged"),
        ),
      );
    },
  );
