/**
 * A connection that is gone takes its binding with it at once, however it went; a client in a call
 * may come back.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";
import { eventually } from "../interop/support/eventually.mjs";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { Call } from "./support/call.mjs";
import { contact, instance } from "./support/contacts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });
const PERSISTS = /** @type {[string, string]} */ ([
  "Supported",
  "X-cisco-sessionpersist",
]);

/**
 * @param {any} world
 * @param {number} milliseconds
 */
const lineIsFree = ({ server }, milliseconds) =>
  eventually(
    "the line to be free",
    async () => (await server.bindings()).length === 0,
    milliseconds,
  );

const endings = /** @type {const} */ ({
  "a close frame": (/** @type {any} */ client) => client.close(),
  "a FIN without one": async (/** @type {any} */ client) => {
    client.socket._socket.end();
    await client.closed;
  },
  "a reset": async (/** @type {any} */ client) => {
    client.socket._socket.resetAndDestroy();
    await client.closed;
  },
});

for (const [how, end] of Object.entries(endings))
  gracefulTest(`the line is free after ${how}`, {}, async (world) => {
    const client = await world.connect();
    await client.register({ contacts: [a] });
    await end(client);
    await lineIsFree(world, 2_000);
    const next = await world.connect({ name: "next" });
    assert.equal((await next.register({ contacts: [b] })).status, 200);
  });

gracefulTest(
  "a crowd that goes at one instant frees all its lines",
  { accounts: ["2001", "2002", "2003"].map((user) => ({ user })) },
  async (world) => {
    const users = Object.keys(world.server.passwords);
    const bound = async () => {
      const lists = users.map((user) => world.server.bindings(user));
      return (await Promise.all(lists)).flat().length;
    };
    const clients = [];
    for (let index = 0; index < 150; index++) {
      const user = users[index % users.length];
      const client = await world.connect({ name: `client-${index}`, user });
      await client.register({
        contacts: [contact(`c${index}`, { device: `D${index}` })],
      });
      clients.push(client);
    }
    assert.equal(await bound(), 150);
    await Promise.all(clients.map((client) => client.terminate()));
    await eventually(
      "the lines to be free",
      async () => (await bound()) === 0,
      2_000,
    );
  },
);

gracefulTest(
  "the line is free after a client stopped answering",
  {
    nodes: [{ settings: { PING_SECONDS: 1 } }],
  },
  async (world) => {
    // Reads nothing any more: a machine without power, as far as the server can see.
    const client = await world.connect();
    await client.register({ contacts: [a] });
    const { _socket: raw } = /** @type {any} */ (client.socket);
    raw.pause();
    await lineIsFree(world, 10_000);
  },
);

gracefulTest(
  "a page that closes frees the line for the next",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    const bob = new PhoneUnderTest(world, "bob");
    await alice.register();
    alice.Socket.unplug();
    await lineIsFree(world, 2_000);
    await bob.register();
  },
);

gracefulTest(
  "a lost client in a call may come back within the grace",
  {},
  async (world) => {
    const alice = await world.connect({ name: "alice" });
    const bob = await world.connect({ name: "bob", user: "2002" });
    await alice.register({ contacts: [a], headers: [PERSISTS] });
    await bob.register({ contacts: [b] });
    const call = await Call.start(bob, "sip:2001@example.test", alice);

    const before = Date.now();
    await alice.terminate();
    const [held] = await eventually("the binding to be held", async () => {
      const bindings = await world.server.bindings();
      return bindings[0]?.held && bindings;
    });
    // That it ends then, functions.test.mjs shows.
    const ends = Number(held.held) - 12_000;
    assert.ok(ends >= before && ends <= Date.now(), `${ends - before} ms`);
    // Nobody else gets the line meanwhile.
    const rival = await world.connect({ name: "rival" });
    assert.equal((await rival.register({ contacts: [b] })).status, 403);

    // The same client comes back from a new address, and the call goes on: the other side's BYE
    // reaches it there, though it was told of no new target.
    const back = await world.connect({ name: "back" });
    const moved = contact("a", { instance: instance("a") }).replace(
      "a.invalid",
      "new.invalid",
    );
    assert.equal(
      (await back.register({ contacts: [moved], headers: [PERSISTS] })).status,
      200,
    );
    const [binding] = await world.server.bindings();
    assert.equal(binding.held, undefined);
    assert.equal((await call.request("BYE")).status, 200);
    await back.incoming("BYE");
  },
);

gracefulTest(
  "a lost client in a call that announced no persistency holds no line",
  {},
  async (world) => {
    const alice = await world.connect({ name: "alice" });
    const bob = await world.connect({ name: "bob", user: "2002" });
    await alice.register({ contacts: [a] });
    await bob.register({ contacts: [b] });
    await Call.start(bob, "sip:2001@example.test", alice);
    await alice.terminate();
    await lineIsFree(world, 2_000);
  },
);

gracefulTest(
  "who calls a client that is gone is told so once",
  {},
  async (world) => {
    // As a page that controls a desk phone: it has no binding that would be asked for.
    const alice = await world.connect({ name: "alice" });
    const bob = await world.connect({ name: "bob", user: "2002" });
    await bob.register({ contacts: [b] });
    const call = await Call.start(alice, "sip:2002@example.test", bob);
    await alice.terminate();
    const before = world.transcript.length;
    // By the server's failure to send, or by its word that nobody is there once it knows.
    const { status } = await Call.hangUp(bob, call);
    assert.ok(status === 500 || status === 480, `${status}`);
    await bob.register({ contacts: [b] });
    const answers = world.transcript.entries
      .slice(before)
      .filter(({ text }) => /^SIP[^]*\nCSeq: \d+ BYE\r/.test(text));
    assert.equal(answers.length, 1);
  },
);

gracefulTest("pages of strangers cannot connect", {}, async (world) => {
  const socket = new WebSocket(world.server.url, "sip", {
    origin: "http://localhost.attacker.example",
  });
  const [error] = await once(socket, "error");
  assert.match(String(error), /403/);
});
