/**
 * HTTP at the ports for phones is the WebSocket's handshake, and nothing else: no path, method or
 * header reaches Kamailio's commands.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { contact } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

/**
 * The head of the answer.
 * @param {{ host: string, port: number }} server
 * @param {string} request
 */
async function http({ host, port }, request) {
  const socket = connect(port, host);
  const signal = AbortSignal.timeout(5_000);
  let answer = "";
  socket.write(request);
  while (!answer.includes("\r\n\r\n"))
    answer += (await once(socket, "data", { signal }))[0];
  socket.destroy();
  return answer;
}

const KILL = '{"jsonrpc":"2.0","method":"core.kill","params":[9],"id":1}';
const HANDSHAKE = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
];

/** @param {string} line @param {string[]} headers @param {string} [body] */
const request = (line, headers, body = "") =>
  [
    line,
    // Without it Kamailio takes HTTP for SIP.
    "Via: SIP/2.0/TCP 127.0.0.1:9",
    "Host: sip.example.test",
    ...headers,
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");

for (const config of ["kamailio.cfg", "edge.cfg"])
  gracefulTest(
    `${config}: commands are not to be had over HTTP`,
    { nodes: [] },
    async (world) => {
      const node = await world.server.add({ config });
      const ports = [node.port, node.clusterPort];
      for (const port of ports)
        for (const line of [
          "POST /RPC HTTP/1.1",
          "POST /RPC2 HTTP/1.0",
          "POST /jsonrpc HTTP/1.1",
          "POST / HTTP/1.1",
          "GET /RPC?method=core.kill HTTP/1.1",
          "GET http://127.0.0.1/RPC HTTP/1.1",
          "GET //../RPC HTTP/1.1",
          "PUT sip:RPC HTTP/1.1",
          "OPTIONS * HTTP/1.1",
        ])
          for (const headers of [
            ["Content-Type: application/json"],
            ["Upgrade: h2c", "Connection: Upgrade"],
            ["Upgrade: xwebsocket", "Connection: Upgrade"],
          ]) {
            const answer = await http(
              { host: node.host, port },
              request(line, headers, line.startsWith("POST") ? KILL : ""),
            );
            assert.match(answer, /^HTTP\/1\.[01] 404 /, `${line} at ${port}`);
            assert.doesNotMatch(answer, /jsonrpc/);
          }
      // A protocol that is not SIP, or none, gets no connection that SIP could come over.
      for (const protocol of ["msrp", "chat"]) {
        const answer = await http(
          node,
          [
            "GET / HTTP/1.1",
            "Host: sip.example.test",
            ...HANDSHAKE,
            `Sec-WebSocket-Protocol: ${protocol}`,
            "",
            "",
          ].join("\r\n"),
        );
        assert.match(answer, /^HTTP\/1\.1 [45]/, protocol);
      }
      const client = await world.connect();
      const { status } = await client.send(
        "OPTIONS",
        `sip:${node.host}:${node.port}`,
      );
      assert.equal(status, 200);
    },
  );

gracefulTest(
  "what the local sockets hear is for their owner",
  {},
  async (world) => {
    const [node] = world.server.nodes;
    for (const [name, mode] of await node.sockets())
      assert.equal(mode & 0o007, 0, `${name}: ${mode.toString(8)}`);
    const client = await world.connect();
    const own = contact("a");
    assert.equal((await client.register({ contacts: [own] })).status, 200);
  },
);
