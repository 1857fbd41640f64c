/** Numbers outside: calls to a carrier and from it, at one node and two, with a second Kamailio as the carrier. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { eventually } from "../interop/support/eventually.mjs";
import { Call } from "./support/call.mjs";
import { Carrier, number, over } from "./support/carrier.mjs";
import {
  AOR,
  FAR,
  OPTIONS,
  OWN,
  calleeSends,
  house,
  outsiderSends,
  phone,
  stands,
  taken,
  uri,
} from "./support/carrier-house.mjs";
import { makeCertificate } from "./support/certificate.mjs";
import { instance } from "./support/contacts.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const TOPOLOGIES = { "one node": 1, "two nodes": 2 };

/** What a call is outside, until it is answered. @param {any} client @param {string} target @param {any} [options] */
const refusal = async (client, target, options) =>
  (await new Call(client, target).invite(options)).startLine.slice(8);

const history = (/** @type {Facts} */ facts, /** @type {string} */ user) =>
  eventually(`a record of ${user}`, async () => {
    const calls = await facts.call("history", {}, user);
    return calls.length > 0 && calls;
  });

const CALLER = /** @type {[string, string][]} */ ([
  ["Contact", "<sip:x@caller.invalid;transport=ws>"],
  ["Content-Type", "application/sdp"],
]);

