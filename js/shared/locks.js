// Who lives: each tab and each host holds a lock of its own (Web Locks), for which
// others queue. A browser frees it with whoever held it, be it closed or crashed.

/** @returns {LockManager | undefined} undefined on plain http */
const manager = () => globalThis.navigator?.locks;

/**
 * Takes a lock that nobody else takes.
 *
 * @param {string} name
 * @returns {Promise<() => void>} lets it go
 */
export async function live(name) {
  const locks = manager();
  if (!locks) return () => {};
  return new Promise((resolve, reject) =>
    locks
      .request(
        name,
        () => new Promise((free) => resolve(() => free(undefined))),
      )
      .catch(reject),
  );
}

/**
 * Tells when whoever holds a lock is gone.
 *
 * @param {string} name
 * @param {() => void} gone
 * @returns {() => void} ends it
 */
export function outlive(name, gone) {
  const ending = new AbortController();
  manager()
    ?.request(name, { mode: "shared", signal: ending.signal }, () => {
      // Also granted in the moment in which it was given up.
      if (!ending.signal.aborted) gone();
    })
    .catch(() => {});
  return () => ending.abort();
}

/**
 * Takes a lock from whoever has it, and lets it go.
 *
 * @param {string} name
 */
export async function steal(name) {
  await manager()?.request(name, { steal: true }, () => {});
}

/**
 * Does something while no other tab does the same.
 *
 * @param {string} name
 * @param {() => Promise<void>} work
 */
export async function alone(name, work) {
  const locks = manager();
  await (locks ? locks.request(name, work) : work());
}

/** How often (ms) somebody is asked for a sign of life: a hidden page may do so once a second. */
const PULSE = 1000;
/** How long (ms) it may take. */
const PATIENCE = 2000;

/**
 * Tells when whoever is asked gives no sign of life: frozen, a page holds its locks.
 *
 * @param {() => Promise<unknown>} ask
 * @param {() => void} missed
 * @returns {() => void} ends it
 */
export function watchPulse(ask, missed) {
  /** @type {any} */
  let timer;
  const beat = () => {
    const began = Date.now();
    let answered = false;
    const next = () => {
      // Later than that, it was we who were asleep.
      const slept = Date.now() - began > 2 * PATIENCE;
      if (answered || slept) beat();
      else missed();
    };
    timer = setTimeout(next, PATIENCE);
    ask().then(
      () => {
        answered = true;
        clearTimeout(timer);
        timer = setTimeout(beat, PULSE);
      },
      () => clearTimeout(timer),
    );
  };
  beat();
  return () => clearTimeout(timer);
}

/** A name that nobody else has. */
export const unique = () =>
  crypto.getRandomValues(new Uint32Array(4)).join("-");
