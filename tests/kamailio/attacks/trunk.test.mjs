/** What users, people outside, and strangers try at the carrier's cost, or in the carrier's name. */
import assert from "node:assert/strict";
import { SipClient } from "../../interop/support/sip-client.mjs";
import { Call } from "../support/call.mjs";
import { over } from "../support/carrier.mjs";
import {
  AOR,
  FAR,
  OPTIONS,
  OWN,
  house,
  outsiderSends,
  phone,
  stands,
  uri,
} from "../support/carrier-house.mjs";
import { CLAIMS, FOREIGN_ROUTE } from "../support/claims.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { StreamSocket } from "../support/stream-socket.mjs";

/** @typedef {[string, string][]} Headers */

const SDP = /** @type {[string, string]} */ ([
  "Content-Type",
  "application/sdp",
]);
const CONTACT = /** @type {[string, string]} */ ([
  "Contact",
  "<sip:x@caller.invalid;transport=ws>",
]);

/** What a call is answered. @param {any} client @param {string} target @param {Headers} [headers] */
const called = async (client, target, headers = [CONTACT]) =>
  (await new Call(client, target).invite({ headers })).startLine.slice(8);

gracefulTest(
  "nobody calls outside but a user who is registered, has a number, and calls one that is allowed",
  OPTIONS,
  async (world) => {
    const { far, first, page, server } = {
      ...(await house(world, 1)),
      server: world.server,
    };
    const third = await phone(world, "f", { url: first.url, user: "2003" });
    assert.equal(await called(third, AOR(FAR)), "403 No Public Number");
    // By a password alone, as where devices are not authorised.
    await server.database.sql("UPDATE domain SET devices = 'off'");
    const thief = await world.connect({ name: "thief", url: first.url });
    assert.equal(await called(thief, AOR(FAR)), "403 Not Registered");
    // Expensive ones, however they are dialled, and what is no number.
    for (const target of [
      ...[AOR("+49900123456"), AOR("0900123456"), "tel:+1-900-123-4567"],
      ...[AOR("+49%330555550000000"), AOR("00190012345678")],
    ])
      assert.match(await called(page, target), /^(403|404|480) /, target);
    // Nobody says where the carrier is.
    for (const target of [
      `sip:${FAR}@127.0.0.9`,
      `sip:${FAR}@trunk.invalid;line=trunk.00.00`,
      `sip:${FAR}@example.test;maddr=127.0.0.9`,
    ])
      await called(page, target, [CONTACT, ["Route", "<sip:127.0.0.9;lr>"]]);
    const urls = far.received.map(({ startLine }) => startLine);
    assert.ok(urls.length <= 1, urls.join("\n"));
    const message = await page.request("MESSAGE", AOR(FAR));
    assert.match(message.startLine, / (404|480) /);
    assert.deepEqual(
      far.received.filter(({ method }) => method !== "INVITE"),
      [],
    );
  },
);

gracefulTest(
  "nobody is seen outside by another's number, nor says there what the network says",
  OPTIONS,
  async (world) => {
    const { far, page } = await house(world, 1);
    const claims = /** @type {Headers} */ ([
      ...[CONTACT, SDP, ...CLAIMS, FOREIGN_ROUTE],
      ["P-Preferred-Identity", `<sip:${OWN[2002]}@example.test>`],
    ]);
    const call = await stands(page, AOR(FAR), { headers: claims });
    const invite = await far.incoming("INVITE");
    const own = `sip:${OWN[2001]}@example.test`;
    assert.equal(uri(invite.header("From")), own);
    assert.deepEqual(invite.all("P-Asserted-Identity"), [`<${own}>`]);
    assert.doesNotMatch(invite.text, /boss|123457/i);
    // Nor within the call, whatever From says.
    const { user } = page;
    page.user = OWN[2002];
    assert.equal((await call.request("INFO", { headers: claims })).status, 200);
    page.user = user;
    const info = await far.incoming("INFO");
    assert.equal(uri(info.header("From")), own);
    assert.doesNotMatch(info.text, /boss|123457/i);
    // The carrier connects it to nobody else.
    const refer = await call.request("REFER", {
      headers: [["Refer-To", "<sip:+49900123@carrier.test>"]],
    });
    assert.equal(refer.startLine, "SIP/2.0 403 Not Outside");
    const heard = far.received.map(({ method }) => method);
    assert.ok(!heard.includes("REFER"), heard.join());
  },
);

