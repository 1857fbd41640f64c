/**
 * The edge in front of a registrar without WebSocket, which a second Kamailio plays: what passes,
 * and that it passes unchanged.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { Call } from "./support/call.mjs";
import { FORCE, contact, instance } from "./support/contacts.mjs";
import { edge } from "./support/edge.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });
const BOB = "sip:2002@example.test";

const BODY = [
  "--uniqueBoundary",
  "Content-Type: application/x-cisco-remotecc-request+xml",
  "Content-Disposition: session;handling=optional",
  "",
  '<x-cisco-remotecc-request><bulkregisterreq><contact all="true"><register></register></contact></bulkregisterreq></x-cisco-remotecc-request>',
  "--uniqueBoundary--",
  "",
].join("\r\n");

gracefulTest(
  "a REGISTER and its answer pass unchanged",
  { nodes: [] },
  async (world) => {
    await edge(world);
    const client = await world.connect();
    const supported =
      "X-cisco-graceful-reg, X-cisco-duplicate-reg, X-cisco-sis-7.0.0";
    const reason =
      'SIP;cause=200;text="cisco-alarm:25 Name=CSF ActiveLoad=1 InactiveLoad=1 Last=initialized"';
    const type = "multipart/mixed; boundary=uniqueBoundary";
    const own = `${a};+u.sip!model.ccm.cisco.com="503";video`;
    const refused = await client.send("REGISTER", "sip:example.test", {
      to: client.aor,
      callId: client.callId,
      headers: [
        ["Contact", own],
        ["Supported", supported],
        ["Reason", reason],
        ["Content-Type", type],
      ],
      body: BODY,
    });
    assert.equal(refused.startLine, "SIP/2.0 403 Forbidden");
    assert.equal(
      refused.header("Warning"),
      '399 back-end "Registration is active for another client"',
    );
    assert.equal(
      refused.header("Reason"),
      'SIP;cause=403;text="held elsewhere"',
    );
    assert.equal(
      refused.header("Supported"),
      "X-cisco-graceful-reg, X-cisco-srtp-fallback",
    );
    assert.equal(
      refused.header("Content-Type"),
      "application/x-cisco-remotecc-response+xml",
    );
    assert.equal(refused.body, "<held><by>another</by></held>");
    // What arrived there.
    assert.equal(refused.header("X-Seen-Contact"), own);
    assert.equal(refused.header("X-Seen-Reason"), reason);
    assert.equal(refused.header("X-Seen-Type"), type);
    assert.equal(
      refused.header("X-Seen-Body"),
      createHash("md5").update(BODY).digest("hex"),
    );
    assert.match(
      refused.header("X-Seen-Path"),
      /^<sip:127\.0\.0\.1:\d+;transport=tcp;lr;flow=127\.0\.0\.1~\d+~ws~\d+~[0-9a-f]{32}>$/,
    );
  },
);

gracefulTest(
  "a phone at a Cisco system behind the edge: refused, forced",
  { nodes: [] },
  async (world) => {
    const backEnd = await edge(world);
    const alice = new PhoneUnderTest(world, "alice", { profile: "cisco" });
    await assert.rejects(alice.register(), {
      code: "eDeviceAlreadyRegistered",
    });
    await alice.register(true);
    assert.equal((await backEnd.bindings("2001")).length, 1);
    await alice.phone.unregisterPhone();
  },
);

gracefulTest(
  "messages and calls find their way by Path",
  { nodes: [] },
  async (world) => {
    await edge(world);
    const alice = await world.connect({ name: "alice" });
    const bob = await world.connect({ name: "bob", user: "2002" });
    await alice.register({ contacts: [a], headers: [FORCE] });
    await bob.register({ contacts: [b], headers: [FORCE] });
    const message = {
      headers: /** @type {[string, string][]} */ ([["X-Kept", "as it is"]]),
      body: "hello",
    };
    assert.equal((await alice.request("MESSAGE", BOB, message)).status, 200);
    const heard = await bob.incoming("MESSAGE");
    assert.deepEqual(
      [heard.header("X-Kept"), heard.body],
      ["as it is", "hello"],
    );

    const call = await Call.start(alice, BOB, bob);
    assert.equal((await call.request("INFO")).status, 200);
    assert.equal((await Call.hangUp(bob, call)).status, 200);
    await alice.incoming("BYE");
  },
);

gracefulTest(
  "the edge lets nobody reach anything but the back end",
  { nodes: [] },
  async (world) => {
    await edge(world);
    const client = await world.connect();
    const elsewhere = "sip:127.0.0.1:9";
    // Each of these ends at the back end, which answers as what it is; the edge has another name.
    for (const options of [{}, { toTag: "forged" }]) {
      const answer = await client.send("MESSAGE", BOB, {
        headers: [["Route", `<${elsewhere};lr>`]],
        ...options,
      });
      assert.match(answer.header("Server"), /^kamailio/, answer.startLine);
    }
  },
);
