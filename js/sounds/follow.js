/** @typedef {import("./index.js").SoundName} SoundName */
/** @typedef {import("../index.js").Call} Call */

/** Status by which the far end says that it is in another call. */
const BUSY = [486, 600];
/** How long (s) it is heard that a call came to nothing. */
const AFTER = 4;

/**
 * Plays what the user of a phone is to hear beside the calls themselves.
 *
 * @param {import("../index.js").Phone} phone
 * @param {Pick<import("./index.js").Sounds, "play">} sounds
 * @returns {() => void} ends it
 */
export function follow(phone, sounds) {
  /** Calls that are listened to. @type {Set<Call>} */
  const calls = new Set();
  /** Whose far end can be heard before it answers. @type {Set<Call>} */
  const early = new Set();
  /** @type {SoundName | undefined} */
  let playing;
  let stop = () => {};

  const look = () => {
    for (const call of phone.calls) if (!calls.has(call)) join(call);
    const now = soundOf(phone.calls, early);
    if (now === playing) return;
    stop();
    playing = now;
    stop = now ? sounds.play(now) : () => {};
  };

  const ending = new AbortController();
  const { signal } = ending;
  /** @param {Call} call */
  function join(call) {
    calls.add(call);
    call.addEventListener(
      "state",
      (event) => {
        if (event.early) early.add(call);
        look();
      },
      { signal },
    );
    call.addEventListener(
      "ended",
      ({ cause, status }) => {
        calls.delete(call);
        early.delete(call);
        look();
        const isOver = /rejected|failed/.test(cause) && !call.startTime;
        if (!isOver || call.direction === "incoming") return;
        const isBusy = BUSY.includes(Number(status));
        sounds.play(isBusy ? "busy" : "congestion", { seconds: AFTER });
      },
      { signal },
    );
  }

  phone.addEventListener("change", look, { signal });
  look();
  return () => {
    ending.abort();
    stop();
  };
}

/**
 * @param {readonly Call[]} calls
 * @param {Set<Call>} early
 * @returns {SoundName | undefined}
 */
function soundOf(calls, early) {
  const is = (/** @type {string} */ state) =>
    calls.filter((call) => call.state === state && !call.replaces);
  const talks = calls.some(({ state }) => /connected|held/.test(state));
  // A desk phone rings by itself.
  if (is("incoming").some(({ media }) => media === "here"))
    return talks ? "callWaiting" : "ring";
  const rings = is("ringing").some(
    (call) => call.media === "here" && !early.has(call),
  );
  return rings && !talks ? "ringback" : undefined;
}
