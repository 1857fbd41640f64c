/**
 * The line in a Contact (deploy/kamailio/lines.cfg): it leads back to who showed it, and tells nothing of whose it
 * is; one that no node has made leads nowhere.
 */
import assert from "node:assert/strict";
import { Call, shownLine } from "../support/call.mjs";
import { Facts } from "../support/facts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { AOR, history } from "../support/household.mjs";
import { parties } from "../support/parties.mjs";

const accounts = ["2001", "2002", "2003"].map((user) => ({ user }));
const TOPOLOGIES = [
  [{ name: "a" }],
  [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
];

const lineOf = (/** @type {any} */ message) =>
  /;line=([^;>]+)/.exec(message.contacts[0].uri)?.[1] ?? "";

/** Lines that no node has made, of one that a node has. */
function forgeries(/** @type {string} */ line, /** @type {string} */ other) {
  const [cipher, mac] = line.split(".");
  const [otherCipher, otherMac] = other.split(".");
  const hex = Buffer.from("2003@example.test").toString("hex");
  const flipped = (/** @type {string} */ text, /** @type {number} */ at) =>
    text.slice(0, at) + (text[at] === "0" ? "1" : "0") + text.slice(at + 1);
  return {
    "changed at its start": `${flipped(cipher, 0)}.${mac}`,
    "changed in the middle": `${flipped(cipher, cipher.length / 2)}.${mac}`,
    "changed at its end": `${flipped(cipher, cipher.length - 1)}.${mac}`,
    "with another proof": `${cipher}.${flipped(mac, 3)}`,
    "with the proof of another": `${cipher}.${otherMac}`,
    "without its first block": `${cipher.slice(32)}.${mac}`,
    "without its last block": `${cipher.slice(0, -32)}.${mac}`,
    "without its last digit": `${cipher.slice(0, -1)}.${mac}`,
    "spliced of two": `${cipher.slice(0, 32)}${otherCipher.slice(32)}.${mac}`,
    "one behind the other": `${cipher}${otherCipher}.${mac}`,
    "without its proof": cipher,
    "with an empty proof": `${cipher}.`,
    "with a proof cut short": `${cipher}.${mac.slice(0, 8)}`,
    "with more behind the proof": `${line}.a`,
    "in capitals": line.toUpperCase().replace(/^(\d*)a/i, "$1A"),
    "in clear": `${hex}.0.a`,
    "in clear, with a proof": `${hex}.${mac}`,
    "for the carrier": `trunk.${hex}.${mac}${mac}`,
    empty: "",
    "much too long": `${cipher.repeat(40)}.${mac}`,
  };
}

for (const nodes of TOPOLOGIES)
  gracefulTest(
    `a line that no node has made reaches nobody: ${nodes.length} nodes`,
    { accounts, nodes },
    async (world) => {
      const { alice, bob, carol } = await parties(world);
      const call = await Call.start(alice, AOR("2002"), bob);
      const [remote] = call.accepted.contacts;
      const forged = forgeries(await shownLine(carol), lineOf(call.accepted));
      for (const one of [alice, bob, carol]) one.received.length = 0;
      for (const [what, line] of Object.entries(forged)) {
        const uri = `sip:x@x.invalid;line=${line}`;
        for (const method of ["OPTIONS", "MESSAGE", "INVITE", "REFER"]) {
          const { status } = await alice.request(method, uri, {
            headers: [["Contact", "<sip:a@caller.invalid>"]],
          });
          assert.equal(status, 404, `${method}: ${what}`);
        }
        // In a call that stands: neither the carrier nor a third is in it, and it is the other's line or none.
        const inside = remote.uri.replace(/;line=[^;]+/, `;line=${line}`);
        for (const method of ["INFO", "REFER", "BYE"]) {
          const { status } = await call.request(method, { uri: inside });
          assert.equal(status, 481, `${method} inside: ${what}`);
        }
      }
      for (const one of [alice, bob, carol]) assert.deepEqual(one.received, []);
      assert.equal((await call.request("BYE")).status, 200);
    },
  );

for (const nodes of TOPOLOGIES)
  gracefulTest(
    `a line shown in a call under an id leads to its user, who stays unknown: ${nodes.length} nodes`,
    { accounts, nodes },
    async (world) => {
      const { alice, bob } = await parties(world);
      const facts = new Facts(world.server.redis);
      await facts.call("public_id_add", { id: "ada", kind: "name" });
      alice.user = "ada";
      const call = await Call.start(alice, AOR("2002"), bob);
      const line = lineOf(await bob.incoming("INVITE"));
      assert.equal((await call.request("BYE")).status, 200);
      alice.user = "2001";
      // The call is over; who was in it asks, writes and calls by what it has kept of it.
      bob.received.length = 0;
      const uri = `sip:x@x.invalid;line=${line}`;
      const heard = [];
      for (const method of ["OPTIONS", "MESSAGE"]) {
        const answer = await bob.request(method, uri);
        assert.equal(answer.status, 200, method);
        heard.push(answer);
      }
      const back = await Call.start(bob, uri, alice);
      heard.push(back.accepted, ...bob.received);
      assert.equal((await back.request("BYE")).status, 200);
      for (const { text } of heard) {
        // As a word: an enciphered line may happen to have these digits.
        assert.doesNotMatch(text, /\b2001\b|323030314/);
        assert.doesNotMatch(text, /P-Asserted-Identity/);
      }
      const [last] = await history(facts, "2002");
      assert.equal(last.direction, "outgoing");
      assert.equal(last.result, "answered");
      assert.doesNotMatch(JSON.stringify([last.to, last.from]), /2001/);
    },
  );
