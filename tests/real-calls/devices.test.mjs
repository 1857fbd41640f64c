/**
 * Clients of others as devices of a user, on deploy/kamailio: JsSIP, which logs in by the account's
 * password, and a desk phone (baresip), with a name and a password of its own.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import JsSIP from "jssip";
import { eventually } from "../interop/support/eventually.mjs";
import { recordingWebSocket } from "../interop/support/recording-websocket.mjs";
import { Call, description } from "../kamailio/support/call.mjs";
import { Facts } from "../kamailio/support/facts.mjs";
import { gracefulTest } from "../kamailio/support/graceful-test.mjs";
import { freePort } from "../kamailio/support/ports.mjs";
import { DeskPhone } from "./support/baresip.mjs";

const USER = "sip:2001@example.test";

/** What a phone of a desk describes: these do without DTLS. */
const plain = description(/** @type {any} */ ({ transport: "UDP" }));

/**
 * @param {any} world
 * @param {string} uuid of its instance
 */
function jsSip({ server, transcript, after }, uuid) {
  Object.assign(globalThis, {
    WebSocket: recordingWebSocket(transcript, "JsSIP"),
    // It rings where there is WebRTC, of which it uses nothing before it answers.
    window: { RTCPeerConnection: Object },
  });
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(server.url)],
    uri: USER,
    password: server.passwords[2001],
    instance_id: uuid,
  });
  after(() => agent.stop());
  /** @type {any[]} */
  const sessions = [];
  agent.on("newRTCSession", ({ session }) => {
    const ended = new Promise((resolve) => session.once("failed", resolve));
    sessions.push({ session, ended });
  });
  return { agent, sessions };
}

/** The JsSIP call that rings, and how it ends. @param {any[]} sessions */
async function ringing(sessions) {
  await eventually("JsSIP to ring", async () => sessions.length > 0);
  return sessions.shift();
}

gracefulTest(
  "JsSIP and a desk phone are devices: unknown ones stay out, calls ring at both, one that is revoked is gone",
  { nodes: [] },
  async (world) => {
    const port = await freePort();
    const { server } = world;
    await server.add({
      define: ["WITH_MD5_PHONES"],
      listen: [`udp:127.0.0.1:${port}`],
      // What baresip is refused with it tries again at once.
      settings: { FAILURES_PER_USER: 1000 },
    });
    const facts = await Facts.on(world);
    await server.database.sql(
      "UPDATE subscriber SET devices = 'off' WHERE username = '2002'",
    );
    // Ids of devices are made of the last digit.
    const [page, desk] = ["1", "2"].map((digit) =>
      randomUUID().replace(/.$/, digit),
    );
    const { agent, sessions } = jsSip(world, page);
    agent.start();
    const [{ response }] = await once(agent, "registrationFailed");
    assert.equal(response.status_code, 403);
    assert.match(response.getHeader("Warning"), /"Device not authorised"$/);

    const ids = [
      await facts.authorise(`urn:uuid:${page}`, "web"),
      await facts.authorise(`urn:uuid:${desk}`, "deskphone"),
    ];
    await facts.call("rings_set", { ids });
    const registered = once(agent, "registered");
    agent.register();
    await registered;
    const { authUser, password } = await facts.credentials(ids[1]);
    const account = [
      `<${USER};transport=udp>`,
      ...[`auth_user=${authUser}`, `auth_pass=${password}`],
      `outbound="sip:127.0.0.1:${port};transport=udp"`,
      ...["answermode=auto", "regint=60", "audio_codecs=pcmu/8000/1"],
    ].join(";");
    const phone = await DeskPhone.open([account], { uuid: desk });
    world.after(() => phone.stop());
    await eventually("both to be registered", async () => {
      const there = await facts.registered();
      return there.length === 2;
    });

    // Both ring; the desk phone answers by itself.
    const caller = await world.connect({ name: "caller", user: "2002" });
    const call = new Call(caller, USER);
    call.accepted = await call.invite({ body: plain });
    const { ended } = await ringing(sessions);
    assert.equal(call.accepted.status, 200);
    await call.ack();
    const { cause, message } = /** @type {any} */ (await ended);
    assert.equal(cause, JsSIP.C.causes.CANCELED);
    assert.match(message.getHeader("Reason"), /^SIP;cause=200/);
    assert.equal((await call.request("BYE")).status, 200);

    await facts.call("revoke", { id: ids[1] });
    assert.deepEqual(await facts.registered(), [ids[0]]);
    const second = new Call(caller, USER).invite({ body: plain });
    const { session } = await ringing(sessions);
    session.terminate({ status_code: 486 });
    assert.equal((await second).status, 486);
    // Neither what it had, nor the password of the account, lets it in again.
    for (const credentials of [
      { name: authUser, word: password },
      { name: "2001", word: server.passwords[2001] },
    ]) {
      const again = await DeskPhone.open(
        [
          account
            .replace(/auth_user=[^;]*/, `auth_user=${credentials.name}`)
            .replace(/auth_pass=[^;]*/, `auth_pass=${credentials.word}`),
        ],
        { uuid: desk },
      );
      world.after(() => again.stop());
      await eventually("it to be refused", async () =>
        /40[13] (Unauthorized|Forbidden)/.test(again.log),
      );
    }
    assert.deepEqual(await facts.registered(), [ids[0]]);
  },
);
