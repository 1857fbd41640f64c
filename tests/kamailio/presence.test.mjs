/**
 * How available users are (RFC 3856), and what waits in their mailboxes (RFC 3842), on one node and on
 * two: told of every change, to those who may know.
 */
import assert from "node:assert/strict";
import { contact, instance } from "./support/contacts.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import { Watcher } from "./support/watcher.mjs";

const PIDF = "application/pidf+xml";
const SUMMARY = "application/simple-message-summary";
/** Documents of each. @type {Record<string, string>} */
const TYPES = {
  presence: PIDF,
  "message-summary": SUMMARY,
  dialog: "application/dialog-info+xml",
};
const ALICE = "sip:2001@example.test";
const BOB = "sip:2002@example.test";

const TWO_NODES = {
  nodes: [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
};

/** @param {string} digit @param {object} [more] */
const bound = (digit, more) =>
  contact(digit, { instance: instance(digit), ...more });

/** A subscription to one of these. @param {any} client @param {string} event @param {string} uri */
async function watch(client, event, uri) {
  const watcher = new Watcher(client);
  const accept = TYPES[event];
  const answer = await watcher.subscribe(600, { event, uri, accept });
  return Object.assign(watcher, {
    answer,
    /** Again, with another time. @param {number} expires */
    renew: (expires) => watcher.subscribe(expires, { event, accept }),
    /** What the nth NOTIFY says, once it is there. @param {number} nth */
    told: async (nth) => {
      const notify = await client.transcript.until(
        `NOTIFY ${nth} of ${event} to ${client.name}`,
        () => watcher.notifies[nth - 1],
      );
      assert.equal(notify.header("Content-Type"), accept);
      return read(notify.body);
    },
  });
}

/** @param {string} body */
function read(body) {
  const summary = /^Voice-Message: (\d+\/\d+) \(0\/0\)\r$/m.exec(body);
  if (summary) return summary[1];
  const basic = /<basic>(\w+)<\/basic>/.exec(body)?.[1];
  const activity = /<rpid:activities><rpid:([\w-]+)\/>/.exec(body)?.[1];
  const note = /<note>([^<]*)<\/note>/.exec(body)?.[1];
  return [basic, activity, note].filter(Boolean).join(" ");
}

/** @param {string} inside @param {string} [basic] */
const pidf = (inside, basic = "open") =>
  `<?xml version="1.0"?><p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="${ALICE}"><p:tuple id="t"><p:status><p:basic>${basic}</p:basic></p:status></p:tuple>${inside}</p:presence>`;
const AWAY =
  '<dm:person xmlns:dm="d" id="p"><r:activities><r:away/></r:activities></dm:person>';

/**
 * @param {any} client
 * @param {string} body
 * @param {{ uri?: string, event?: string, type?: string, etag?: string, expires?: number }} [says]
 */
const publish = (client, body, says = {}) =>
  client.request("PUBLISH", says.uri ?? client.aor, {
    to: says.uri ?? client.aor,
    body,
    headers: [
      ["Event", says.event ?? "presence"],
      ["Expires", `${says.expires ?? 600}`],
      ...(body ? [["Content-Type", says.type ?? PIDF]] : []),
      ...(says.etag ? [["SIP-If-Match", says.etag]] : []),
    ],
  });

for (const [through, options] of /** @type {const} */ ([
  ["one node", {}],
  ["two nodes", TWO_NODES],
]))
  gracefulTest(
    `presence follows from facts, and a device that is gone has said nothing: ${through}`,
    /** @type {any} */ (options),
    async (world) => {
      const [here, there = here] = world.server.nodes;
      const facts = new Facts(world.server.redis);
      const bob = await world.connect({
        ...{ name: "bob", user: "2002", url: here.url },
      });
      await bob.register({ contacts: [bound("b")] });
      const seen = await watch(bob, "presence", ALICE);
      assert.equal(seen.answer.status, 200);
      assert.equal(await seen.told(1), "closed");

      const alice = await world.connect({ name: "alice", url: there.url });
      await alice.register({ contacts: [bound("a")] });
      assert.equal(await seen.told(2), "open");
      const said = await publish(
        alice,
        pidf(`${AWAY}<p:note>l &#38; t</p:note>`),
      );
      assert.equal(said.status, 200);
      assert.equal(await seen.told(3), "open away l &amp; t");
      // What is said again is no news.
      const etag = said.header("SIP-ETag");
      const again = await publish(alice, "", { etag });
      assert.equal(again.status, 200);
      assert.equal((await publish(alice, "", { etag })).status, 412);
      await facts.call("rules_set", { doNotDisturb: true });
      assert.equal(await seen.told(4), "open busy l &amp; t");
      await facts.call("rules_set", { doNotDisturb: false });
      assert.equal(await seen.told(5), "open away l &amp; t");
      await alice.terminate();
      assert.equal(await seen.told(6), "closed");
      // By hand, with no device.
      await facts.call("presence_manual_set", { state: "away", note: "ö" });
      assert.equal(await seen.told(7), "open away ö");

      assert.equal((await seen.renew(600)).status, 200);
      assert.equal(await seen.told(8), "open away ö");
      assert.equal((await seen.renew(0)).status, 200);
      await seen.told(9);
      assert.match(
        seen.notifies[8].header("Subscription-State"),
        /^terminated/,
      );
      assert.equal((await seen.renew(600)).status, 481);
      await facts.call("presence_manual_set", {});
      assert.equal(seen.notifies.length, 9);
    },
  );

gracefulTest(
  "the lamp: the voicemail server alone says it, all devices of the user see it",
  {
    ...TWO_NODES,
    accounts: ["2001", "2002", "voicemail"].map((user) => ({ user })),
  },
  async (world) => {
    const [here, there] = world.server.nodes;
    const facts = new Facts(world.server.redis);
    const desk = await world.connect({ name: "desk", url: here.url });
    await desk.register({ contacts: [bound("a", { device: "DESK" })] });
    const web = await world.connect({ name: "web", url: there.url });
    await web.register({ contacts: [bound("b", { device: "WEB" })] });
    const lamps = await Promise.all(
      [desk, web].map((client) => watch(client, "message-summary", ALICE)),
    );
    for (const lamp of lamps) assert.equal(await lamp.told(1), "0/0");
    await facts.call("mailbox_set", { new: 2, old: 1 });
    for (const lamp of lamps) assert.equal(await lamp.told(2), "2/1");

    const server = await world.connect({
      ...{ name: "server", user: "voicemail", url: there.url },
    });
    const says = { uri: ALICE, event: "message-summary", type: SUMMARY };
    const summary = "Messages-Waiting: yes\r\nVoice-Message: 1/2 (0/0)\r\n";
    assert.equal((await publish(web, summary, says)).status, 403);
    assert.equal((await publish(server, summary, says)).status, 200);
    for (const lamp of lamps) assert.equal(await lamp.told(3), "1/2");
    assert.deepEqual(await facts.call("mailbox", {}), { new: 1, old: 2 });
    assert.equal((await publish(server, "x", says)).status, 400);
    assert.equal(
      (await publish(server, summary, { ...says, type: PIDF })).status,
      415,
    );
  },
);

gracefulTest(
  "those who may not know are told nothing, and nobody speaks for others",
  {},
  async (world) => {
    const alice = await world.connect({ name: "alice" });
    await alice.register({ contacts: [bound("a")] });
    const bob = await world.connect({ name: "bob", user: "2002" });
    await bob.register({ contacts: [bound("b")] });
    /** @param {string} event @param {string} uri */
    const status = async (event, uri) =>
      (await watch(bob, event, uri)).answer.status;
    assert.equal(await status("message-summary", ALICE), 403);
    assert.equal(await status("presence", "sip:2001@elsewhere.test"), 403);
    assert.equal(await status("presence", "sip:nobody@example.test"), 404);
    assert.equal(await status("dialog", ALICE), 403);
    assert.equal(await status("talk", BOB), 489);
    const stranger = await world.connect({ name: "stranger", user: "2002" });
    const challenged = await stranger.send("SUBSCRIBE", ALICE, {
      headers: [["Event", "presence"]],
    });
    assert.equal(challenged.status, 407);

    assert.equal((await publish(bob, pidf(AWAY), { uri: ALICE })).status, 403);
    assert.equal(
      (await publish(alice, pidf(AWAY), { type: "text/plain" })).status,
      415,
    );
    assert.equal((await publish(alice, "")).status, 400);
    for (const trick of [
      `<!DOCTYPE p [<!ENTITY a "b">]>${pidf("")}`,
      pidf("<p:note><![CDATA[x]]></p:note>"),
      "no document",
    ])
      assert.equal((await publish(alice, trick)).status, 400, trick);
    const answers = [];
    for (let change = 0; change < 25; change++)
      answers.push(await publish(alice, pidf(AWAY)));
    const counted = answers.filter((answer) => answer.status === 503);
    assert.ok(counted.length >= 5, `${counted.length} refused`);
    assert.equal(counted[0].header("Retry-After"), "10");
  },
);
