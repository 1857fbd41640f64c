/** @typedef {import("../index.js").Call} Call */
/** @typedef {import("../index.js").Phone} Phone */
/** @typedef {import("./views.js").CallView} CallView */

/**
 * What a component shows, and how it hears of another one.
 *
 * @template T
 * @typedef {object} Source
 * @property {() => T} read
 * @property {(listener: () => void) => () => void} follow
 */

/** @type {Source<null>} */
export const NONE = { read: () => null, follow: () => () => {} };

/** @type {WeakMap<Call, Source<CallView>>} */
const known = new WeakMap();

/**
 * A call as it is now, and how it ended.
 *
 * @param {Call | null | undefined} call
 * @returns {Source<CallView | null>}
 */
export function sourceOf(call) {
  if (!call) return NONE;
  const source = known.get(call) ?? watch(call);
  known.set(call, source);
  return source;
}

/** @param {Call} call @returns {Source<CallView>} */
function watch(call) {
  /** @type {CallView["ended"]} */
  let ended = null;
  let seen = call.snapshot();
  /** @type {CallView} */
  let view = Object.freeze({ ...seen, ended });
  /** @type {Set<() => void>} */
  const listeners = new Set();
  const read = () => {
    const now = call.snapshot();
    if (now !== seen || ended !== view.ended)
      view = Object.freeze({ ...(seen = now), ended });
    return view;
  };
  const tell = () => {
    for (const listener of [...listeners]) listener();
  };
  call.on("change", tell);
  call.on("ended", (event) => {
    ended = event;
    tell();
  });
  const follow = (/** @type {() => void} */ listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return { read, follow };
}

/**
 * The call that rings here, the oldest of several.
 *
 * @param {Phone | null | undefined} phone
 * @returns {Source<Call | null>}
 */
export function ringing(phone) {
  if (!phone) return NONE;
  // Who replaces a call that is in progress does not ring.
  const read = () =>
    phone.calls.find((call) => call.state === "incoming" && !call.replaces) ??
    null;
  const follow = (/** @type {() => void} */ listener) => {
    /** @type {Set<Call>} */
    const calls = new Set();
    const look = () => {
      for (const call of phone.calls)
        if (!calls.has(call)) calls.add(call.on("change", listener));
      listener();
    };
    phone.on("change", look);
    look();
    return () => {
      phone.off("change", look);
      for (const call of calls) call.off("change", listener);
    };
  };
  return { read, follow };
}
