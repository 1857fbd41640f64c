/**
 * Calls and messages through one node: INVITE, CANCEL, requests within the dialog, forking, GRUUs,
 * and what is not relayed.
 */
import assert from "node:assert/strict";
import { Call } from "./support/call.mjs";
import { contact, instance } from "./support/contacts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const BOB = "sip:2002@example.test";

/** @param {any} world */
async function aliceAndBob(world) {
  const alice = await world.connect({ name: "alice" });
  const bob = await world.connect({ name: "bob", user: "2002" });
  await alice.register({
    contacts: [contact("a", { instance: instance("a") })],
  });
  await bob.register({ contacts: [contact("b", { instance: instance("b") })] });
  return { alice, bob };
}

gracefulTest(
  "a call: INVITE, re-INVITE, INFO, BYE, from both sides",
  {},
  async (world) => {
    const { alice, bob } = await aliceAndBob(world);
    const call = await Call.start(alice, BOB, bob);
    // A connection with a binding need not prove again who it is.
    const invites = world.transcript.requests({
      who: "alice",
      method: "INVITE",
    });
    assert.equal(invites.length, 1);
    const invite = await bob.incoming("INVITE");
    assert.equal(invite.requestUri, "sip:b@b.invalid;transport=ws");

    assert.equal((await call.request("INFO")).status, 200);
    const again = await call.request("INVITE", {
      headers: [["Contact", "<sip:alice@caller.invalid;transport=ws>"]],
    });
    assert.equal(again.status, 200);
    await call.request("ACK", {
      cseq: Number.parseInt(again.header("CSeq"), 10),
    });

    // The other side hangs up: its route set is the INVITE's, its target the INVITE's Contact.
    const bye = await Call.hangUp(bob, call);
    assert.equal(bye.status, 200);
    assert.equal(
      (await alice.incoming("BYE")).requestUri,
      "sip:alice@caller.invalid;transport=ws",
    );

    // After it the dialog is no more: the nodes keep no account of it, the phones do.
    bob.respond = () => ({ status: 481, reason: "No Such Call" });
    const late = await call.request("INFO");
    assert.equal(late.status, 481);
  },
);

gracefulTest("a call is given up: CANCEL", {}, async (world) => {
  const { alice, bob } = await aliceAndBob(world);
  bob.respond = (/** @type {any} */ request) => {
    if (request.method === "INVITE") return { status: 180, reason: "Ringing" };
    if (request.method !== "CANCEL") return { status: 200 };
    const invite = bob.received.find(
      (/** @type {any} */ one) => one.method === "INVITE",
    );
    bob.answer(invite, { status: 487, reason: "Request Terminated" });
    return { status: 200 };
  };
  const call = new Call(alice, BOB);
  const branch = "z9hG4bKcancelled";
  const invited = call.invite({ branch, cseq: 7 });
  await bob.incoming("INVITE");
  const cancelled = alice.send("CANCEL", BOB, {
    callId: call.callId,
    fromTag: call.fromTag,
    branch,
    cseq: 7,
  });
  // Both requests have one branch, and so one place among those that wait: the INVITE's answer
  // comes after the CANCEL's.
  await bob.incoming("CANCEL");
  await world.transcript.until("487", () =>
    world.transcript.entries.some(
      (entry) => entry.who === "alice" && entry.text.startsWith("SIP/2.0 487"),
    ),
  );
  await Promise.race([invited, cancelled]);
});

gracefulTest(
  "every device rings, and a GRUU reaches one",
  {},
  async (world) => {
    const alice = await world.connect({ name: "alice" });
    const devices = [];
    for (const [index, device] of ["CSF", "DESK", "TAB"].entries()) {
      const client = await world.connect({ name: device, user: "2002" });
      await client.register({
        contacts: [
          contact(device, { device, instance: instance(`${index + 1}`) }),
        ],
      });
      devices.push(client);
    }
    await alice.register({ contacts: [contact("a")] });
    assert.equal((await alice.request("MESSAGE", BOB)).status, 200);
    for (const client of devices) await client.incoming("MESSAGE");

    const gruu = `${BOB};gr=${instance("2")}`;
    assert.equal((await alice.request("OPTIONS", gruu)).status, 200);
    assert.deepEqual(
      devices.map(({ received }) => received.map(({ method }) => method)),
      [["MESSAGE"], ["MESSAGE", "OPTIONS"], ["MESSAGE"]],
    );
    assert.equal(
      (await alice.request("OPTIONS", `${BOB};gr=${instance("9")}`)).status,
      480,
    );
  },
);