for (const [topology, count] of Object.entries(TOPOLOGIES)) {
  gracefulTest(
    `both phones of a user call outside as one number, and hang up from either side: ${topology}`,
    OPTIONS,
    async (world) => {
      const { facts, far, page, desk } = await house(world, count);
      for (const client of [page, desk]) {
        far.received.length = 0;
        const call = await stands(client, "sip:03055555@example.test");
        const invite = await far.incoming("INVITE");
        assert.equal(
          uri(invite.header("From")),
          `sip:${OWN[2001]}@example.test`,
        );
        assert.deepEqual(invite.all("P-Asserted-Identity"), [
          `<sip:${OWN[2001]}@example.test>`,
        ]);
        assert.doesNotMatch(invite.text.replace(/^To:.*/m, ""), /2001/);
        // The client is told of itself what it said.
        assert.equal(uri(call.accepted.header("From")), AOR("2001"));
        assert.deepEqual(call.accepted.all("Proxy-Authenticate"), []);
        await far.incoming("ACK");
        const own = `sip:${OWN[2001]}@example.test`;
        if (client === page) {
          assert.equal((await call.request("BYE")).status, 200);
          assert.equal(uri((await far.incoming("BYE")).header("From")), own);
        } else {
          const ended = await outsiderSends(far, "BYE", invite, own);
          assert.equal(ended.status, 200);
          await client.incoming("BYE");
        }
      }
      const calls = await eventually("two records", async () => {
        const list = await facts.call("history", {});
        return list.length === 2 && list;
      });
      for (const { result, direction, to, device } of calls)
        assert.deepEqual(
          [result, direction, to.uri, /[ad]/.test(device)],
          ["answered", "outgoing", "sip:03055555@example.test", true],
        );
    },
  );

  gracefulTest(
    `who asks for privacy is nobody outside, and the carrier knows: ${topology}`,
    OPTIONS,
    async (world) => {
      const { far, page } = await house(world, count);
      await stands(page, `tel:${FAR}`, {
        headers: [...CALLER, ["Privacy", "id"]],
      });
      const invite = await far.incoming("INVITE");
      assert.match(invite.header("From"), /<sip:anonymous@anonymous.invalid>/);
      assert.equal(invite.header("Privacy"), "id");
      assert.deepEqual(invite.all("P-Asserted-Identity"), [
        `<sip:${OWN[2001]}@example.test>`,
      ]);
    },
  );

  gracefulTest(
    `a call from outside rings where the user is, and is in the history: ${topology}`,
    OPTIONS,
    async (world) => {
      const { facts, far, page, desk, second } = await house(world, count);
      const own = `sip:${OWN[2001]}@carrier.test`;
      const call = await stands(far, own, {
        headers: [
          far.contact,
          ["Content-Type", "application/sdp"],
          over(second),
        ],
      });
      const invite = await page.incoming("INVITE");
      assert.deepEqual(invite.all("P-Asserted-Identity"), [
        `<sip:${FAR}@example.test>`,
      ]);
      assert.deepEqual(
        desk.received.filter(({ method }) => method === "INVITE"),
        [],
      );
      assert.equal((await call.request("INFO")).status, 200);
      assert.equal((await calleeSends(page, invite, "INFO", far)).status, 200);
      assert.equal(uri((await far.incoming("INFO")).header("From")), own);
      assert.equal((await calleeSends(page, invite, "BYE", far)).status, 200);
      await far.incoming("BYE");
      const [record] = await history(facts, "2001");
      assert.deepEqual(
        [record.result, record.answeredBy, record.from.uri],
        ["answered", "a", `sip:${FAR}@example.test`],
      );
    },
  );

  gracefulTest(
    `a call from outside goes out again by a rule, as whose it is: ${topology}`,
    OPTIONS,
    async (world) => {
      const { carrier, facts, far, page, second } = await house(world, count);
      const mobile = await carrier.outsider("+491701234567");
      mobile.respond = (/** @type {any} */ request) => taken(mobile, request);
      await facts.call("rules_set", { busy: "01701234567" });
      page.respond = () => ({ status: 486 });
      const call = await stands(far, `sip:${OWN[2001]}@carrier.test`, {
        headers: [
          far.contact,
          ["Content-Type", "application/sdp"],
          over(second),
        ],
      });
      const invite = await mobile.incoming("INVITE");
      assert.equal(uri(invite.header("From")), `sip:${FAR}@example.test`);
      assert.deepEqual(invite.all("P-Asserted-Identity"), [
        `<sip:${OWN[2001]}@example.test>`,
      ]);
      assert.deepEqual(invite.all("Diversion"), [
        `<sip:${OWN[2001]}@example.test>;reason=user-busy`,
      ]);
      assert.match(
        invite.header("History-Info"),
        /^<sip:\+4930123456@example.test\?Reason=SIP%3Bcause%3D486>;index=1, /,
      );
      assert.equal((await call.request("BYE")).status, 200);
      await mobile.incoming("BYE");
      const [record] = await history(facts, "2001");
      assert.deepEqual(
        [record.result, record.forwardedTo, record.direction],
        ["forwarded", "01701234567", "incoming"],
      );
    },
  );

  gracefulTest(
    `a user has so many calls outside, over all nodes, whoever makes them: ${topology}`,
    OPTIONS,
    async (world) => {
      const { facts, far, page, desk, other, second } = await house(
        world,
        count,
        { TRUNK_CALLS: 2 },
      );
      const first = await stands(page, AOR(FAR));
      await facts.call("rules_set", { always: FAR });
      await stands(other, AOR("2001"));
      const refused = "480 Too Many Calls Outside";
      assert.equal(await refusal(desk, AOR(FAR)), refused);
      assert.equal(await refusal(other, AOR("2001")), refused);
      const byRule = await new Call(far, `sip:${OWN[2001]}@c.test`).invite({
        headers: [far.contact, over(second)],
      });
      assert.equal(byRule.startLine.slice(8), refused);
      // Somebody else has theirs, and who hangs up has one more.
      await stands(other, AOR(FAR));
      assert.equal((await first.request("BYE")).status, 200);
      await stands(desk, AOR(FAR));
    },
  );
}

