// Calls of a phone that tabs share: what is true in every browser. `there` is another
// user's, in a profile of its own, whose phone is not shared.

import assert from "node:assert/strict";

/** Tabs that share a phone, and a far end; both are logged in. */
async function setUp({ open, elsewhere, user, other }, count = 2) {
  const tabs = [];
  for (let n = 0; n < count; n++) tabs.push(await open());
  const there = await elsewhere();
  for (const tab of tabs) await tab.run("make", user.options);
  await there.run("make", { ...other.options, shared: false });
  assert.equal(await tabs[0].run("register"), "done");
  assert.equal(await there.run("register"), "done");
  if (count > 1)
    for (const tab of tabs) await tab.run("heard", `tabs ${count}`);
  return { tabs, there, callee: user.options.user, caller: other.options.user };
}

const talk = async (tab, there) => {
  await tab.run("hears", 0);
  await there.run("hears", 0);
};

export const stories = {
  async "a call rings in each tab; the one that answers has the sound"(world) {
    const { tabs, there, callee } = await setUp(world, 3);
    const [one, two, three] = tabs;
    await there.run("dial", callee);
    for (const tab of tabs) await tab.run("until", 0, { state: "incoming" });
    const answers = await Promise.all([
      two.run("do", 0, "answer"),
      three.run("do", 0, "answer"),
    ]);
    assert.deepEqual(answers.sort(), ["done", "eInvalidState"]);
    assert.equal(await one.run("do", 0, "answer"), "eInvalidState");
    for (const tab of tabs) await tab.run("until", 0, { state: "connected" });
    const seen = await Promise.all(tabs.map((tab) => tab.run("calls")));
    assert.equal(new Set(seen.map(([{ id }]) => id)).size, 1);
    assert.equal(seen.filter(([{ here }]) => here).length, 1);
    const at = seen.findIndex(([{ here }]) => here);
    const silent = tabs[(at + 1) % 3];
    await talk(tabs[at], there);
    assert.equal(await tabs[at].run("streams", 0), 2);
    assert.equal(await silent.run("streams", 0), 0);
    assert.equal(await silent.run("stats", 0), "eInvalidState");
    await there.run("do", 0, "hangup");
    for (const tab of tabs) {
      await tab.run("heard", "ended remote");
      const story = await tab.run("story");
      assert.equal(story.filter((one) => one.startsWith("incoming")).length, 1);
      assert.equal(story.filter((one) => one === "ended remote").length, 1);
      assert.deepEqual(await tab.run("calls"), []);
    }
  },

  async "a call from one tab is one in each, and takes orders from each"(
    world,
  ) {
    const { tabs, there, caller } = await setUp(world);
    const [one, two] = tabs;
    await one.run("dial", caller);
    await there.run("until", 0, { state: "incoming" });
    await two.run("until", 0, { state: "ringing", here: false });
    await there.run("do", 0, "answer");
    for (const tab of tabs) await tab.run("until", 0, { state: "connected" });
    await talk(one, there);
    const [[mine], [theirs]] = [await one.run("calls"), await two.run("calls")];
    assert.deepEqual([mine.here, theirs.here], [true, false]);
    assert.deepEqual({ ...mine, here: 0 }, { ...theirs, here: 0 });
    assert.equal(await two.run("do", 0, "hold"), "done");
    await one.run("until", 0, { state: "held", heldBy: "local" });
    await there.run("until", 0, { state: "held", heldBy: "remote" });
    assert.equal(await two.run("do", 0, "resume"), "done");
    await one.run("until", 0, { state: "connected" });
    assert.equal(await two.run("do", 0, "mute", "audio"), "done");
    await one.run("until", 0, { muted: { audio: true, video: false } });
    assert.equal(await one.run("do", 0, "unmute"), "done");
    assert.equal(await two.run("do", 0, "sendDtmf", "1"), "done");
    await talk(one, there);
    assert.equal(await two.run("do", 0, "hangup"), "done");
    for (const tab of tabs) await tab.run("heard", "ended local");
    await there.run("heard", "ended remote");
  },

  async "a tab that comes later finds the calls"(world) {
    const { tabs, there, caller, callee } = await setUp(world, 1);
    const [one] = tabs;
    await one.run("dial", caller);
    await there.run("until", 0, { state: "incoming" });
    await there.run("do", 0, "answer");
    await one.run("until", 0, { state: "connected" });
    await there.run("dial", callee);
    await one.run("until", 1, { state: "incoming" });
    const late = await world.open();
    await late.run("make", world.user.options);
    await late.run("until", 1, { state: "incoming" });
    const seen = [await one.run("calls"), await late.run("calls")];
    assert.deepEqual(
      seen[0].map((call) => ({ ...call, here: false })),
      seen[1],
    );
    const story = await late.run("story");
    assert.deepEqual(story.map((one) => one.replace(/ \d+$/, "")).slice(0, 4), [
      ...["eReady", "tabs", "call", "incoming"],
    ]);
    assert.equal(await late.run("do", 1, "reject"), "done");
    await there.run("heard", "ended rejected");
    assert.equal((await one.run("calls")).length, 1);
  },

  async "brought into another tab, the sound is there, and here no more"(
    world,
  ) {
    const { tabs, there, caller } = await setUp(world);
    const [one, two] = tabs;
    await one.run("dial", caller);
    await there.run("until", 0, { state: "incoming" });
    await there.run("do", 0, "answer");
    await two.run("until", 0, { state: "connected" });
    await talk(one, there);
    for (const [from, to] of [
      [one, two],
      [two, one],
    ]) {
      assert.equal(await to.run("do", 0, "bringHere"), "done");
      assert.equal((await to.run("calls"))[0].here, true);
      await from.run("until", 0, { here: false });
      assert.equal(await from.run("streams", 0), 0);
      await talk(to, there);
    }
    assert.deepEqual(
      (await two.run("story")).filter((one) => /here/.test(one)),
      ["here", "not here"],
    );
    // One session, whoever describes it (RFC 3264 §8).
    const offers = await there.run("offers");
    assert.equal(offers.length, 3);
    assert.match(offers[0], /^a=setup:active/m);
    const origins = offers.map((sdp) => /^o=(\S+ \S+) (\d+)/m.exec(sdp));
    assert.equal(new Set(origins.map(([, session]) => session)).size, 1);
    const versions = origins.map(([, , version]) => Number(version));
    assert.ok(versions[0] < versions[1] && versions[1] < versions[2]);
    await two.run("do", 0, "hangup");
    await there.run("heard", "ended remote");
  },

  async "the tab with the sound is closed: another one goes on"(world) {
    const { tabs, there, callee } = await setUp(world);
    const [one, two] = tabs;
    await there.run("dial", callee);
    await one.run("until", 0, { state: "incoming" });
    await one.run("do", 0, "answer");
    await talk(one, there);
    there.run("listen", 0).catch(() => {});
    await one.close();
    await two.run("until", 0, { here: true });
    await talk(two, there);
    world.report?.(
      `${Math.round(await there.run("silence"))} ms without sound`,
    );
    assert.ok((await there.run("silence")) < 5000);
    await two.run("do", 0, "hold");
    await there.run("until", 0, { heldBy: "remote" });
    await two.run("do", 0, "hangup");
    await there.run("heard", "ended remote");
  },

  async "whoever calls and goes has hung up"(world) {
    const { tabs, there, caller } = await setUp(world);
    const [one, two] = tabs;
    await one.run("dial", caller);
    await there.run("until", 0, { state: "incoming" });
    await one.close();
    await there.run("heard", "ended cancelled");
    await two.run("until", 0, { state: "ended" });
  },
};
