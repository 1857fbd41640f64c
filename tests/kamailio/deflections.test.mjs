/**
 * A device of who is called sends the call elsewhere while it rings (RFC 3261 §21.3), with real nodes: what the
 * table of calls (call-rules.test.mjs) does not say of it.
 */
import assert from "node:assert/strict";
import { fakeMedia } from "graceline/testing";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { Call, shownLine } from "./support/call.mjs";
import { instance } from "./support/contacts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import {
  ACCOUNTS,
  AOR,
  TOPOLOGIES,
  history,
  household,
  invites,
  phone,
  take,
} from "./support/household.mjs";

/** An INVITE that rings is redirected. @param {any} client @param {string[]} contacts */
async function redirect(client, ...contacts) {
  client.answer(await client.incoming("INVITE"), {
    ...{ status: 302, reason: "Moved Temporarily" },
    headers: contacts.map((one) => ["Contact", one]),
  });
}

/** A call rings at both phones of 2001. @param {any} world @param {any} family */
async function ringing(world, { facts, page, desk, caller }) {
  await facts.call("rings_set", { ids: ["a", "d"] });
  const call = new Call(caller, AOR("2001"));
  const answer = call.invite();
  // Not every test waits for it.
  answer.catch(() => {});
  await Promise.all([page, desk].map((one) => one.incoming("INVITE")));
  return { call, answer };
}

/** The caller hears that. @param {any} world @param {number} status @param {string} [method] */
const heard = ({ transcript }, status, method = "INVITE") =>
  transcript.until(`${status} to the ${method}`, () =>
    transcript.entries.find(
      (/** @type {any} */ { who, direction, text }) =>
        who === "e" &&
        direction === "received" &&
        text.startsWith(`SIP/2.0 ${status} `) &&
        new RegExp(`^CSeq: \\d+ ${method}`, "m").test(text),
    ),
  );

