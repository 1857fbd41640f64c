/**
 * What two or three users do with their calls, whichever SIP stacks their pages hold. Audio is
 * proven by what arrives: packets, and energy in them, at both ends; a state's name proves
 * nothing.
 */
import assert from "node:assert/strict";

/**
 * One end of a call: a page, and the call's number in it.
 * @typedef {object} End
 * @property {import("./support/pages.mjs").UserPage} page
 * @property {number} call
 */

/**
 * One page calls another, which answers.
 * @param {import("./support/pages.mjs").UserPage} caller
 * @param {import("./support/pages.mjs").UserPage} callee
 * @returns {Promise<[End, End]>}
 */
export async function connect(caller, callee) {
  const known = await callee.do.count();
  const outgoing = await caller.do.call(callee.uri);
  const incoming = await callee.do.next(known, "incoming");
  await callee.do.answer(incoming);
  await Promise.all([
    caller.do.event(outgoing, "connected"),
    callee.do.event(incoming, "connected"),
  ]);
  return [
    { page: caller, call: outgoing },
    { page: callee, call: incoming },
  ];
}

/**
 * Both ends send, and receive sound.
 * @param {End[]} ends
 */
export async function talk(...ends) {
  await Promise.all(ends.map(({ page, call }) => page.do.talks(call)));
}

/**
 * One end puts the other on hold: nothing arrives at it any more, and the other hears nothing.
 * Then it resumes.
 * @param {End} holder
 * @param {End} held
 */
export async function holdAndResume(holder, held) {
  await holder.page.do.hold(holder.call);
  await Promise.all([
    holder.page.do.quiet(holder.call, "packets"),
    held.page.do.quiet(held.call, "sound"),
  ]);
  await holder.page.do.resume(holder.call);
  await talk(holder, held);
}

/**
 * One end presses a key, and the other hears its tone.
 * @param {End} from
 * @param {End} to
 * @param {string} digit
 */
export async function press(from, to, digit) {
  await to.page.do.listen(to.call);
  await from.page.do.dtmf(from.call, digit);
  await to.page.do.heard(to.call, digit);
}

/**
 * One end restarts ICE: both have new credentials, and go on talking.
 * @param {End} from
 * @param {End} to
 */
export async function restartIce(from, to) {
  const ends = [from, to];
  const credentials = () =>
    Promise.all(
      ends.map(async ({ page, call }) => (await page.do.measure(call)).ufrag),
    );
  const before = await credentials();
  await from.page.do.restartIce(from.call);
  const after = await credentials();
  for (const index of [0, 1]) {
    assert.ok(before[index], "credentials before the restart");
    assert.notEqual(after[index], before[index], "credentials of ICE");
  }
  await talk(...ends);
}

/**
 * Something happens to the network, and the call outlives it: nobody is told that it ended, both
 * ends agree on a new path for the media by way of the server, in the same dialog, and talk.
 * @param {[End, End]} ends
 * @param {() => unknown} happens
 */
export async function outlive(ends, happens) {
  const credentials = await Promise.all(
    ends.map(async ({ page, call }) => (await page.do.measure(call)).ufrag),
  );
  const dialogs = await Promise.all(ends.map(({ page }) => dialogsOf(page)));
  await happens();
  await Promise.all(
    ends.map(({ page, call }, index) =>
      page.do.restarted(call, credentials[index]),
    ),
  );
  await talk(...ends);
  await holdAndResume(...ends);
  for (const [index, { page, call }] of ends.entries()) {
    assert.deepEqual(await dialogsOf(page), dialogs[index], "dialogs");
    const events = await page.do.events(call);
    assert.deepEqual(
      events.filter((/** @type {any} */ { name }) => name === "ended"),
      [],
    );
  }
}

/**
 * The Call-IDs of the INVITEs that a page has sent or received.
 * @param {import("./support/pages.mjs").UserPage} page
 */
async function dialogsOf(page) {
  /** @type {string[]} */
  const wire = await page.do.wire();
  return new Set(
    wire
      .filter((entry) => /^\[\d+\] (-->|<--) INVITE /.test(entry))
      .map((entry) => /^Call-ID: *(\S+)/im.exec(entry)?.[1]),
  );
}

/**
 * One end hangs up, and both are told.
 * @param {End} end
 * @param {End} other
 */
export async function hangUp(end, other) {
  await end.page.do.hangup(end.call);
  await Promise.all(
    [end, other].map(({ page, call }) => page.do.event(call, "ended")),
  );
}

/**
 * Blind: one end sends the other to a third page, which answers.
 * @param {End} transferrer
 * @param {End} transferee
 * @param {import("./support/pages.mjs").UserPage} target
 * @returns {Promise<[End, End]>} the ends of the new call
 */
export async function transfer(transferrer, transferee, target) {
  const atTransferee = await transferee.page.do.count();
  const atTarget = await target.do.count();
  const done = transferrer.page.do.transfer(transferrer.call, target.uri);
  const answered = target.do
    .next(atTarget, "incoming")
    .then(async (/** @type {number} */ call) => {
      await target.do.answer(call);
      return { page: target, call };
    });
  const [, incoming] = await Promise.all([done, answered]);
  return replaced(transferrer, transferee, atTransferee, incoming);
}

/**
 * Attended: one end talks to a third page first.
 * @param {End} transferrer
 * @param {End} transferee
 * @param {import("./support/pages.mjs").UserPage} target
 * @returns {Promise<[End, End]>} the ends of the new call
 */
export async function consultAndTransfer(transferrer, transferee, target) {
  await transferrer.page.do.hold(transferrer.call);
  const [consulting, consulted] = await connect(transferrer.page, target);
  await talk(consulting, consulted);
  const atTransferee = await transferee.page.do.count();
  const atTarget = await target.do.count();
  const [, call] = await Promise.all([
    transferrer.page.do.transferTo(transferrer.call, consulting.call),
    // The page takes it by itself: it replaces a call that was answered.
    target.do.next(atTarget, "incoming"),
  ]);
  const ends = await replaced(transferrer, transferee, atTransferee, {
    page: target,
    call,
  });
  await Promise.all(
    [consulting, consulted].map(({ page, call }) =>
      page.do.event(call, "ended"),
    ),
  );
  return ends;
}

/**
 * After a transfer: the old call has ended at both ends, and those who are left talk.
 * @param {End} transferrer
 * @param {End} transferee
 * @param {number} known calls that the transferee had before
 * @param {End} incoming
 * @returns {Promise<[End, End]>}
 */
async function replaced(transferrer, transferee, known, incoming) {
  const call = await transferee.page.do.next(known, "outgoing");
  const outgoing = { page: transferee.page, call };
  await Promise.all(
    [transferrer, transferee].map(({ page, call }) =>
      page.do.event(call, "ended"),
    ),
  );
  await talk(outgoing, incoming);
  return [outgoing, incoming];
}
