// Messages in a folder: what is kept, and what of it is there after a stop at any moment.

import assert from "node:assert/strict";
import {
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readWav } from "../../server/voicemail/media/wav.js";
import { Store } from "../../server/voicemail/store.js";

const from = { uri: "sip:2002@example.test", displayName: "Bob" };
const AT = Date.UTC(2026, 5, 1);
const sound = (seconds) => new Int16Array(seconds * 8_000).fill(1);

function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), "voicemail-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function opened(folder, limits = { messages: 3, bytes: 1e9 }) {
  const store = new Store(folder, limits);
  await store.open();
  return store;
}

describe("a store of messages", () => {
  test("keeps what was said, for nobody else's eyes, over a restart", async (t) => {
    const folder = folderOf(t);
    const store = await opened(folder);
    const first = await store.add("2001@example.test", from, sound(1), AT);
    const second = await store.add("2001@example.test", from, sound(2), AT + 1);
    for (const one of [store, await opened(folder)]) {
      assert.deepEqual(one.list("2001@example.test"), [second, first]);
      assert.deepEqual(one.counts("2001@example.test"), { new: 2, old: 0 });
      assert.deepEqual(one.list("2002@example.test"), []);
    }
    assert.deepEqual(first, {
      id: first.id,
      from,
      at: AT,
      seconds: 1,
      new: true,
    });
    const [own] = readdirSync(folder);
    for (const file of readdirSync(join(folder, own)))
      assert.equal(statSync(join(folder, own, file)).mode & 0o077, 0, file);
    const wav = await store.sound("2001@example.test", second.id);
    assert.equal(readWav(wav).length, 16_000);
  });

  test("heard and deleted, each once, and over a restart", async (t) => {
    const folder = folderOf(t);
    const store = await opened(folder);
    const { id } = await store.add("a", from, sound(1), AT);
    assert.equal((await store.heard("a", id)).new, false);
    assert.deepEqual(store.counts("a"), { new: 0, old: 1 });
    assert.deepEqual((await opened(folder)).counts("a"), { new: 0, old: 1 });
    assert.equal(await store.delete("a", id), true);
    assert.equal(await store.delete("a", id), false);
    assert.equal(await store.heard("a", id), undefined);
    assert.equal(await store.sound("a", id), undefined);
    assert.deepEqual((await opened(folder)).list("a"), []);
    assert.deepEqual(readdirSync(join(folder, "of-a")), []);
  });

  test("messages of others cannot be had by their ids", async (t) => {
    const store = await opened(folderOf(t));
    const { id } = await store.add("a", from, sound(1), AT);
    for (const [mailbox, name] of [
      ["b", id],
      ["a/../a", id],
      ["..", "of-a"],
      ["a", `../of-a/${id}`],
      ["a", `${id}.json`],
    ]) {
      assert.equal(await store.sound(mailbox, name), undefined);
      assert.equal(await store.heard(mailbox, name), undefined);
      assert.equal(await store.delete(mailbox, name), false);
    }
  });

  test("no mailbox is outside of the folder", async (t) => {
    const folder = folderOf(t);
    const store = await opened(join(folder, "in"));
    for (const mailbox of ["..", "../up", ".", "a/b", "%2e%2e"])
      await store.add(mailbox, from, sound(1), AT);
    assert.deepEqual(readdirSync(folder), ["in"]);
    const again = await opened(join(folder, "in"));
    assert.deepEqual(again.mailboxes.sort(), store.mailboxes.sort());
  });

  test("a mailbox is full by number, all of them by bytes", async (t) => {
    const folder = folderOf(t);
    const store = await opened(folder, { messages: 2, bytes: 60_000 });
    await store.add("a", from, sound(1), AT);
    assert.ok(!store.isFull("a"));
    await store.add("a", from, sound(1), AT);
    assert.ok(store.isFull("a"));
    assert.ok(!store.isFull("b"));
    await store.add("b", from, sound(2), AT);
    assert.ok(store.isFull("b") && store.isFull("c"));
    const again = await opened(folder, { messages: 2, bytes: 60_000 });
    assert.ok(again.isFull("c"));
    await again.delete("b", again.list("b")[0].id);
    assert.ok(!again.isFull("c"));
  });

  test("what a stop left half is gone after it", async (t) => {
    const folder = folderOf(t);
    const store = await opened(folder);
    const { id } = await store.add("a", from, sound(1), AT);
    const own = join(folder, "of-a");
    const half = id.replace(/.$/, (last) => (last === "x" ? "y" : "x"));
    writeFileSync(join(own, `${half}.wav`), "only sound");
    writeFileSync(join(own, `${half}.wav.part`), "half");
    writeFileSync(join(own, "notes.txt"), "not ours");
    const again = await opened(folder);
    assert.deepEqual(
      again.list("a").map((message) => message.id),
      [id],
    );
    assert.deepEqual(readdirSync(own).sort(), [
      `${id}.json`,
      `${id}.wav`,
      "notes.txt",
    ]);
  });

  test("a disk that takes no more: nothing is kept, and nothing is left of it", async (t) => {
    const folder = folderOf(t);
    const store = await opened(folder);
    await store.add("a", from, sound(1), AT);
    // A file where the mailbox's folder would be refuses as a full disk does: by an error.
    writeFileSync(join(folder, "of-b"), "");
    await assert.rejects(store.add("b", from, sound(1), AT));
    assert.deepEqual(store.list("b"), []);
    await store.add("a", from, sound(1), AT + 1);
    assert.equal(store.list("a").length, 2);
  });
});
