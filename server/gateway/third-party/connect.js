/** @typedef {import("./leg.js").Leg} Leg */

/**
 * Lets two phones talk: the offer of one is the other's, and its answer the answer
 * (RFC 3725 §4.3, flow III: so either may take its time to answer the call).
 *
 * @param {Leg} asked
 * @param {Leg} offered whose call stands
 * @param {Parameters<Leg["askOffer"]>} target if `asked` is still to be called
 */
export async function connect(asked, offered, ...target) {
  const { description, answer } = await asked.askOffer(...target);
  try {
    answer(await offered.offer(description));
  } catch (error) {
    answer(description.inactive());
    throw error;
  }
  asked.peer = offered;
  offered.peer = asked;
}

/**
 * Calls a phone for one that is connected with it later: there is nothing to hear yet.
 *
 * @param {Leg} leg
 * @param {Parameters<Leg["askOffer"]>} target
 */
export async function lift(leg, ...target) {
  const { description, answer } = await leg.askOffer(...target);
  answer(description.silence());
}

/**
 * Two phones talk that no desk phone is with any more: one hangs up, and both have.
 *
 * @param {Leg} one
 * @param {Leg} other
 */
export function leaveTogether(one, other) {
  one.onEnded = () => other.hangUp();
  other.onEnded = () => one.hangUp();
  if (one.ended || other.ended) (one.onEnded(), other.onEnded());
}
