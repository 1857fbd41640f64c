// The CTI gateway and switches that talk nonsense on their link (docs/cti-link.md): what comes of
// that, and that nobody else is harmed.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { startGateway } from "graceline/gateway";
import { startRegistrar, startSwitch } from "graceline/testing";
import { CtiClient, inside } from "./support/cti-client.js";

const domain = "example.test";
const password = "secret";
const HELLO = '{"hello":1,"name":"Odd","features":["MakeCall"]}\n';

/** A switch that greets whom connects, and says this. */
async function odd(t, says) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.write(HELLO);
    socket.write(says);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `switch://127.0.0.1:${server.address().port}`;
}

/** A gateway to such switches, and to one that is in order. */
async function start(t, nonsense) {
  const registrar = await startRegistrar({
    users: { cti: { password }, 2001: { password } },
    domain,
  });
  t.after(() => registrar.stop());
  const sw = await startSwitch({ phones: { 2001: ["SEP01"] } });
  t.after(() => sw.stop());
  const urls = await Promise.all(nonsense.map((says) => odd(t, says)));
  const log = [];
  const watchers = new Set();
  const gateway = await startGateway({
    login: { connections: registrar.url, user: "cti", domain, password },
    connections: [...urls, sw.url],
    lines: { 2001: [{ device: "SEP01" }] },
    log: (entry) => {
      log.push(entry);
      for (const watch of [...watchers]) watch();
    },
  });
  t.after(() => gateway.stop());
  /** Resolves with what is logged of it. */
  const logged = (what) =>
    new Promise((resolve) => {
      const look = () => {
        const found = log.find(({ message }) => what.test(message));
        if (!found) return;
        watchers.delete(look);
        resolve(found);
      };
      watchers.add(look);
      look();
    });
  return { registrar, sw, urls, gateway, logged };
}

/** A page controls its phone by the switch that is in order. */
async function isServed(t, { registrar, gateway }) {
  const client = await CtiClient.connect(t, registrar, "2001");
  const { body } = await client.control();
  assert.equal(inside(body, "systemStatus"), "normal");
  assert.equal(gateway.connections.at(-1).sessions, 1);
}

test("a line that is no JSON object ends the link, and is told of", async (t) => {
  const all = await start(t, [
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    '[{"hello":1}]\n',
    `${"[".repeat(60_000)}\n`,
    "x".repeat(70_000),
    Buffer.from([0xff, 0xfe, 0x00, 0x0a]),
    "null\n",
  ]);
  const why = "The other end of the link sent a line that is no JSON object";
  for (const url of all.urls) {
    const { level } = await all.logged(new RegExp(`${url} is down: ${why}`));
    assert.equal(level, "warn");
  }
  await all.logged(new RegExp(`${all.sw.url} is up`));
  await isServed(t, all);
});

test("objects that make no sense are counted out, and the link goes on", async (t) => {
  const at = { line: "2001", device: "SEP01" };
  const objects = [
    {},
    { hello: "1" },
    { id: "1", result: {} },
    { id: -1, error: 5 },
    { call: null },
    { call: { ...at, id: 5, state: "ringing" } },
    { call: { ...at, id: "a", state: "asleep", remote: {} } },
    { call: { ...at, id: "a", state: "ringing", remote: [] } },
    { call: { ...at, id: "a".repeat(2000), state: "ringing", remote: {} } },
    { device: [at] },
    { device: { ...at, inService: "yes" } },
    { __proto__: null, constructor: {}, toString: 1 },
  ];
  const lines = objects.map((object) => `${JSON.stringify(object)}\n`);
  const answer = '{"id":424242,"result":{}}\n';
  const all = await start(t, [
    [...lines, '{"__proto__":{"call":{}}}\n', answer].join(""),
  ]);
  await all.logged(/connection 1: the switch has sent an answer to nothing/);
  await all.logged(new RegExp(`${all.sw.url} is up`));
  assert.equal(all.gateway.connections[0].state, "up");
});
