// What must hold in every browser: stories of page.js, by name.

import assert from "node:assert/strict";

/** @typedef {(method: string, ...args: any[]) => Promise<any>} Run a story of the page */

/** What cannot be understood is refused; what can, though odd, is answered. */
const HELD = { status: 200, heldBy: "remote" };
const TALKS = { status: 200, heldBy: null };
const understood = {
  "port 0 (sendrecv)": { ...HELD, refused: true },
  "port 0 (inactive)": { ...HELD, refused: true },
  "port 0 and nothing else (sendrecv)": { ...HELD, refused: true },
  "port 0 and nothing else (inactive)": { ...HELD, refused: true },
  "active in DTLS (sendrecv)": { ...TALKS, refused: false },
  "active in DTLS (inactive)": { ...HELD, refused: false },
  "passive in DTLS (sendrecv)": { ...TALKS, refused: false },
  "passive in DTLS (inactive)": { ...HELD, refused: false },
};

/** @type {Record<string, (run: Run) => Promise<void>>} */
export const checkOffers = {
  async "a refused offer changes nothing, and port 0 is a hold"(run) {
    const { statuses, state } = await run("offers");
    for (const [name, outcome] of Object.entries(statuses))
      if (outcome.status === 200) assert.deepEqual(outcome, understood[name]);
      else assert.deepEqual([outcome.status, outcome.heldBy], [488, null]);
    for (const name of Object.keys(understood))
      assert.equal(statuses[name].status, 200, name);
    assert.equal(state, "ended", "the transfer came about");
  },

  async "an answer that is refused or cannot be taken changes nothing"(run) {
    const { outcomes, state } = await run("answers");
    for (const status of ["403", "488", "500", "606", "no answer"])
      assert.equal(outcomes[`${status} (hold)`], "eCallFailed");
    for (const what of ["garbage", "no stream", "plain RTP", "an unknown hash"])
      assert.equal(outcomes[`${what} (hold)`], "eMediaFailed");
    for (const what of ["port 0", "active in DTLS", "passive in DTLS"])
      assert.equal(outcomes[`${what} (hold)`], "held");
    assert.equal(state, "ended", "the transfer came about");
  },

  async "early media of one fork, the answer of another"(run) {
    for (const same of [false, true]) {
      const { time, state } = await run("forks", same);
      assert.equal(state, "connected");
      // DTLS that has begun with the other one comes again after 6.4 s, or never.
      assert.ok(time < 5000, `${time} ms`);
    }
  },

  async "somebody else goes on with the call"(run) {
    const { status, streams } = await run("another");
    assert.deepEqual([status, streams], [200, 1]);
  },

  async "pictures that the far end refuses: told, and the camera is closed"(
    run,
  ) {
    const refused = ["eCallFailed", 0];
    const outcomes = await run("pictures");
    assert.deepEqual(outcomes, [refused, refused, ["live", "connected"]]);
  },

  async "nobody there: with mediaTimeout the call ends and says why"(run) {
    const { cause, reason, time } = await run("vanishes");
    assert.equal(cause, "failed");
    assert.equal(reason, "Nothing has come from the far end for 3 seconds.");
    assert.ok(time >= 2000, `${time} ms`);
  },
};
