// For the service worker of an app: what to do when a call comes for a page that is not open.
// The page itself, once it is open, logs in and rings as always.

/** Begins the tag of each of our notifications: what was shown is found again by it. */
const TAG = "graceline:";
/** What a call rings at most, in ms: a push that comes later tells of a missed one. */
const RINGING = 60_000;
const KINDS = ["call", "message", "withdraw"];

/**
 * @typedef {import("./index.js").PushOptions} Options
 * @typedef {{ kind: string, key: string, from: { uri: string, displayName: string }, at: number, answered: boolean }} News
 */

/** @returns {import("./index.js").ServiceWorker} */
const worker = () => /** @type {any} */ (globalThis);

/**
 * @param {import("./index.js").PushEvent} event
 * @param {Options} [options]
 */
export function handlePush(event, options = {}) {
  const news = read(event);
  if (!news) return false;
  const page = pageOf(options);
  event.waitUntil(
    news.kind === "withdraw"
      ? withdraw(news, page, options)
      : Promise.all([wake(news.key), show(news, page, options)]),
  );
  return true;
}

/**
 * @param {import("./index.js").NotificationClickEvent} event
 * @param {Pick<Options, "page">} [options]
 */
export function handleNotificationClick(event, options = {}) {
  const { tag, data } = event.notification;
  if (!tag.startsWith(TAG)) return false;
  event.notification.close();
  const page = options.page ? pageOf(options) : data.page;
  event.waitUntil(open(page, data.key));
  return true;
}

/**
 * What the account service sent, if it did: its form, and nothing else in it, is trusted.
 *
 * @param {import("./index.js").PushEvent} event
 * @returns {News | undefined}
 */
function read({ data }) {
  let sent;
  try {
    sent = Object(data?.json());
  } catch {
    return undefined;
  }
  const { v, kind, key, from, at } = sent;
  if (v !== 1 || !KINDS.includes(kind) || typeof key !== "string")
    return undefined;
  const { uri, displayName } = Object(from);
  return {
    kind,
    key,
    from: { uri: text(uri), displayName: text(displayName) },
    at: Number(at),
    answered: sent.answered === true,
  };
}

/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value : "");

/** @param {Pick<Options, "page">} options */
function pageOf({ page }) {
  const { location, registration } = worker();
  const url = new URL(page ?? registration.scope, location.href);
  if (url.origin !== location.origin)
    throw new TypeError(
      `page must be of the worker's own origin, ${location.origin}`,
    );
  return url.href;
}

/** @param {News["from"]} from */
function nameOf({ displayName, uri }) {
  const address = uri.replace(/^(sips?|tel):/i, "").replace(/[;?].*$/s, "");
  if (!address) return displayName || "Somebody";
  return displayName ? `${displayName} (${address})` : address;
}

/**
 * @param {News} news
 * @param {string} page
 * @param {Options} options
 */
function show(news, page, { title, icon }) {
  const { kind, key, from, at } = news;
  const rings = kind === "call" && !(Date.now() - at > RINGING);
  const what =
    kind === "message"
      ? "New message"
      : rings
        ? "Incoming call"
        : "Missed call";
  return worker().registration.showNotification(title ?? what, {
    body: title ? `${what}: ${nameOf(from)}` : nameOf(from),
    tag: TAG + key,
    requireInteraction: rings,
    // The end of a call makes no second noise.
    silent: kind === "withdraw",
    ...(icon && { icon }),
    data: { key, page, rings },
  });
}

/**
 * Answered elsewhere: nothing is left of it. Given up by the caller: a missed call.
 *
 * @param {News} news
 * @param {string} page
 * @param {Options} options
 */
async function withdraw(news, page, options) {
  if (!news.answered) return show(news, page, options);
  const shown = await worker().registration.getNotifications({
    tag: TAG + news.key,
  });
  for (const notification of shown) notification.close();
}

/** The pages that are open: they may have been asleep. */
const windows = () =>
  worker().clients.matchAll({ type: "window", includeUncontrolled: true });

/** @param {string} key */
async function wake(key) {
  for (const page of await windows())
    page.postMessage({ type: "graceline-push", key, clicked: false });
}

/**
 * @param {string} page
 * @param {string} key
 */
async function open(page, key) {
  const there = await windows();
  const { pathname } = new URL(page);
  const client =
    there.find(({ url }) => url === page) ??
    there.find(({ url }) => new URL(url).pathname === pathname);
  if (!client) return void (await worker().clients.openWindow(page));
  client.postMessage({ type: "graceline-push", key, clicked: true });
  await client.focus();
}