gracefulTest(
  "only users of this system originate, and reach only each other",
  {},
  async (world) => {
    const { alice, bob } = await aliceAndBob(world);
    // Without a binding on the connection: digest.
    const stranger = await world.connect({ name: "stranger" });
    const first = await stranger.send("MESSAGE", BOB);
    assert.equal(first.status, 407);
    assert.deepEqual(
      first
        .all("Proxy-Authenticate")
        .map(
          (/** @type {string} */ text) => /algorithm=([^,\s]+)/.exec(text)?.[1],
        ),
      ["SHA-256", "MD5"],
    );
    assert.equal((await stranger.request("MESSAGE", BOB)).status, 200);
    stranger.password = "wrong";
    assert.equal((await stranger.request("MESSAGE", BOB)).status, 407);

    // In somebody else's name, or from elsewhere.
    alice.user = "2002";
    assert.equal((await alice.send("MESSAGE", BOB)).status, 407);
    alice.user = "2001";
    alice.domain = "elsewhere.test";
    assert.equal((await alice.send("MESSAGE", BOB)).status, 403);
    alice.domain = "example.test";

    // To elsewhere: by Request-URI, by Route, by alias, by a tag that makes it look like a dialog.
    const discard = "127.0.0.1:9";
    const cases = /** @type {[string, any, number][]} */ ([
      [`sip:x@${discard}`, {}, 404],
      [`sip:x@elsewhere.test`, {}, 404],
      [`sip:x@x.invalid;alias=127.0.0.1~9~1`, {}, 404],
      [`sip:x@${discard}`, { toTag: "forged" }, 481],
      [`sip:x@x.invalid;alias=127.0.0.1~9~1`, { toTag: "forged" }, 481],
    ]);
    for (const [uri, options, status] of cases)
      assert.equal(
        (await alice.send("MESSAGE", uri, options)).status,
        status,
        uri,
      );
    const received = bob.received.length;
    const routed = await alice.send("MESSAGE", BOB, {
      headers: [["Route", `<sip:${discard};lr>`]],
    });
    assert.equal(routed.status, 200);
    assert.equal(bob.received.length, received + 1);
    assert.deepEqual(bob.received.at(-1)?.all("Route"), []);

    // Within a dialog of ours: a target that is no line, a line that nobody has, a way of the
    // sender's own; a dialog that is not ours, by its Call-ID, its tag, its signature.
    const call = await Call.start(alice, BOB, bob);
    const [remote] = call.accepted.contacts;
    const routes = call.accepted.all("Record-Route").reverse();
    const inside = (/** @type {any} */ { uri = remote.uri, ...options } = {}) =>
      alice.send("INFO", uri, {
        to: BOB,
        toTag: /;tag=([^;]+)/.exec(call.accepted.header("To"))?.[1],
        fromTag: call.fromTag,
        callId: call.callId,
        headers: routes.map((/** @type {string} */ route) => ["Route", route]),
        ...options,
      });
    assert.equal((await inside()).status, 200);
    const infos = () =>
      bob.received.filter((/** @type {any} */ { method }) => method === "INFO");
    assert.equal(infos()[0].requestUri, "sip:bob@callee.invalid;transport=ws");
    assert.match(remote.uri, /;line=[0-9a-f]+[.][0-9a-f]{16}$/);
    const line = (/** @type {string} */ value) =>
      remote.uri.replace(/line=[^;]+/, value);
    const other = (/** @type {string} */ digit) => (digit === "0" ? "1" : "0");
    for (const uri of [
      `sip:x@${discard}`,
      line("alias=127.0.0.1~9~1"),
      line("line=00.00"),
      line(`line=${Buffer.from("node:a").toString("hex")}.00`),
      // One that no node has made, be it changed in the cipher or in the proof.
      remote.uri.replace(/.$/, other),
      remote.uri.replace(/.(?=[.][0-9a-f]{16}$)/, other),
      remote.uri.replace(/(?<=line=)./, other),
    ])
      assert.equal((await inside({ uri })).status, 481, uri);
    const detour = [["Route", `${routes[0]}, <sip:${discard};lr>`]];
    assert.equal((await inside({ headers: detour })).status, 200);
    assert.equal(infos().length, 2);
    const wrong = routes.map((/** @type {string} */ route) => [
      "Route",
      route.replace(/dialog=../, "dialog=zz"),
    ]);
    for (const options of [
      { headers: [] },
      { headers: wrong },
      { callId: "another" },
      { fromTag: "another" },
      { fromTag: "another", toTag: "another" },
    ])
      assert.equal((await inside(options)).status, 481);
    assert.equal(infos().length, 2);
    // A third party that has learnt the dialog's identifiers, but is nobody here.
    const spy = await world.connect({ name: "spy", user: "2002" });
    const answer = await spy.send("INFO", remote.uri, {
      to: BOB,
      toTag: /;tag=([^;]+)/.exec(call.accepted.header("To"))?.[1],
      fromTag: call.fromTag,
      callId: call.callId,
      headers: call.accepted
        .all("Record-Route")
        .reverse()
        .map((/** @type {string} */ route) => ["Route", route]),
    });
    assert.equal(answer.status, 403);
    // Who called without a binding, by digest, speaks in that call, and in no other.
    stranger.password = world.server.passwords[2001];
    const theirs = await Call.start(stranger, BOB, bob);
    assert.equal((await theirs.request("INFO")).status, 200);
    assert.equal((await theirs.request("BYE")).status, 200);
    assert.equal((await theirs.request("INFO")).status, 403);
  },
);

