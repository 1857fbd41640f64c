/**
 * The edge's clients are strangers to it: the back end believes the edge, so nothing that a client
 * writes may lead the back end, or the edge itself, to a place of the client's choice.
 */
import assert from "node:assert/strict";
import { Call } from "../support/call.mjs";
import { FORCE, contact, instance } from "../support/contacts.mjs";
import { edge } from "../support/edge.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { Trap } from "../support/trap.mjs";

const BOB = "sip:2002@example.test";
const nobody = { nodes: [] };

/**
 * Everybody who heard something other than what a friend says last, by whom it was.
 * @param {any} world
 * @param {any} victim
 */
async function heardBy(world, victim) {
  const friend = await world.connect({ name: "friend" });
  assert.equal((await friend.request("MESSAGE", victim.aor)).status, 200);
  return victim.received.map((/** @type {any} */ { method, headers }) =>
    [method, new Map(headers).get("User-Agent")].join(" "),
  );
}

/** @param {any} world */
async function victimOf(world) {
  const victim = await world.connect({ name: "victim", user: "2002" });
  const own = contact("v", { instance: instance("b") });
  await victim.register({ contacts: [own], headers: [FORCE] });
  return victim;
}

gracefulTest(
  "the way of a REGISTER is the edge's alone",
  nobody,
  async (world) => {
    const backEnd = await edge(world);
    const trap = await Trap.set(world);
    const [node] = world.server.nodes;
    const client = await world.connect();
    const here = `sip:${node.host}:${node.clusterPort};transport=tcp;lr`;
    for (const [name, value] of [
      ["Path", `<sip:${trap.address};lr>`],
      ["Path", `<${here};flow=127.0.0.1~1~ws~1~0>`],
      ["path", `<sip:${trap.address};lr>, <sip:${trap.address};lr>`],
      ["Route", `<sip:${trap.address};transport=tcp;lr>`],
      ["Record-Route", `<sip:${trap.address};transport=tcp;lr>`],
    ]) {
      const answer = await client.register({
        contacts: [contact("a")],
        headers: [FORCE, [name, value]],
      });
      assert.equal(answer.status, 200);
      assert.match(
        answer.header("X-Seen-Path"),
        /^<sip:127\.0\.0\.1:\d+;transport=tcp;lr;flow=127\.0\.0\.1~\d+~ws~\d+~[0-9a-f]{32}>$/,
        name,
      );
      assert.equal(answer.header("X-Seen-Way"), "<null><null>", name);
    }
    assert.equal((await backEnd.bindings("2001")).length, 1);
    assert.deepEqual(await heardBy(world, client), ["MESSAGE friend"]);
    assert.deepEqual(await trap.caught(), []);
  },
);

gracefulTest(
  "no Route leads the back end to where a client wants",
  nobody,
  async (world) => {
    const backEnd = await edge(world);
    const trap = await Trap.set(world);
    const [node] = world.server.nodes;
    const stranger = await world.connect({ name: "stranger" });
    const own = `<sip:${node.host}:${node.port};transport=ws;lr>`;
    const theirs = `<sip:127.0.0.1:${new URL(backEnd.url).port};transport=tcp;lr>`;
    for (const evil of [
      `<sip:${trap.address};transport=tcp;lr>`,
      `<sip:${trap.address};transport=udp;lr>`,
      `<sip:x@${trap.address};transport=tcp;lr>`,
      `<sip:127.0.0.1:${new URL(backEnd.url).port}@${trap.address};transport=tcp;lr>`,
      `"x, <${theirs}" <sip:${trap.address};transport=tcp;lr>`,
    ])
      for (const routes of [
        [evil],
        [own, evil],
        [own, theirs, evil],
        [`${own}, ${theirs}, ${evil}`],
        [`${own}, ${theirs},, ${evil}`],
        [`${own}`, `${theirs},,${evil}`],
        [own, `,${evil}`],
        [theirs, evil],
      ])
        for (const method of ["MESSAGE", "INFO", "BYE"])
          await stranger.send(method, BOB, {
            toTag: "forged",
            headers: routes.map((route) => ["Route", route]),
          });
    assert.deepEqual(await trap.caught(), []);
  },
);

