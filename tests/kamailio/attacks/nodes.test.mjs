/**
 * What one node says to another nobody else can say: not at the nodes' port, not by the way of a
 * node, not by an address that a URI or a header names.
 */
import assert from "node:assert/strict";
import { shownLine } from "../support/call.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { Trap } from "../support/trap.mjs";
import { Watcher } from "../support/watcher.mjs";
import { Wire } from "../support/wire.mjs";

const two = {
  accounts: ["2001", "2002", "2003"].map((user) => ({ user })),
  nodes: [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
};

/** The victim, on the second node, and how its connection is called there. @param {any} world */
async function victimOf(world) {
  const [, there] = world.server.nodes;
  const victim = await world.connect({
    name: "victim",
    user: "2002",
    url: there.url,
  });
  const own = contact("v", { instance: instance("b") });
  assert.equal((await victim.register({ contacts: [own] })).status, 200);
  const [binding] = await world.server.bindings("2002");
  const [host, port, connection] = binding.flow.split(":");
  return {
    victim,
    address: `${host}:${port}`,
    alias: `${host}~${port}~5`,
    connection,
  };
}

/** What the victim heard until somebody who may wrote to it. @param {any} world @param {any} victim */
async function heardBy(world, victim) {
  const [here] = world.server.nodes;
  const friend = await world.connect({
    name: "friend",
    user: "2003",
    url: here.url,
  });
  assert.equal((await friend.request("MESSAGE", victim.aor)).status, 200);
  return victim.received.map(
    (/** @type {any} */ { method, headers }) =>
      `${method} ${new Map(headers).get("User-Agent")}`,
  );
}

/**
 * A request as one node sends it to another.
 * @param {string} method
 * @param {string} uri
 * @param {string[]} [headers]
 */
const forged = (method, uri, headers = []) => [
  `${method} ${uri} SIP/2.0`,
  `Via: SIP/2.0/TCP 127.0.0.2:5070;branch=z9hG4bK${Math.random()}`,
  "Max-Forwards: 69",
  'From: "Boss" <sip:boss@example.test>;tag=1',
  "To: <sip:2002@example.test>",
  `Call-ID: forged-${method}-${Math.random()}`,
  `CSeq: 1 ${method}`,
  "Event: service-control",
  ...headers,
  "Content-Length: 0",
  "",
  "",
];

gracefulTest(
  "the nodes' port hears no request without a node's proof",
  two,
  async (world) => {
    const [, there] = world.server.nodes;
    const { victim, address, alias, connection } = await victimOf(world);
    const port = { host: there.host, port: there.clusterPort };
    const to = encodeURIComponent(
      `sip:${address};transport=ws;connection=${connection}`,
    );
    const now = Math.floor(Date.now() / 1000);
    for (const method of [
      "MESSAGE",
      "NOTIFY",
      "INVITE",
      "REGISTER",
      "BYE",
      "ACK",
      "CANCEL",
      "OPTIONS",
    ])
      for (const uri of [
        `sip:v@v.invalid;connection=${connection};alias=${alias}`,
        `sip:v@v.invalid;to=${to}`,
        `sip:${address};transport=ws`,
      ])
        for (const headers of [
          [],
          [`X-Graceline-Node: ${now};to=${to};mac=${"0".repeat(64)}`],
          [`X-Graceline-Node: ${now};to=${to};mac=`],
          [`X-Graceline-Node: ${now};to=${to}`],
          [`Route: <sip:${address};transport=ws;lr>`, "X-Graceline-Node: "],
        ]) {
          const wire = await Wire.open(world, "tcp", port);
          wire.send(forged(method, uri, headers));
          if (method !== "ACK" && method !== "CANCEL")
            assert.equal(
              (await wire.answer(`CSeq: 1 ${method}`)).status,
              403,
              uri,
            );
          else assert.equal((await wire.settled()).status, 403);
          wire.end();
        }
    assert.deepEqual(await heardBy(world, victim), ["MESSAGE friend"]);
    assert.equal(victim.socket.readyState, victim.socket.OPEN);
  },
);

/** How a URI could name a connection, or a listener. @param {string} alias */
const names = (alias, connection = "1") => [
  `;alias=${alias}`,
  `;ALIAS=${alias}`,
  `;%61lias=${alias}`,
  `;connection=${connection};alias=${alias}`,
  `;to=${encodeURIComponent(`sip:${alias.replace("~", ":").replace(/~.*/, "")};connection=${connection}`)}`,
  `;received=${encodeURIComponent(`sip:${alias.replace("~", ":").replace(/~.*/, "")}`)}`,
  `;maddr=127.0.0.1;alias=${alias}`,
];

gracefulTest(
  "no URI of a user leads another node to an address, or to another's connection",
  two,
  async (world) => {
    const [here, there] = world.server.nodes;
    const trap = await Trap.set(world);
    const { victim, alias, connection } = await victimOf(world);
    const mallory = await world.connect({ name: "mallory", url: there.url });
    const friend = await world.connect({
      name: "near",
      user: "2003",
      url: here.url,
    });
    const ways = [
      ...names(`127.0.0.1~${trap.port}~2`),
      ...names(`127.0.0.1~${trap.port}~1`),
      ...names(alias, connection),
    ];
    for (const [index, way] of ways.entries()) {
      // At REGISTER.
      const own = `<sip:m@127.0.0.1:${trap.port}${way}>;+sip.instance="<${instance("a")}>"`;
      assert.equal(
        (await mallory.register({ contacts: [own] })).status,
        200,
        way,
      );
      assert.equal(
        (await friend.request("MESSAGE", mallory.aor, { body: way })).status,
        200,
        way,
      );
      const messages = mallory.received.filter(
        ({ method }) => method === "MESSAGE",
      );
      assert.equal(messages.length, index + 1, way);
      // The line, where the sender may write what it likes around it.
      const line = await shownLine(mallory);
      for (const uri of [
        `sip:q@nowhere.invalid${way};line=${line}`,
        `sip:q@nowhere.invalid;line=${line}${way}`,
        `sip:127.0.0.1:${trap.port}${way};line=${line}`,
      ])
        assert.equal((await friend.request("OPTIONS", uri)).status, 200, uri);
    }
    // At SUBSCRIBE: who tells of a change is the other node.
    for (const way of ways) {
      const watcher = new Watcher(mallory);
      const answer = await mallory.request("SUBSCRIBE", mallory.aor, {
        callId: watcher.callId,
        headers: [
          ["Event", "reg"],
          ["Contact", `<sip:w@127.0.0.1:${trap.port}${way}>`],
        ],
      });
      assert.equal(answer.status, 200, way);
      await watcher.notify(1);
      const elsewhere = await world.connect({
        name: "elsewhere",
        url: here.url,
      });
      const second = contact("e", { device: "E", instance: instance("e") });
      await elsewhere.register({ contacts: [second] });
      await watcher.notify(2);
      await elsewhere.register({ contacts: [second.concat(";expires=0")] });
      await watcher.notify(3);
      await elsewhere.terminate();
    }
    assert.deepEqual(await trap.caught(), []);
    assert.deepEqual(await heardBy(world, victim), ["MESSAGE friend"]);
  },
);
