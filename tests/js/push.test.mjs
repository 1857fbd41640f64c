// A click on what a push has shown, in a service worker's scope of the test's own: browsers let no
// script click. The rest is tested in a real worker, tests/browser/push-worker.test.mjs.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { handleNotificationClick, handlePush } from "graceline/push";

const ORIGIN = "https://app.example.com";

/** @param {string[]} urls of the pages that are open */
function scope(...urls) {
  /** @type {string[]} */
  const done = [];
  Object.assign(globalThis, {
    location: new URL(`${ORIGIN}/worker.js`),
    registration: { scope: `${ORIGIN}/crm/` },
    clients: {
      matchAll: async () =>
        urls.map((url) => ({
          url,
          postMessage: (/** @type {object} */ message) =>
            done.push(`${url} ${JSON.stringify(message)}`),
          focus: async () => done.push(`${url} focused`),
        })),
      openWindow: async (/** @type {string} */ url) =>
        done.push(`${url} opened`),
    },
  });
  return done;
}
afterEach(() => {
  for (const name of ["location", "registration", "clients"])
    Reflect.deleteProperty(globalThis, name);
});

/** @param {object} [notification] @param {object} [options] */
async function click(notification, options) {
  /** @type {Promise<unknown>[]} */
  const work = [];
  let closed = 0;
  const taken = handleNotificationClick(
    {
      notification: {
        tag: "graceline:k1",
        data: { key: "k1", page: `${ORIGIN}/phone` },
        close: () => (closed += 1),
        ...notification,
      },
      waitUntil: (one) => work.push(one),
    },
    options,
  );
  await Promise.all(work);
  return { taken, closed };
}

const CLICKED = '{"type":"graceline-push","key":"k1","clicked":true}';

test("no page is open: it is opened", async () => {
  const done = scope(`${ORIGIN}/other`);
  assert.deepEqual(await click(), { taken: true, closed: 1 });
  assert.deepEqual(done, [`${ORIGIN}/phone opened`]);
});

test("a page that is open is told, then gets the focus: the very one, else one of its path", async () => {
  const page = `${ORIGIN}/phone`;
  let done = scope(`${ORIGIN}/`, `${page}?a=1`, page);
  await click();
  assert.deepEqual(done, [`${page} ${CLICKED}`, `${page} focused`]);
  done = scope(`${ORIGIN}/`, `${page}?a=1`);
  await click();
  assert.deepEqual(done, [`${page}?a=1 ${CLICKED}`, `${page}?a=1 focused`]);
});

test("the app may name another page at the click", async () => {
  const done = scope();
  await click({}, { page: "/calls" });
  assert.deepEqual(done, [`${ORIGIN}/calls opened`]);
});

test("notifications of the app's own are left to it", async () => {
  const done = scope();
  const { taken, closed } = await click({ tag: "news" });
  assert.deepEqual([taken, closed, done], [false, 0, []]);
});

test("a page of another origin is refused before anything is shown", () => {
  scope();
  const data = { json: () => ({ v: 1, kind: "call", key: "k", at: 0 }) };
  const waitUntil = () => assert.fail("nothing may begin");
  assert.throws(
    () => handlePush({ data, waitUntil }, { page: "https://evil.example/" }),
    new TypeError(`page must be of the worker's own origin, ${ORIGIN}`),
  );
});