gracefulTest(
  "a number of one of ours is not called outside, however it is dialled; an emergency always is",
  OPTIONS,
  async (world) => {
    const { carrier, far, first, page, other } = await house(world, 1, {
      TRUNK_CALLS: 0,
    });
    for (const dialled of ["030123457", "004930123457", OWN[2002]]) {
      other.received.length = 0;
      await stands(page, AOR(dialled));
      await other.incoming("INVITE");
    }
    assert.equal(await refusal(page, AOR(FAR)), "480 Too Many Calls Outside");
    const help = await carrier.outsider("112");
    help.respond = (/** @type {any} */ request) => taken(help, request);
    await stands(page, AOR("112"));
    assert.equal(
      uri((await help.incoming("INVITE")).header("From")),
      `sip:${OWN[2001]}@example.test`,
    );
    // Also of who has no number.
    const third = await phone(world, "f", { url: first.url, user: "2003" });
    await stands(third, AOR("112"));
    assert.deepEqual(far.received, []);
  },
);

gracefulTest(
  "what the carrier answers: ringing, busy, given up, a way elsewhere, a wrong password of ours",
  OPTIONS,
  async (world) => {
    const { carrier, facts, far, page } = await house(world, 1);
    far.respond = () => ({ status: 486, reason: "Busy Here" });
    assert.equal(await refusal(page, AOR(FAR)), "486 Busy Here");
    far.respond = () => ({
      status: 302,
      headers: [["Contact", "<sip:+49900123@elsewhere.invalid>"]],
    });
    assert.equal(await refusal(page, AOR(FAR)), "480 Temporarily Unavailable");
    far.received.length = 0;
    far.respond = ({ method }) =>
      method === "INVITE"
        ? { status: 180, reason: "Ringing" }
        : { status: 200 };
    const call = new Call(page, AOR(FAR));
    const sent = { branch: "z9hG4bKgivenup", cseq: 70 };
    const heard = (/** @type {string} */ what, /** @type {RegExp} */ pattern) =>
      world.transcript.until(what, () =>
        world.transcript.entries.find(
          ({ who, text }) => who === "a" && pattern.test(text),
        ),
      );
    // The two have one branch: whichever is answered first settles both.
    void call.invite(sent).catch(() => {});
    await heard("ringing", /^SIP\/2.0 180/);
    const { callId, fromTag } = call;
    const cancel = { callId, fromTag, ...sent };
    void page.send("CANCEL", AOR(FAR), cancel).catch(() => {});
    await far.incoming("CANCEL");
    far.answer(await far.incoming("INVITE"), { status: 487 });
    await heard("it to be given up", /^SIP\/2.0 487/);
    const calls = await eventually("three records", async () => {
      const list = await facts.call("history", {});
      return list.length === 3 && list;
    });
    assert.deepEqual(
      calls.map((/** @type {any} */ { result }) => result),
      ["cancelled", "failed", "busy"],
    );
    const { url } = await carrier.node({
      ...{ name: "w", host: "127.0.0.4", settings: { TRUNK_PASSWORD: "no" } },
    });
    const wrong = await phone(world, "e", { url, user: "2002" });
    const refused = await new Call(wrong, AOR(FAR)).invite();
    assert.equal(refused.startLine, "SIP/2.0 500 Refused Outside");
    assert.deepEqual(refused.all("Proxy-Authenticate"), []);
  },
);

for (const [name, fits] of /** @type {[string, boolean][]} */ ([
  ["localhost", true],
  ["carrier[.]example", false],
]))
  gracefulTest(
    `over TLS the carrier shows a certificate with its name: ${name}`,
    OPTIONS,
    async (world) => {
      const tls = await makeCertificate(world);
      const carrier = await Carrier.start(world, tls);
      const node = await carrier.node({
        ...{ tls, settings: { TRUNK_NAME: name } },
      });
      const facts = await Facts.on(world);
      await facts.authorise(instance("a"), "web");
      await number(facts, "2001", OWN[2001]);
      const far = await carrier.outsider(FAR);
      far.respond = (/** @type {any} */ request) => taken(far, request);
      const ca = await readFile(tls.certificate);
      const page = await phone(world, "a", { url: node.url, ca });
      const { status } = await new Call(page, AOR(FAR)).invite();
      assert.equal(status === 200, fits, `${status}`);
      assert.equal(far.received.length > 0, fits);
    },
  );
