// Calls that rules send to the voicemail, from a caller's first word to the user's ear: test
// registrar, account service, voicemail, and a caller that speaks plain RTP.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Phone } from "graceline";
import { Account } from "graceline/account";
import {
  startAccounts,
  startRegistrar,
  startVoicemail,
} from "graceline/testing";
import { WebSocket } from "ws";
import { readWav } from "../../server/voicemail/media/wav.js";
import { DOMAIN, password } from "./support/account-client.js";
import { next } from "./support/line.js";
import { rtpMedia } from "./support/rtp-media.js";

/** Until the tone has passed, in packets of 20 ms: 0.4 s without a greeting. */
const TONE = 20;

async function scene(t, options) {
  const registrar = await startRegistrar({
    users: { 2001: { password }, 2002: { password, unique: "on" } },
    domain: DOMAIN,
  });
  t.after(() => registrar.stop());
  const accounts = await startAccounts({ registrar });
  t.after(() => accounts.stop());
  registrar.configure({ devices: "off" });
  const folder = mkdtempSync(join(tmpdir(), "voicemail-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const log = [];
  const begin = async () => {
    const voicemail = await startVoicemail({
      ...{ accounts, registrar, folder },
      log: (entry) => log.push(entry),
      ...options,
    });
    t.after(() => voicemail.stop());
    return voicemail;
  };
  const account = (user) => {
    const { url } = accounts;
    const account = new Account({ url, user, domain: DOMAIN, password });
    t.after(() => account.close());
    return account;
  };
  const media = rtpMedia();
  const phone = async (user) => {
    const phone = new Phone({
      ...{ connections: registrar.url, user, domain: DOMAIN, password },
      ...{ media, WebSocket, storage: null },
    });
    t.after(() => phone.close());
    await phone.registerPhone();
    return phone;
  };
  const own = account("2002");
  await own.setRules({ offline: "voicemail" });
  const voicemail = await begin();
  const caller = await phone("2001");

  /** Calls 2002, hears the tone, says something, and hangs up. */
  const leave = async (seconds) => {
    const call = caller.call("2002");
    await next(call, "connected");
    const line = media.made.at(-1);
    await line.packets(TONE);
    await line.say(seconds);
    return { call, line };
  };
  return {
    account,
    accounts,
    begin,
    caller,
    leave,
    log,
    own,
    phone,
    voicemail,
  };
}

/** Of a tone in the middle of `samples`, in Hz. */
function pitch(samples) {
  const middle = samples.subarray(samples.length / 4, (samples.length * 3) / 4);
  let turns = 0;
  for (let n = 1; n < middle.length; n++)
    if (middle[n - 1] < 0 && middle[n] >= 0) turns += 1;
  return turns / (middle.length / 8000);
}

/** What the next change of the lamp says. */
const lamp = (account) => next(account, "voicemail");

test("the lamps of the user's phones and pages go by the messages, within a second", async (t) => {
  const { leave, own, phone } = await scene(t);
  await own.setRules({ always: "voicemail" });
  const callee = await phone("2002");
  if (!callee.voicemail) await next(callee, "voicemail");
  const both = async (deed) => {
    const told = [own, callee].map((one) => next(one, "voicemail"));
    const begun = performance.now();
    await deed();
    const [account, lamp] = await Promise.all(told);
    const took = performance.now() - begun;
    assert.deepEqual(lamp, account);
    assert.deepEqual(callee.voicemail, account);
    assert.ok(took < 1000, `${took} ms`);
    return account;
  };
  const { call } = await leave(2);
  assert.deepEqual(await both(() => call.hangup()), { new: 1, old: 0 });
  const [{ id }] = await own.voicemails();
  assert.deepEqual(await both(() => own.heard(id)), { new: 0, old: 1 });
  assert.deepEqual(await both(() => own.deleteVoicemail(id)), {
    ...{ new: 0, old: 0 },
  });
});

test("what a caller says is listed, heard and deleted, and the lamp goes by it", async (t) => {
  const { leave, own } = await scene(t);
  let told = lamp(own);
  const { call } = await leave(2);
  await call.hangup();
  assert.deepEqual(await told, { new: 1, old: 0 });
  const [message] = await own.voicemails();
  assert.match(message.from.uri, /^sip:2001@example\.test$/);
  assert.equal(message.new, true);
  assert.equal(message.seconds, 2);
  const sound = await fetch(message.url);
  assert.equal(sound.headers.get("content-type"), "audio/wav");
  const samples = readWav(Buffer.from(await sound.arrayBuffer()));
  assert.ok(Math.abs(samples.length - 16_000) <= 160, `${samples.length}`);
  assert.ok(Math.abs(pitch(samples) - 440) < 5, `${pitch(samples)} Hz`);
  told = lamp(own);
  await own.heard(message.id);
  assert.deepEqual(await told, { new: 0, old: 1 });
  told = lamp(own);
  await own.deleteVoicemail(message.id);
  assert.deepEqual(await told, { new: 0, old: 0 });
  assert.deepEqual(await own.voicemails(), []);
  await assert.rejects(own.heard(message.id), { code: "eNotFound" });
  const [record] = await own.history();
  assert.equal(record.result, "voicemail");
});

test("what rings goes there when the phone says so, whatever the rules have", async (t) => {
  const { caller, leave, own, phone } = await scene(t);
  await own.setRules({ busy: "2001", noAnswer: { to: "2001", seconds: 60 } });
  const callee = await phone("2002");
  const rings = next(callee, "incoming");
  const told = lamp(own);
  const left = leave(2);
  const { call: ringing } = await rings;
  await ringing.deflect("voicemail");
  const { call } = await left;
  await call.hangup();
  assert.equal((await told).new, 1);
  const [message] = await own.voicemails();
  assert.equal(message.from.uri, "sip:2001@example.test");
  assert.equal(message.seconds, 2);
  const [record] = await own.history();
  assert.equal(record.result, "voicemail");
  assert.deepEqual(caller.calls, []);
});

test("messages are their user's, and no ticket plays those of others", async (t) => {
  const { account, accounts, leave, own } = await scene(t);
  const told = lamp(own);
  const { call } = await leave(2);
  await call.hangup();
  await told;
  const [message] = await own.voicemails();
  const other = account("2001");
  assert.deepEqual(await other.voicemails(), []);
  for (const deed of ["heard", "deleteVoicemail"])
    await assert.rejects(other[deed](message.id), { code: "eNotFound" });
  const [, id, ticket] = /voicemails\/(.*)\/sound\/(.*)$/.exec(message.url);
  for (const path of [
    `v1/voicemails/${id}/sound/x`,
    `v1/voicemails/${id}/sound/${ticket.slice(0, -2)}AA`,
    `v1/voicemails/x/sound/${ticket}`,
    `v1/voicemails/..%2f${id}/sound/${ticket}`,
  ]) {
    const { status } = await fetch(new URL(path, accounts.url));
    assert.ok([400, 404].includes(status), `${path}: ${status}`);
  }
  const part = await fetch(message.url, { headers: { range: "bytes=0-3" } });
  assert.equal(part.status, 206);
  assert.equal(await part.text(), "RIFF");
});

test("who calls it without being sent there leaves nothing", async (t) => {
  const { caller, own } = await scene(t);
  const call = caller.call("voicemail");
  await assert.rejects(
    call.started ?? next(call, "ended").then(Promise.reject),
  );
  assert.deepEqual(await own.voicemails(), []);
});

test("a full mailbox takes no more, and says so to its administrator", async (t) => {
  const { caller, leave, log, own } = await scene(t, { messages: 1 });
  const told = lamp(own);
  const { call } = await leave(2);
  await call.hangup();
  await told;
  const second = caller.call("2002");
  assert.equal((await next(second, "ended")).status, 480);
  assert.equal((await own.voicemails()).length, 1);
  assert.ok(log.some(({ message }) => /takes no more/.test(message)));
});

test("it ends a message that is too long, and keeps what was said", async (t) => {
  const { leave, own } = await scene(t, { seconds: 2 });
  const told = lamp(own);
  const { call } = await leave(3);
  if (call.state !== "ended") await next(call, "ended");
  await told;
  assert.equal((await own.voicemails())[0].seconds, 2);
});

test("when it is stopped what was said by then is kept, and told again", async (t) => {
  const { begin, leave, own, voicemail } = await scene(t);
  const told = lamp(own);
  const { line } = await leave(2);
  // The last packet is out; what comes back shows that the voicemail is there.
  await line.packets(TONE);
  await voicemail.stop();
  await told;
  await begin();
  const messages = await own.voicemails();
  assert.equal(messages.length, 1);
  assert.ok(messages[0].seconds >= 1);
});