for (const [through, nodes] of TOPOLOGIES) {
  gracefulTest(
    `a page deflects a call to a colleague, and the desk phone beside it rings no more: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const family = await household(world);
      const { facts, page, desk, caller, other } = family;
      await page.terminate();
      const under = new PhoneUnderTest(world, "page", {
        ...{ instanceId: instance("a"), media: fakeMedia() },
        connections: world.server.nodes[0].url,
      });
      await under.register();
      await facts.call("rings_set", { ids: ["a", "d"] });
      /** @type {Promise<any>} */
      const rings = new Promise((resolve) =>
        under.phone.once("incoming", resolve),
      );
      const call = new Call(caller, AOR("2001"));
      const answer = call.invite();
      await desk.incoming("INVITE");
      const { call: ringing } = await rings;
      await ringing.deflect("2003");
      const cancel = await desk.incoming("CANCEL");
      assert.deepEqual(cancel.all("Reason"), ["SIP;cause=603"]);
      const invite = await other.incoming("INVITE");
      assert.deepEqual(invite.all("Diversion"), [
        "<sip:2001@example.test>;reason=deflection",
      ]);
      assert.deepEqual(invite.all("History-Info"), [
        "<sip:2001@example.test?Reason=SIP%3Bcause%3D487>;index=1, " +
          "<sip:2003@example.test;cause=487>;index=1.1;mp=1",
      ]);
      await heard(world, 181);
      await take(other);
      call.accepted = await answer;
      await call.ack();
      assert.equal((await call.request("BYE")).status, 200);
      for (const [user, result] of [
        ["2001", "forwarded"],
        ["2002", "answered"],
        ["2003", "answered"],
      ]) {
        const calls = await history(facts, user);
        const seen = calls.map((/** @type {any} */ one) => one.result);
        assert.deepEqual(seen, [result], user);
      }
      const [{ forwardedTo, rang }] = await history(facts, "2001");
      assert.match(forwardedTo, /^sip:2003@example\.test$/);
      assert.deepEqual(rang.toSorted(), ["a", "d"]);
    },
  );

  gracefulTest(
    `a phone that does not even answer holds up nobody, and rings no more when it does: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const family = await household(world);
      const { page, desk, other } = family;
      const { respond } = desk;
      desk.respond = (/** @type {any} */ request) =>
        request.method === "INVITE" ? undefined : respond(request);
      await ringing(world, family);
      const began = performance.now();
      await redirect(page, "<sip:2003@example.test>");
      await other.incoming("INVITE");
      assert.ok(performance.now() - began < 2_000);
      const rung = await desk.incoming("INVITE");
      desk.answer(rung, { status: 180, reason: "Ringing" });
      await desk.incoming("CANCEL");
    },
  );

  gracefulTest(
    `who rings no more sends nothing elsewhere: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const family = await household(world);
      const { facts, page, desk, other } = family;
      page.respond = (/** @type {any} */ { method }) =>
        method === "INVITE"
          ? { status: 180, reason: "Ringing" }
          : { status: 200 };
      const { answer } = await ringing(world, family);
      await heard(world, 180);
      desk.answer(await desk.incoming("INVITE"), { status: 603 });
      await page.incoming("CANCEL");
      await redirect(page, "<sip:2003@example.test>");
      assert.equal((await answer).status, 603);
      const [{ result }] = await history(facts, "2001");
      assert.equal(result, "declined");
      assert.deepEqual(invites(other), []);
    },
  );
}

gracefulTest(
  "the caller gives up while the call is deflected",
  { ...ACCOUNTS },
  async (world) => {
    const family = await household(world);
    const { facts, page, desk, caller, other } = family;
    // It says nothing of the CANCEL for a while, so that the call is not sent on yet.
    desk.respond = (/** @type {any} */ { method }) =>
      method === "INVITE"
        ? { status: 180, reason: "Ringing" }
        : { status: 200 };
    await facts.call("rings_set", { ids: ["a", "d"] });
    const branch = "z9hG4bKgiven-up";
    const call = new Call(caller, AOR("2001"));
    call.invite({ branch, cseq: 1 }).catch(() => {});
    await Promise.all([page, desk].map((one) => one.incoming("INVITE")));
    await heard(world, 180);
    await redirect(page, "<sip:2003@example.test>");
    await desk.incoming("CANCEL");
    const { callId, fromTag } = call;
    void caller
      .send("CANCEL", AOR("2001"), { callId, fromTag, branch, cseq: 1 })
      .catch(() => {});
    await heard(world, 200, "CANCEL");
    desk.answer(await desk.incoming("INVITE"), { status: 487 });
    await heard(world, 487);
    const [{ result }] = await history(facts, "2002");
    assert.equal(result, "cancelled");
    assert.deepEqual(invites(other), []);
  },
);

gracefulTest(
  "where devices go their own ways the caller is told",
  { ...ACCOUNTS },
  async (world) => {
    const family = await household(world);
    await world.server.database.sql(
      "UPDATE subscriber SET unique_account = 'off'",
    );
    const { page, desk, caller, other } = family;
    await page.terminate();
    await desk.terminate();
    const [{ url }] = world.server.nodes;
    const own = await phone(world, "a", { url });
    const answer = new Call(caller, AOR("2001")).invite();
    await redirect(own, "<sip:2003@example.test>");
    const { status, contacts } = await answer;
    assert.equal(status, 302);
    assert.deepEqual(
      contacts.map(({ uri }) => uri),
      ["sip:2003@example.test"],
    );
    assert.deepEqual(invites(other), []);
  },
);

/** Contacts, what the caller hears, and whose phone rings. @type {[string, string, string?][]} */
const CONTACTS = [
  ['"x, <sip:2001@example.test>" <sip:2003@example.test>;q=0.1', "2003", "f"],
  ["<sip:2003@example.test>;q=0.1, <sip:2001@example.test>;q=1", "2003", "f"],
  ["sip:2003@example.test;q=0.1", "2003", "f"],
  ["<tel:2003>", "2003", "f"],
  ["<sip:marco@example.test>", "a name of 2003's", "f"],
  ["<sip:2002@example.test>", "the caller's own phone", "e"],
  ["<sip:2001@example.test>", "482"],
  ["<sip:%32001@example.test>", "482"],
  ["<sip:ada@example.test>", "482"],
  ["<sip:cti@example.test>", "404"],
  ["<sip:controller@example.test>", "404"],
  ["<sip:2003@elsewhere.test>", "404"],
  ["<sip:LINE>", "404"],
  ["<sip:nobody@example.test>", "404"],
  ["<sip:voicemail@example.test>", "480"],
  ["<sip:2003@example.test?Subject=x>", "302"],
  ["<sip:2003:secret@example.test>", "302"],
  ["<sip:20%0d%0aX:%20y@example.test>", "302"],
  ["<sip:2003@example.test;x=%s$var(key)>", "302"],
  ["<https://example.test/>", "302"],
  ["<>", "302"],
  ["*", "302"],
  ["<sip:2003@example.test", "302"],
  [`<sip:${"2".repeat(300)}@example.test>`, "302"],
];

for (const [through, nodes] of TOPOLOGIES)
  gracefulTest(
    `whatever a phone says, the call goes where a rule may send it, and has one record: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const { facts, page, desk, caller, other } = await household(world);
      const name = { kind: "name" };
      await facts.call("public_id_add", { id: "marco", ...name }, "2003");
      await facts.call("public_id_add", { id: "ada", ...name }, "2001");
      await other.register({
        contacts: [
          `<sip:f@client.invalid;transport=ws>;+sip.instance="<${instance("f")}>"`,
        ],
      });
      const line = await shownLine(other);
      const there = { e: caller, f: other };
      for (const [contact, expected, who] of CONTACTS) {
        for (const one of [page, desk, caller, other]) one.received.length = 0;
        const call = new Call(caller, AOR("2001"));
        const answer = call.invite();
        await redirect(
          page,
          contact.replace("LINE", `f@callee.invalid;line=${line}`),
        );
        if (who) await take(there[/** @type {"e" | "f"} */ (who)]);
        call.accepted = await answer;
        const { status } = call.accepted;
        assert.equal(`${status}`, who ? "200" : expected, contact);
        const rang = Object.entries(there).filter(
          ([, one]) => invites(one).length > 0,
        );
        assert.deepEqual(
          rang.map(([name]) => name),
          who ? [who] : [],
          contact,
        );
        if (who) {
          await call.ack();
          await there[/** @type {"e" | "f"} */ (who)].incoming("ACK");
          assert.equal((await call.request("BYE")).status, 200);
        }
        const key = "graceline:history:2001@example.test";
        assert.equal((await history(facts, "2001")).length, 1, contact);
        await world.server.redis.command(["DEL", key]);
        assert.deepEqual(invites(desk), []);
      }
    },
  );
