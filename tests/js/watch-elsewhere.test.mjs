// Calls of the user's other devices, and taking them over.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeMedia } from "graceline/testing";
import { next, setUp } from "./support/line.js";

/** Two devices of Alice's that do not rival, and Bob's. */
async function three(t) {
  const line = await setUp(t, { policy: "normal" });
  const make = async (more) => {
    const phone = line.phone({ media: fakeMedia(), storage: null, ...more });
    await phone.registerPhone();
    return phone;
  };
  return {
    ...line,
    web: await make({ device: "Web" }),
    desk: await make({ device: "Desk" }),
    bob: await make({ user: "2002", device: "CSFBOB" }),
  };
}

/** Calls elsewhere, when there are so many in that state. */
const calls = (phone, state, count = 1) =>
  new Promise((resolve) => {
    const fits = (list) => {
      const found = list.filter((call) => !state || call.state === state);
      if (found.length !== count) return false;
      phone.off("elsewhereCalls", listener);
      resolve(found);
      return true;
    };
    const listener = ({ calls: list }) => fits(list);
    if (!fits(phone.elsewhereCalls)) phone.on("elsewhereCalls", listener);
  });

const ended = (call) => new Promise((resolve) => call.once("ended", resolve));
const connected = (call) =>
  new Promise((resolve) => call.once("connected", resolve));

describe("calls elsewhere", () => {
  test("are told with their device, and end", async (t) => {
    const { web, desk, bob } = await three(t);
    assert.deepEqual(web.elsewhereCalls, []);
    const call = desk.call("2002");
    const { call: ringing } = await next(bob, "incoming");
    await calls(web, "calling");
    await ringing.answer();
    const [shown] = await calls(web, "connected");
    assert.equal(shown.device.name, "Desk");
    assert.equal(shown.device.instanceId, desk.instanceId);
    assert.equal(shown.remote.uri, "sip:2002@example.test");
    assert.deepEqual(bob.elsewhereCalls, []);
    await call.hangup();
    await calls(web, undefined, 0);
  });

  test("one is taken over: the far end goes on here, there it ends", async (t) => {
    const { web, desk, bob } = await three(t);
    const call = desk.call("2002");
    const { call: answered } = await next(bob, "incoming");
    await answered.answer();
    const [shown] = await calls(web, "connected");

    const gone = ended(call);
    const moved = next(bob, "incoming");
    const taken = web.pickUp(shown.id);
    const here = connected(taken);
    const { call: going } = await moved;
    assert.equal(going.replaces, answered);
    await here;
    assert.equal((await gone).cause, "remote");
    assert.equal(taken.state, "connected");
    assert.equal(going.state, "connected");
    await calls(web, undefined, 0);
    assert.throws(() => web.pickUp(shown.id), { code: "eInvalidArgument" });
    // And back.
    const [there] = await calls(desk, "connected");
    const back = desk.pickUp(there.id);
    const left = ended(taken);
    await connected(back);
    await left;
    await back.hangup();
  });

  test("one that rings at another device alone is taken while it rings", async (t) => {
    const { registrar, web, desk, bob } = await three(t);
    // It rings at Alice's desk alone: Bob calls that very device.
    const [shownDesk] = registrar
      .bindings("2001")
      .filter(({ device }) => device === "Desk");
    const call = bob.call(shownDesk.contact);
    const { call: ringing } = await next(desk, "incoming");
    const [shown] = await calls(web, "incoming");
    const stopped = ended(ringing);
    const gone = ended(call);
    const moved = next(bob, "incoming");
    const taken = web.pickUp(shown.id);
    const here = connected(taken);
    const { call: going } = await moved;
    await here;
    assert.equal((await stopped).cause, "answeredElsewhere");
    await gone;
    assert.equal(going.state, "connected");
    await taken.hangup();
  });

  test("one that rings here, too, is none", async (t) => {
    const { web, desk, bob } = await three(t);
    assert.deepEqual(web.elsewhereCalls, []);
    const call = bob.call("2001");
    const [{ call: ringing }] = await Promise.all([
      next(desk, "incoming"),
      next(web, "incoming"),
    ]);
    await ringing.answer();
    // Nothing of it was told before.
    const [shown] = await calls(web, "connected");
    assert.equal(shown.device.name, "Desk");
    await call.hangup();
  });
});
