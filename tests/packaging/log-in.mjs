import assert from "node:assert/strict";

/**
 * What an app does with the phone, as a function that a test can call in the
 * page. `Phone` must be in scope.
 */
export const logInSource = `
  globalThis.logIn = async (connections) => {
    const phone = new Phone({
      connections, user: "2001", domain: "example.test", password: "secret",
      remoteControl: { gateway: "sip:nobody@example.test" },
    });
    try {
      const { connection } = await phone.registerPhone();
      // Nobody is there; but the offer shows that the media handler was found.
      const call = phone.call("nobody", { audio: false });
      const ended = await new Promise((done) => call.on("ended", done));
      // Nor a gateway; but that shows that what controls desk phones was found.
      const desk = await phone.switchMode("DeskPhone").catch(({ code }) => code);
      return { status: phone.status, connection, called: ended.status, desk };
    } catch ({ code, message }) {
      return { code, message };
    } finally {
      await phone.close();
    }
  };
`;

/**
 * Logs in from a page that has run {@link logInSource}, and sees that the page
 * had nothing to complain about.
 *
 * @param {Awaited<ReturnType<typeof import("../support/chromium.mjs").newPage>>} page
 * @param {string} connection
 */
export async function assertLogsIn(page, connection) {
  assert.deepEqual(await logIn(page, connection), {
    status: "eReady",
    connection,
    called: 404,
    desk: "eServerRejected",
  });
  assert.deepEqual(page.problems, []);
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} connection
 * @returns {Promise<{ status?: string, connection?: string, called?: number, desk?: string, code?: string, message?: string }>}
 */
export async function logIn(page, connection) {
  await page.waitForFunction("globalThis.logIn");
  return page.evaluate(
    (url) => /** @type {any} */ (globalThis).logIn(url),
    connection,
  );
}
