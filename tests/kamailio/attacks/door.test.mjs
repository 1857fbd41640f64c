/**
 * A message that two parsers could read differently gets no further than the door: smuggled in it,
 * another one would reach another node, or a phone, as if it came from there.
 */
import assert from "node:assert/strict";
import { freePort } from "../support/ports.mjs";
import { contact } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { Wire } from "../support/wire.mjs";

/** @typedef {import("../support/wire.mjs").Transport} Transport */

/** What could be smuggled: whoever saw it would answer, or ring. */
const SMUGGLED = [
  "MESSAGE sip:2002@example.test SIP/2.0",
  "Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKsmuggled",
  "From: <sip:boss@example.test>;tag=1",
  "To: <sip:2002@example.test>",
  "Call-ID: smuggled",
  "CSeq: 1 MESSAGE",
  "Max-Forwards: 70",
  "Content-Length: 0",
  "",
  "",
].join("\r\n");
const LENGTH = Buffer.byteLength(SMUGGLED);

/**
 * Headers, further ones and the way they end, and a body: each to be refused.
 * @type {Record<string, { headers: string[], body?: string, anywhere?: boolean }>}
 */
const AMBIGUOUS = {
  "a folded line": { headers: ["X-A: b\r\n c", "Content-Length: 0"] },
  "a folded line, by a tab": {
    headers: ["X-A: b\r\n\tc", "Content-Length: 0"],
  },
  "a folded Content-Length": {
    headers: [`X-A: b\r\n Content-Length: 0`, `Content-Length: ${LENGTH}`],
    body: SMUGGLED,
  },
  "a Content-Length whose value is folded": {
    headers: [`Content-Length:\r\n ${LENGTH}`],
    body: SMUGGLED,
  },
  "a line of white space before the end": {
    headers: ["Content-Length: 0\r\n "],
  },
  "a bare LF": { headers: ["X-A: b\nContent-Length: 0", "Content-Length: 0"] },
  "a bare CR": { headers: ["X-A: b\rContent-Length: 0", "Content-Length: 0"] },
  "a bare CR before the end": { headers: ["X-A: b\r", "Content-Length: 0"] },
  "NUL in a value": { headers: ["X-A: b\0c", "Content-Length: 0"] },
  "NUL, and a folded line behind it": {
    headers: ["X-A: \0", "X-B: c\r\n d", "Content-Length: 0"],
  },
  "NUL at the end": { headers: ["Content-Length: 0", "X-A: b\0"] },
  "two Content-Lengths": {
    headers: ["Content-Length: 0", `Content-Length: ${LENGTH}`],
    body: SMUGGLED,
  },
  "two Content-Lengths, one compact": {
    headers: ["l: 0", `Content-Length: ${LENGTH}`],
    body: SMUGGLED,
  },
  "two equal Content-Lengths": { headers: ["Content-Length: 0", "L: 0"] },
  "a body longer than said": { headers: ["Content-Length: 0"], body: SMUGGLED },
  "a body shorter than said": {
    headers: ["Content-Length: 900"],
    body: "short",
  },
  "a length that is no number": { headers: ["Content-Length: 0x0"] },
  "a length with a sign": { headers: ["Content-Length: +0"] },
  "a length with more behind it": { headers: ["Content-Length: 0, 5"] },
  "two From": {
    headers: ["f: <sip:boss@example.test>;tag=2", "Content-Length: 0"],
  },
  "two To": { headers: ["t: <sip:boss@example.test>", "Content-Length: 0"] },
  "two Call-IDs": { headers: ["i: other", "Content-Length: 0"] },
  "two Events": {
    headers: ["Event: refer", "o: service-control", "Content-Length: 0"],
  },
};

/** Over TCP the length, or its lack, says where a message ends; what is left is another one's. */
const FRAMED = new Set([
  "a folded Content-Length",
  "a Content-Length whose value is folded",
  "two Content-Lengths",
  "two Content-Lengths, one compact",
  "a body longer than said",
  "a body shorter than said",
  "a length that is no number",
  "a length with a sign",
  "a length with more behind it",
]);

/**
 * @param {Wire} wire
 * @param {string} start
 * @param {string} method
 * @param {string} name
 */
