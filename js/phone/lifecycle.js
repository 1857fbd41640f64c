/**
 * @typedef {object} Follower
 * @property {() => void} leave the page goes away, perhaps for good: act before returning
 * @property {() => void} resume the page is back from the back-forward cache
 * @property {() => void} look the world may have changed: network back, tab shown
 */

/**
 * Tells a phone what happens to its page. The follower is held weakly: a phone
 * that the app forgot is not kept by the page's listeners.
 *
 * @param {Follower} follower
 * @param {any} [page] the globals to use
 * @returns {() => void} ends it
 */
export function followPage(follower, page = globalThis) {
  if (!page.document) return () => {};
  const ending = new AbortController();
  const weak = new WeakRef(follower);

  /** @type {(target: EventTarget, name: string, act: (follower: Follower, event: any) => void) => void} */
  const on = (target, name, act) =>
    target.addEventListener(
      name,
      (event) => {
        const follower = weak.deref();
        if (follower) act(follower, event);
        else ending.abort();
      },
      { signal: ending.signal },
    );

  const look = (/** @type {Follower} */ follower) => follower.look();

  on(page, "pagehide", (follower) => follower.leave());
  on(
    page,
    "pageshow",
    (follower, event) => event.persisted && follower.resume(),
  );
  on(page, "online", look);
  on(page, "offline", look);
  // Chromium alone tells of a change from one network to another.
  const { connection } = page.navigator ?? {};
  if (connection) on(connection, "change", look);
  on(
    page.document,
    "visibilitychange",
    (follower) => !page.document.hidden && look(follower),
  );
  return () => ending.abort();
}
