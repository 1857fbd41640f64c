/**
 * Anybody may write any sender on a datagram: what one costs the node, and what it has sent to
 * somebody who asked for nothing.
 */
import assert from "node:assert/strict";
import { freePort } from "../support/ports.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { Wire } from "../support/wire.mjs";

/** @param {any} world */
async function listener(world) {
  const port = await freePort();
  const node = await world.server.add({ listen: [`udp:127.0.0.1:${port}`] });
  return { node, server: { host: node.host, port } };
}

/**
 * As short as it goes.
 * @param {Wire} wire
 * @param {string} method
 * @param {string} id
 * @param {string[]} [headers]
 */
const request = (wire, method, id, headers = []) => [
  `${method} sip:example.test SIP/2.0`,
  `v:${wire.via} x;branch=z9hG4bK${id};rport`,
  "f:<sip:2001@example.test>;tag=1",
  "t:<sip:2001@example.test>",
  `i:${id}`,
  `CSeq:1 ${method}`,
  ...headers,
  "l:0",
  "",
  "",
];

const METHODS = ["REGISTER", "INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE"];

gracefulTest(
  "a stranger's datagram costs no memory that stays, and brings one answer of about its size",
  { nodes: [] },
  async (world) => {
    const { node, server } = await listener(world);
    const wire = await Wire.open(world, "udp", server);
    const credentials =
      'Digest username="2001", realm="example.test", nonce="0", uri="sip:example.test", response="0"';
    for (const method of METHODS)
      for (const headers of [
        [],
        [`Authorization: ${credentials}`],
        [`Proxy-Authorization: ${credentials}`],
      ]) {
        const id = `${method}-${headers[0]?.[0] ?? 0}`;
        const question = request(wire, method, id, headers).join("\r\n");
        wire.send(question);
        await wire.answer(`i:${id}\r\n`);
        await wire.settled();
        const answers = wire.heard.filter((text) => text.includes(id));
        assert.equal(answers.length, 1, id);
        // Two challenges, for those whose digest is not the newest.
        const most = headers.length > 0 ? 2.5 : 4;
        assert.ok(answers[0].length < most * question.length, answers[0]);
      }
    assert.match(await node.rpc("tm.stats"), /\bcreated: 0\n/);
  },
);