gracefulTest(
  "the way to the carrier is of one call: nobody takes it to another, or changes it",
  OPTIONS,
  async (world) => {
    const { far, page, other } = await house(world, 1);
    const mine = await stands(page, AOR(FAR));
    const theirs = await stands(other, AOR(FAR));
    const way = mine.accepted.contacts[0].uri;
    const stolen = theirs.accepted.contacts[0].uri;
    /** @param {string} target */
    const sent = async (target) => {
      const { accepted } = mine;
      const answer = await page.send("INFO", target, {
        ...{ callId: mine.callId, fromTag: mine.fromTag, to: AOR(FAR) },
        toTag: /;tag=([^;]+)/.exec(accepted.header("To"))?.[1],
        headers: accepted
          .all("Record-Route")
          .reverse()
          .map((route) => /** @type {[string, string]} */ (["Route", route])),
      });
      return answer.status;
    };
    const forged = Buffer.from(
      `sip:${OWN[2002]}@example.test|sip:+49900123@127.0.0.9|`,
    ).toString("hex");
    for (const target of [
      stolen,
      way.replace(/trunk\.[0-9a-f]+\./, `trunk.${forged}.`),
      way.replace(/.{4}$/, "0000"),
      "sip:trunk.invalid;line=trunk.",
    ])
      assert.equal(await sent(target), 480, target);
    const heard = far.received.map(({ method }) => method);
    assert.ok(!heard.includes("INFO"), heard.join());
    assert.equal(await sent(way), 200);
  },
);

gracefulTest(
  "somebody outside reaches users by their numbers, and is none of ours",
  OPTIONS,
  async (world) => {
    const { far, first, page } = await house(world, 1);
    const node = over(first);
    const own = `sip:${OWN[2001]}@carrier.test`;
    const heads = /** @type {Headers} */ ([far.contact, SDP, node]);
    for (const user of ["2001", "voicemail", "cti", "*987", FAR, "+49900123"])
      assert.equal(await called(far, AOR(user), heads), "404 Not Found", user);
    for (const method of ["MESSAGE", "REFER", "NOTIFY", "PUBLISH", "SUBSCRIBE"])
      assert.equal(
        (await far.send(method, own, { headers: [node] })).status,
        403,
        method,
      );
    assert.deepEqual(page.received, []);
    // From names a login; or one of our numbers, which proves nothing.
    const { user, domain } = far;
    Object.assign(far, { user: "2002", domain: "example.test" });
    assert.match(await called(far, own, heads), /^403 /);
    Object.assign(far, { user: OWN[2002] });
    const call = await stands(far, own, {
      headers: [
        ...heads,
        ...CLAIMS.filter(([name]) => !/^p-asserted-id/i.test(name)),
        ["Replaces", "1;to-tag=2;from-tag=3"],
      ],
    });
    Object.assign(far, { user, domain });
    const invite = await page.incoming("INVITE");
    assert.deepEqual(invite.all("P-Asserted-Identity"), []);
    assert.deepEqual(invite.all("Replaces"), []);
    assert.doesNotMatch(invite.text, /boss/i);
    assert.match(invite.contacts[0].uri, /^sip:trunk.invalid;line=trunk/);
    // Nobody outside has our phones call, or obey.
    for (const method of ["REFER", "NOTIFY", "MESSAGE", "SUBSCRIBE"])
      assert.equal((await call.request(method)).status, 403, method);
    // Towards the carrier nobody has a login.
    assert.deepEqual(call.accepted.all("P-Asserted-Identity"), []);
  },
);

gracefulTest(
  "nobody but the carrier's addresses calls in its name, nor answers",
  OPTIONS,
  async (world) => {
    const { far, first, page } = await house(world, 1);
    const stranger = await SipClient.connect({
      ...{ url: "", name: "stranger", user: FAR, domain: "127.0.0.9" },
      ...{ password: "", transport: "TCP", transcript: world.transcript },
      socket: new StreamSocket(first.port, first.host, "127.0.0.7"),
    });
    world.after(() => stranger.terminate());
    const own = `sip:${OWN[2001]}@example.test`;
    const invite = await new Call(stranger, own).invite();
    assert.equal(invite.status, 403);
    assert.deepEqual(page.received, []);
    // Within a call: its Route, and its line, are no proof.
    await stands(page, AOR(FAR));
    const taken = await far.incoming("INVITE");
    const bye = await outsiderSends(
      Object.assign(stranger, { name: far.name }),
      ...["BYE", taken, own],
    );
    assert.equal(bye.status, 403);
    assert.deepEqual(page.received, []);
  },
);