/**
 * A request of the callee within a call, to which this INVITE was.
 * @param {any} callee
 * @param {Call} call
 * @param {any} invite
 */
function inform(callee, call, invite) {
  return callee.send("INFO", invite.contacts[0].uri, {
    to: call.caller.aor,
    toTag: call.fromTag,
    fromTag: /;tag=([^;]+)/.exec(call.accepted.header("To"))?.[1],
    callId: call.callId,
    headers: invite
      .all("Record-Route")
      .map((/** @type {string} */ route) => ["Route", route]),
  });
}

// DeskPhone mode: the page rings nowhere, and reaches its gateway all the same.
gracefulTest(
  "who has no binding opens a session by digest and is reached in it",
  {},
  async (world) => {
    const gateway = await world.connect({ name: "gateway", user: "2002" });
    await gateway.register({
      contacts: [contact("g", { instance: instance("b") })],
    });
    const asserted = (/** @type {any} */ message, /** @type {string} */ user) =>
      assert.deepEqual(message.all("P-Asserted-Identity"), [
        `<sip:${user}@example.test>`,
      ]);
    const open = async (/** @type {string} */ name) => {
      const page = await world.connect({ name });
      gateway.received.length = 0;
      const call = await Call.start(page, BOB, gateway);
      const invite = await gateway.incoming("INVITE");
      asserted(invite, "2001");
      return { page, call, invite };
    };
    const first = await open("page");
    const second = await open("other");
    const refused = world.transcript.entries.filter(
      ({ who, text }) => who === "page" && text.startsWith("SIP/2.0 407"),
    );
    assert.equal(refused.length, 1);

    gateway.received.length = 0;
    const sent = await first.call.request("INFO", {
      headers: [["P-Asserted-Identity", "<sip:2002@example.test>"]],
    });
    assert.equal(sent.status, 200);
    asserted(await gateway.incoming("INFO"), "2001");

    // Events go to the page whose session it is.
    const event = async ({ call, invite }) =>
      (await inform(gateway, call, invite)).status;
    for (const session of [first, second]) {
      assert.equal(await event(session), 200);
      const info = await session.page.incoming("INFO");
      assert.ok(info.text.includes(session.call.callId));
      asserted(info, "2002");
    }
    assert.deepEqual(
      [first, second].map(({ page }) => page.received.length),
      [1, 1],
    );
    // Nobody is bound by that, and nothing outlives the session, nor the connection.
    const { aor } = first.page;
    assert.equal((await gateway.send("MESSAGE", aor)).status, 480);
    assert.equal((await first.call.request("BYE")).status, 200);
    assert.equal(await event(first), 480);
    second.page.socket.terminate();
    await second.page.closed;
    assert.notEqual(await event(second), 200);
  },
);

gracefulTest(
  "a session outlives the binding that it was opened with",
  {},
  async (world) => {
    const { alice, bob } = await aliceAndBob(world);
    const call = await Call.start(alice, BOB, bob);
    const invite = await bob.incoming("INVITE");
    const own = contact("a", { instance: instance("a") });
    await alice.register({ contacts: [`${own};expires=0`] });
    assert.equal((await bob.send("MESSAGE", alice.aor)).status, 480);
    assert.equal((await call.request("INFO")).status, 200);
    assert.equal((await inform(bob, call, invite)).status, 200);
    assert.equal((await alice.incoming("INFO")).method, "INFO");
  },
);

gracefulTest(
  "an ousted client can neither call nor be called",
  {},
  async (world) => {
    const { alice, bob } = await aliceAndBob(world);
    const winner = await world.connect({ name: "winner" });
    await winner.register({
      contacts: [contact("w", { instance: instance("c") })],
      headers: [["Reason", 'SIP;cause=200;text="cisco-alarm:111 Last=x"']],
    });
    await alice.incoming("NOTIFY");
    assert.equal((await alice.send("MESSAGE", BOB)).status, 407);
    assert.equal((await bob.send("MESSAGE", alice.aor)).status, 200);
    assert.deepEqual(
      alice.received.map((/** @type {any} */ { method }) => method),
      ["NOTIFY"],
    );
    await winner.incoming("MESSAGE");
    // Nobody there.
    await winner.register({ contacts: ["*"], expires: 0 });
    assert.equal((await bob.send("MESSAGE", alice.aor)).status, 480);
  },
);