gracefulTest(
  "nobody guesses the connection of another's phone",
  nobody,
  async (world) => {
    const backEnd = await edge(world);
    const [node] = world.server.nodes;
    const victim = await victimOf(world);
    const { localPort } = victim.socket._socket;
    const theirs = `<sip:127.0.0.1:${new URL(backEnd.url).port};transport=tcp;lr>`;
    const stranger = await world.connect({ name: "stranger" });
    const here = `sip:x@${node.host}:${node.clusterPort};transport=tcp`;
    const flow = `127.0.0.1~${localPort}~ws`;
    const guesses = [
      `;alias=127.0.0.1~${localPort}~5`,
      `;received=sip:127.0.0.1:${localPort}%3Btransport%3Dws`,
      ...["1", "2", "3", "4"].flatMap((connection) => [
        `;flow=${flow}~${connection}`,
        `;flow=${flow}~${connection}~`,
        `;flow=${flow}~${connection}~${"0".repeat(32)}`,
      ]),
    ];
    for (const guess of guesses)
      for (const options of /** @type {import("../../interop/support/sip-client.mjs").RequestOptions[]} */ ([
        { toTag: "forged", headers: [["Route", theirs]] },
        {
          toTag: "forged",
          headers: [["Route", `${theirs}, <${here};lr${guess}>`]],
        },
        {},
      ]))
        for (const uri of [here, "sip:x@127.0.0.1:9;transport=tcp"])
          await stranger.send("MESSAGE", uri + guess, options);
    assert.deepEqual(await heardBy(world, victim), ["MESSAGE friend"]);
  },
);

/**
 * The call, accepted.
 * @param {Call} call
 * @param {any} callee
 */
async function standing(call, callee) {
  callee.respond = (/** @type {any} */ { method }) => ({
    status: 200,
    headers:
      method === "INVITE"
        ? [["Contact", "<sip:v@v.invalid;transport=ws>"]]
        : [],
  });
  call.accepted = await call.invite();
  assert.equal(call.accepted.status, 200);
  await call.ack();
  await callee.incoming("ACK");
}

gracefulTest(
  "what a far end has learnt in a call leads to the phone in that call alone",
  nobody,
  async (world) => {
    const backEnd = await edge(world);
    const victim = await victimOf(world);
    const caller = await world.connect({ name: "caller" });
    const call = new Call(caller, BOB);
    // What the way of a REGISTER is signed for.
    call.callId = "path";
    await standing(call, victim);
    assert.equal((await call.request("INFO")).status, 200);
    const [{ uri }] = call.accepted.contacts;
    assert.match(uri, /;flow=/);
    const other = await world.connect({ name: "other" });
    const routes = call.accepted.all("Record-Route").reverse();
    for (const says of [
      { callId: "another" },
      { callId: "another", toTag: "forged" },
      { callId: `${call.callId}0`, toTag: "forged" },
    ])
      await other.send("MESSAGE", uri, {
        to: BOB,
        headers: routes.map((/** @type {string} */ route) => ["Route", route]),
        ...says,
      });
    // As if it stood in the victim's Path.
    const [node] = world.server.nodes;
    const flow = /;flow=[^;>]+/.exec(uri)?.[0];
    for (const callId of ["another", "path"])
      await other.send("MESSAGE", "sip:x@127.0.0.1:9;transport=tcp", {
        callId,
        toTag: "forged",
        headers: [
          [
            "Route",
            `<sip:127.0.0.1:${new URL(backEnd.url).port};transport=tcp;lr>`,
          ],
          [
            "Route",
            `<sip:${node.host}:${node.clusterPort};transport=tcp;lr${flow}>`,
          ],
        ],
      });
    assert.deepEqual(await heardBy(world, victim), [
      "INVITE caller",
      "ACK caller",
      "INFO caller",
      "MESSAGE friend",
    ]);
  },
);
