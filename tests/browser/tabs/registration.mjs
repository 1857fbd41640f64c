// One registration for all tabs: what is true in every browser. A story gets `open`, which
// opens tabs of one profile (with `elsewhere`, of another one), and a user.

import assert from "node:assert/strict";

const ready = ["eRegistering", "eReady"];
/** Without what tells of other tabs. */
const heardBy = async (tab) =>
  (await tab.run("story")).filter((one) => !one.startsWith("tabs "));

export const stories = {
  async "one socket and one registration, the same in each tab"({
    open,
    user,
  }) {
    const [one, two] = [await open(), await open()];
    await one.run("make", user.options);
    await two.run("make", user.options);
    assert.equal(await one.run("register"), "done");
    await two.run("heard", "eReady");
    assert.equal(await two.run("register"), "done");
    await one.run("heard", "tabs 2");
    const [a, b] = [await one.run("state"), await two.run("state")];
    assert.deepEqual([a.tabs.count, b.tabs.count], [2, 2]);
    assert.notEqual(a.tabs.leads, b.tabs.leads);
    assert.deepEqual(a.registration, b.registration);
    assert.equal(a.instanceId, a.registration.instanceId);
    assert.equal(b.instanceId, a.instanceId);
    assert.deepEqual(await heardBy(one), ready);
    assert.deepEqual(await heardBy(two), ready);
    assert.equal(user.bindings().length, 1);
    assert.equal(user.connections(), 1);
    // A challenge, and its answer.
    assert.equal(user.count("REGISTER"), 2);
  },

  async "ten tabs opened at once, which all log in"({ open, user }) {
    const tabs = await Promise.all(Array.from({ length: 10 }, () => open()));
    const logins = tabs.map(async (tab) => {
      await tab.run("make", user.options);
      return tab.run("register");
    });
    assert.deepEqual(await Promise.all(logins), Array(10).fill("done"));
    for (const tab of tabs) {
      await tab.run("heard", "eReady");
      assert.deepEqual((await heardBy(tab)).at(-1), "eReady");
    }
    assert.equal(user.bindings().length, 1);
    assert.equal(user.connections(), 1);
    assert.equal(user.count("REGISTER"), 2);
    const instances = await Promise.all(tabs.map((tab) => tab.run("state")));
    assert.equal(new Set(instances.map((one) => one.instanceId)).size, 1);
  },

  async "a tab that comes later finds what there is"({ open, user }) {
    const one = await open();
    await one.run("make", user.options);
    await one.run("register");
    const two = await open();
    await two.run("make", user.options);
    await two.run("heard", "eReady");
    const { registration } = await two.run("state");
    assert.deepEqual(registration, (await one.run("state")).registration);
    assert.deepEqual(await heardBy(two), ["eReady"]);
    assert.equal(user.count("REGISTER"), 2);
  },

  async "refused because of a login elsewhere: the tab that asked hears of it, alone"({
    open,
    elsewhere,
    user,
  }) {
    const there = await elsewhere();
    await there.run("make", user.options);
    await there.run("register");
    const [one, two] = [await open(), await open()];
    await one.run("make", user.options);
    await two.run("make", user.options);
    assert.equal(await two.run("register"), "eDeviceAlreadyRegistered");
    await one.run("heard", "eIdle");
    const refused = ["eRegistering", "eIdle"];
    assert.deepEqual(await heardBy(one), refused);
    const told = [...refused, "event eDeviceAlreadyRegistered"];
    assert.deepEqual(await heardBy(two), told);
    assert.equal(await one.run("register", true), "done");
    await there.run("heard", "eConnectionTerminated");
    await two.run("heard", "eReady");
    assert.equal(user.bindings().length, 1);
  },

  async "taken over from elsewhere: each tab hears it once; a later one finds the status"({
    open,
    elsewhere,
    user,
  }) {
    const tabs = [await open(), await open(), await open()];
    for (const tab of tabs) await tab.run("make", user.options);
    await tabs[0].run("register");
    const there = await elsewhere();
    await there.run("make", user.options);
    assert.equal(await there.run("register", true), "done");
    for (const tab of tabs) {
      await tab.run("heard", "event eConnectionTerminated");
      const ousted = ["eConnectionTerminated", "event eConnectionTerminated"];
      assert.deepEqual(await heardBy(tab), [...ready, ...ousted]);
    }
    const late = await open();
    await late.run("make", user.options);
    await late.run("heard", "eConnectionTerminated");
    assert.deepEqual(await heardBy(late), ["eConnectionTerminated"]);
    // And from there back: nobody fights.
    assert.equal(user.bindings().length, 1);
    assert.equal(await late.run("register", true), "done");
    await there.run("heard", "event eConnectionTerminated");
    await tabs[0].run("heard", "eReady", 2);
    assert.equal(user.bindings().length, 1);
  },

  async "other options are refused while it is registered, and count while it is not"({
    open,
    user,
  }) {
    const [one, two] = [await open(), await open()];
    await one.run("make", { ...user.options, password: "mistyped" });
    await two.run("make", user.options);
    assert.equal(await one.run("register"), "eCredentialsRejected");
    assert.equal(await two.run("register"), "done");
    await one.run("heard", "eReady");
    assert.equal(await one.run("register"), "eInvalidState password");
    const third = await open();
    await third.run("make", { ...user.options, displayName: "Ada" });
    assert.equal(await third.run("register"), "eInvalidState displayName");
    assert.equal((await third.run("state")).status, "eReady");
    await two.run("unregister");
    assert.equal(await third.run("register"), "done");
    assert.equal(user.bindings().length, 1);
  },

  async "logged out in one tab it is in all; given up, it is by the tab that gave up"({
    open,
    user,
  }) {
    const [one, two] = [await open(), await open()];
    await one.run("make", user.options);
    await two.run("make", user.options);
    const [given, login] = await Promise.all([
      one.run("giveUp"),
      two.run("register"),
    ]);
    assert.deepEqual([given, login], ["eAborted", "done"]);
    await one.run("unregister");
    await two.run("heard", "eIdle");
    assert.equal(user.bindings().length, 0);
    assert.equal(await two.run("register"), "done");
    await one.run("heard", "eReady", 2);
  },

  async "closed in one tab it goes on in the others; the last one frees the line"({
    open,
    user,
  }) {
    const [one, two] = [await open(), await open()];
    await one.run("make", user.options);
    await two.run("make", user.options);
    await one.run("register");
    await two.run("heard", "eReady");
    await one.run("close");
    assert.equal((await one.run("state")).status, "eIdle");
    assert.equal(await one.run("register"), "eInvalidState");
    await two.run("heard", "tabs 1");
    assert.equal((await two.run("state")).status, "eReady");
    assert.equal(user.bindings().length, 1);
    await two.run("close");
    assert.equal(user.bindings().length, 0);
  },

  async "the last tab goes: the line is free within a second"({ open, user }) {
    const [one, two] = [await open(), await open()];
    await one.run("make", user.options);
    await two.run("make", user.options);
    await one.run("register");
    await one.close();
    await two.run("heard", "tabs 1");
    assert.deepEqual((await two.run("state")).tabs, { count: 1, leads: true });
    assert.equal(user.bindings().length, 1);
    const left = Date.now();
    const [free] = await Promise.all([user.bound(0), two.close()]);
    assert.ok(free - left < 1000, `after ${free - left} ms`);
  },

  async "reloaded, the only tab is not refused"({ open, user }) {
    const one = await open();
    await one.run("make", user.options);
    await one.run("register");
    await one.reload();
    await one.run("make", user.options);
    assert.equal(await one.run("register"), "done");
    assert.equal(user.bindings().length, 1);
  },

  async "what the app's functions know is asked in a tab that lives"({
    open,
    user,
  }) {
    const { password: secret, ...options } = user.options;
    const asked = { ...options, secret, gives: ["credentials"] };
    const [one, two] = [await open(), await open()];
    await one.run("make", asked);
    await two.run("make", asked);
    assert.equal(await one.run("register"), "done");
    assert.deepEqual((await heardBy(one))[1], "asked for example.test");
    // It may have led before, and then hears no step in between.
    const heard = await heardBy(two);
    assert.deepEqual(heard.slice(-1), ["eReady"]);
    assert.ok(!heard.some((it) => it.startsWith("asked")), `${heard}`);
    await one.close();
    await two.run("heard", "tabs 1");
    await two.run("unregister");
    assert.equal(await two.run("register"), "done");
  },

  async "a message comes to each tab once, and goes out from any"({
    open,
    elsewhere,
    user,
    other,
  }) {
    const [one, two, there] = [await open(), await open(), await elsewhere()];
    await one.run("make", user.options);
    await two.run("make", user.options);
    await there.run("make", other.options);
    await Promise.all([one.run("register"), there.run("register")]);
    const { user: callee } = user.options;
    assert.equal(await there.run("message", callee, "hello"), "done");
    for (const tab of [one, two]) {
      await tab.run("heard", "message hello");
      const heard = await heardBy(tab);
      assert.equal(heard.filter((one) => one === "message hello").length, 1);
    }
    assert.equal(await two.run("message", other.options.user, "back"), "done");
    await there.run("heard", "message back");
  },

  async "a phone that is not shared conflicts with it, as two tabs do"({
    open,
    user,
  }) {
    const [one, two] = [await open(), await open()];
    await one.run("make", user.options);
    await two.run("make", { ...user.options, shared: false });
    await one.run("register");
    assert.equal(await two.run("register"), "eDeviceAlreadyRegistered");
    assert.equal(await two.run("register", true), "done");
    await one.run("heard", "event eConnectionTerminated");
    assert.equal(await one.run("register"), "eDeviceAlreadyRegistered");
    assert.equal(user.bindings().length, 1);
  },
};
