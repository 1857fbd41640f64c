/**
 * Requests that lead back to where they came from, or are as large as they may be, cost what any other
 * costs: they go once, to those who are registered, and the node serves the next one.
 */
import assert from "node:assert/strict";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { Watcher } from "../support/watcher.mjs";
import { Wire } from "../support/wire.mjs";

const two = {
  nodes: [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
};

/** How many transactions the nodes have made. @param {any} world */
async function transactions(world) {
  let sum = 0;
  for (const node of world.server.nodes)
    sum += Number(/created: (\d+)/.exec(await node.rpc("tm.stats"))?.[1]);
  return sum;
}

gracefulTest(
  "what leads back to its sender, or to a node, goes no further",
  two,
  async (world) => {
    const [here, there] = world.server.nodes;
    const client = await world.connect({ url: here.url });
    const own = contact("a", { instance: instance("a") });
    await client.register({ contacts: [own] });
    const before = await transactions(world);
    let sent = 0;
    for (const method of ["MESSAGE", "REFER", "OPTIONS", "INFO"])
      for (const uri of [
        client.aor,
        `sip:2001@${here.host}:${here.port}`,
        `sip:2001@${here.host}:${here.clusterPort};transport=tcp`,
        `sip:2001@${there.host}:${there.clusterPort};transport=tcp`,
        `sip:2001@example.test:${there.clusterPort}`,
        "sip:a@a.invalid;transport=ws",
      ]) {
        sent++;
        await client.send(method, uri, {
          headers: [["Refer-To", `<${client.aor}>`]],
        });
      }
    // Each at most once at this node, and none at the other.
    assert.ok((await transactions(world)) - before <= sent);
    assert.equal(
      client.received.length,
      client.received.filter(
        ({ requestUri }) => requestUri === "sip:a@a.invalid;transport=ws",
      ).length,
    );
    assert.ok(client.received.length >= 4);
    for (const { headers } of client.received) {
      const hops = Number(new Map(headers).get("Max-Forwards"));
      assert.ok(hops === 69 || hops === 70, `${hops}`);
    }
  },
);

gracefulTest(
  "Max-Forwards: what has gone far enough ends here, and nobody sends anything further than 70 hops",
  {},
  async (world) => {
    const [node] = world.server.nodes;
    const bob = await world.connect({ name: "bob", user: "2002" });
    await bob.register({ contacts: [contact("b")] });
    const alice = await world.connect({ name: "alice" });
    await alice.register({ contacts: [contact("a")] });
    const { localPort } = /** @type {any} */ (alice.socket)._socket;
    const said = [];
    for (const hops of ["0", "1", "255", "4294967296", "-1", "x", ""]) {
      const id = `hops-${hops}`;
      alice.socket.send(
        [
          `MESSAGE ${bob.aor} SIP/2.0`,
          `Via: SIP/2.0/WS 127.0.0.1:${localPort};branch=z9hG4bK${id}`,
          `Max-Forwards: ${hops}`,
          `From: <${alice.aor}>;tag=1`,
          `To: <${bob.aor}>`,
          `Call-ID: ${id}`,
          "CSeq: 1 MESSAGE",
          "Content-Length: 0",
          "",
          "",
        ].join("\r\n"),
      );
      said.push(id);
    }
    assert.equal(
      (await alice.send("OPTIONS", `sip:${node.host}:${node.port}`)).status,
      200,
    );
    assert.equal((await alice.send("MESSAGE", bob.aor)).status, 200);
    for (const { headers } of bob.received)
      assert.ok(Number(new Map(headers).get("Max-Forwards")) <= 70);
    assert.ok(!bob.received.some((one) => one.header("Call-ID") === "hops-0"));
  },
);

gracefulTest(
  "messages as large as they may be, and made to be slow to read, hold nobody up",
  {},
  async (world) => {
    const [node] = world.server.nodes;
    const bob = await world.connect({ name: "bob", user: "2002" });
    await bob.register({ contacts: [contact("b")] });
    const odd = [
      "a".repeat(30_000),
      "<".repeat(30_000),
      ",".repeat(30_000),
      ";a".repeat(15_000),
      '"'.repeat(30_001),
      'devicename.ccm.cisco.com = "'.repeat(1_000),
      ";dialog=0".repeat(3_000),
      ", gruu".repeat(5_000),
      "\\".repeat(30_000),
      "%00".repeat(10_000),
    ];
    const names = [
      "Contact",
      "Route",
      "Supported",
      "From",
      "To",
      "Event",
      "Require",
      "Reason",
      "Authorization",
    ];
    const alice = await world.connect({ name: "alice" });
    const began = performance.now();
    for (const transport of /** @type {const} */ (["ws", "tcp"]))
      for (const text of odd)
        for (const name of names) {
          // What cannot be read at all ends its connection.
          const wire = await Wire.open(world, transport, node);
          for (const method of ["REGISTER", "SUBSCRIBE"])
            wire.send([
              `${method} sip:example.test SIP/2.0`,
              `Via: ${wire.via} ${wire.local};branch=z9hG4bK${Math.random()}`,
              ...(name === "From"
                ? []
                : ["From: <sip:2001@example.test>;tag=1"]),
              ...(name === "To" ? [] : ["To: <sip:2001@example.test>"]),
              `Call-ID: ${Math.random()}`,
              `CSeq: 1 ${method}`,
              `${name}: ${text}`,
              "Content-Length: 0",
              "",
              "",
            ]);
        }
    assert.equal((await alice.request("MESSAGE", bob.aor)).status, 200);
    assert.ok(performance.now() - began < 20_000);
    assert.deepEqual(
      bob.received.map(({ method }) => method),
      ["MESSAGE"],
    );
  },
);

gracefulTest(
  "what Kamailio's own requests are made of is the client's word, and nothing of the node's is put into it",
  {},
  async (world) => {
    const client = await world.connect();
    await client.register({
      contacts: [contact("a", { instance: instance("a") })],
    });
    const watcher = new Watcher(client);
    watcher.callId = "!!-call!!";
    watcher.fromTag = "!!tag";
    assert.equal((await watcher.subscribe(60)).status, 200);
    const { notify } = await watcher.notify(1);
    assert.match(notify.header("To"), /;tag=!!tag$/);
  },
);
