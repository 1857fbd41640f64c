// Public ids: one form each, and all the way from adding one to being called by it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Account } from "graceline/account";
import { fakeMedia, startAccounts } from "graceline/testing";
import { readPublicId } from "../../server/accounts/public-ids.js";
import { next, password, setUp } from "./support/line.js";

test("each id has one form, however it is written", async () => {
  const table = await readFile(
    new URL("../rules/public-ids.txt", import.meta.url),
    "utf8",
  );
  const rows = table.split("\n").filter((row) => row.startsWith('"'));
  assert.ok(rows.length > 30);
  for (const row of rows) {
    const at = row.lastIndexOf("|");
    const id = readPublicId(JSON.parse(row.slice(0, at)))?.id ?? "-";
    assert.equal(id, row.slice(at + 1).trim(), row);
  }
});

const NUMBER = "+39333111222";

test("a number is added, confirmed by its code, called, and called from", async (t) => {
  const { registrar, phone } = await setUp(t);
  /** @type {any[]} */
  const sent = [];
  const sendCode = async (/** @type {any} */ code) => void sent.push(code);
  const accounts = await startAccounts({ registrar, sendCode });
  t.after(() => accounts.stop());
  const { url } = accounts;
  const who = { url, user: "2001", domain: "example.test", password };
  const own = new Account(who);
  t.after(() => own.close());
  const registered = async (/** @type {object} */ more) => {
    const one = phone({ account: { url }, media: fakeMedia(), ...more });
    await one.registerPhone();
    return one;
  };
  const added = await own.addPublicId("+39-333-111-222");
  assert.deepEqual(added, { id: NUMBER, kind: "tel", confirmed: false });
  const ada = await registered({ publicId: NUMBER });
  const bob = await registered({ user: "2002" });
  const [gone, foreign] = [{ status: 404 }, { status: 403 }];
  await assert.rejects(bob.message(`tel:${NUMBER}`, "hello"), gone);
  await assert.rejects(ada.message("2002", "hello"), foreign);

  const { code } = sent[0];
  await own.confirmPublicId("+39(333)111222", code);
  for (const target of [NUMBER, "tel:+39-(333)-111.222", "+39 333 111 222"]) {
    const heard = next(ada, "incoming");
    const call = bob.call(target);
    const { call: ringing } = await heard;
    assert.equal(ringing.remote.uri, "sip:2002@example.test");
    ringing.answer();
    await next(call, "connected");
    assert.equal(call.remote.uri, `sip:${NUMBER}@example.test`);
    const over = next(ringing, "ended");
    call.hangup();
    await over;
  }
  const heard = next(bob, "message");
  await ada.message("2002", "hello");
  const { from } = await heard;
  assert.equal(from.uri, `sip:${NUMBER}@example.test`);
  await assert.rejects(
    ada.message("2002", "x", { publicId: "marco" }),
    foreign,
  );
  await own.removePublicId("+39.333.111.222");
  await assert.rejects(ada.message("2002", "hello"), foreign);
});
