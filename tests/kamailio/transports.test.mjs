/** Transports: wss with a certificate, and desk phones over UDP. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import WebSocket from "ws";
import { eventually } from "../interop/support/eventually.mjs";
import { freePort } from "./support/ports.mjs";
import { makeCertificate } from "./support/certificate.mjs";
import { contact, instance } from "./support/contacts.mjs";
import { DatagramPhone } from "./support/datagram-phone.mjs";
import { run } from "./support/deployment.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });

gracefulTest(
  "wss: TLS 1.2 and newer, with the certificate given",
  { nodes: [] },
  async (world) => {
    const { certificate, key } = await makeCertificate(world);
    const { url } = await world.server.add({ tls: { certificate, key } });
    assert.match(url, /^wss:/);
    const origin = "http://localhost";
    const untrusting = new WebSocket(url, "sip", { origin });
    const [error] = await once(untrusting, "error");
    assert.match(String(error), /self-signed/);
    const ca = await readFile(certificate);
    const outdated = new WebSocket(url, "sip", {
      origin,
      ca,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    await once(outdated, "error");

    // Nobody who gets hold of the key later reads what was recorded today.
    const { port } = world.server.nodes[0];
    const dial = (/** @type {string[]} */ ...offer) =>
      run("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...offer]);
    for (const suite of ["AES128-GCM-SHA256", "AES256-SHA", "kDHE", "kRSA"])
      await assert.rejects(
        dial("-tls1_2", "-cipher", `${suite}:@SECLEVEL=0`),
        /handshake failure/,
        suite,
      );
    for (const suite of ["ECDHE+AESGCM", "ECDHE+CHACHA20"])
      assert.match(await dial("-tls1_2", "-cipher", suite), /ECDHE-RSA-/);
    assert.match(await dial("-tls1_3"), /TLSv1[.]3, Cipher is TLS_/);

    const alice = await world.connect({ name: "alice", ca });
    const bob = await world.connect({ name: "bob", user: "2002", ca });
    assert.equal((await alice.register({ contacts: [a] })).status, 200);
    assert.equal((await bob.register({ contacts: [b] })).status, 200);
    assert.equal((await bob.send("MESSAGE", alice.aor)).status, 200);
    const rival = await world.connect({ name: "rival", ca });
    assert.equal((await rival.register({ contacts: [b] })).status, 403);
    await alice.terminate();
    await eventually(
      "the line to be free",
      async () => (await world.server.bindings()).length === 0,
    );
  },
);

gracefulTest(
  "desk phones over UDP: the same policy, and repeated requests",
  { nodes: [] },
  async (world) => {
    const port = await freePort();
    await world.server.add({ listen: [`udp:127.0.0.1:${port}`] });
    const account = { port, user: "2002", password: "secret-2002" };
    const phones = [];
    while (phones.length < 2) {
      const phone = new DatagramPhone({ ...account, ...world });
      await phone.open();
      world.after(() => phone.close());
      phones.push(phone);
    }
    const [desk, second] = phones;
    const { answer, again } = await desk.register();
    assert.equal(answer.status, 200);
    assert.equal((await again()).text, answer.text, "the same answer again");
    assert.equal((await second.register()).answer.status, 403);

    const alice = await world.connect({ name: "alice" });
    await alice.register({ contacts: [a] });
    assert.equal(
      (await alice.send("MESSAGE", "sip:2002@example.test")).status,
      200,
    );
    // A web phone of the same user that names its device rings beside it.
    const web = await world.connect({ name: "web", user: "2002" });
    assert.equal((await web.register({ contacts: [b] })).status, 200);
    assert.equal(
      (await alice.send("MESSAGE", "sip:2002@example.test")).status,
      200,
    );
    await web.incoming("MESSAGE");
    const messages = desk.received.filter(({ method }) => method === "MESSAGE");
    assert.equal(messages.length, 2);
  },
);