const message = (wire, start, method, name) => [
  start,
  `Via: ${wire.via} ${wire.local};branch=z9hG4bK${Math.random()}`,
  "Max-Forwards: 70",
  `From: <sip:2001@example.test>;tag=${Math.random()}`,
  "To: <sip:2002@example.test>",
  `Call-ID: ${name}-${Math.random()}`,
  `CSeq: 1 ${method}`,
  ...AMBIGUOUS[name].headers,
  "",
  AMBIGUOUS[name].body ?? "",
];

for (const config of ["kamailio.cfg", "edge.cfg"])
  for (const transport of /** @type {Transport[]} */ (["ws", "tcp", "udp"]))
    gracefulTest(
      `${config}: what can be read in two ways is refused (${transport})`,
      { nodes: [] },
      async (world) => {
        const port = await freePort();
        const listen = [`udp:127.0.0.1:${port}`, `tcp:127.0.0.1:${port}`];
        const node = await world.server.add({ config, listen });
        const server = { host: node.host, port };
        for (const name of Object.keys(AMBIGUOUS)) {
          if (transport === "tcp" && FRAMED.has(name)) continue;
          for (const method of [
            "MESSAGE",
            "REGISTER",
            "INVITE",
            "OPTIONS",
            "CANCEL",
          ]) {
            const wire = await Wire.open(world, transport, server);
            wire.send(
              message(
                wire,
                `${method} sip:${server.host}:${port} SIP/2.0`,
                method,
                name,
              ),
            );
            await wire.settled();
            // Kamailio itself cannot even answer some of them.
            const answers = wire.heard
              .join("")
              .split(/(?=^SIP\/2\.0 )/m)
              .filter(
                (text) => !text.includes("OPTIONS") || method === "OPTIONS",
              )
              .map((text) => text.slice(8, 11));
            const last = method === "OPTIONS" ? ["200"] : [];
            const refused = answers.length > last.length ? ["400"] : [];
            assert.deepEqual(
              answers,
              [...refused, ...last],
              `${name}: ${method}`,
            );
            wire.end();
          }
        }
      },
    );

gracefulTest(
  "nothing is smuggled to another node, and no ambiguous answer passes",
  {
    accounts: ["2001", "2002"].map((user) => ({ user })),
    nodes: [
      { name: "a", host: "127.0.0.2" },
      { name: "b", host: "127.0.0.3" },
    ],
  },
  async (world) => {
    const [here, there] = world.server.nodes;
    const bob = await world.connect({
      name: "bob",
      user: "2002",
      url: there.url,
    });
    await bob.register({ contacts: [contact("b")] });
    const alice = await world.connect({ name: "alice", url: here.url });
    await alice.register({ contacts: [contact("a")] });
    const wire = /** @type {any} */ ({ via: "SIP/2.0/WS", local: "a.invalid" });
    for (const name of Object.keys(AMBIGUOUS)) {
      const lines = message(
        wire,
        "MESSAGE sip:2002@example.test SIP/2.0",
        "MESSAGE",
        name,
      );
      alice.socket.send(lines.join("\r\n"));
      assert.equal(
        (await alice.send("OPTIONS", "sip:example.test")).status,
        200,
      );
    }
    assert.equal((await alice.request("MESSAGE", bob.aor)).status, 200);
    assert.equal(bob.received.length, 1);
    // Answers of a callee.
    for (const name of Object.keys(AMBIGUOUS)) {
      bob.respond = (request) => {
        const { headers, body = "" } = AMBIGUOUS[name];
        const copied = ["Via", "From", "To", "Call-ID", "CSeq"].flatMap((key) =>
          request
            .all(key)
            .map((/** @type {string} */ value) => `${key}: ${value}`),
        );
        bob.socket.send(
          [
            "SIP/2.0 200 OK",
            ...copied,
            `X-Name: ${name}`,
            ...headers,
            "",
            body,
          ].join("\r\n"),
        );
        return { status: 486, reason: "Busy Here" };
      };
      const answer = await alice.request("MESSAGE", bob.aor);
      assert.equal(answer.status, 486, name);
    }
  },
);
