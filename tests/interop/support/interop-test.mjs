/**
 * One test against one freshly started Kamailio. Where Kamailio is not installed the test is
 * skipped with a message; under CI it fails instead. A failing test prints what went over its
 * wires; with the environment variable SIP_TRACE a passing one does too.
 */
import { test } from "node:test";
import { Kamailio, kamailioMissing } from "./kamailio.mjs";
import { SipClient } from "./sip-client.mjs";
import { Transcript } from "./transcript.mjs";

/**
 * @typedef {object} World
 * @property {Kamailio} server
 * @property {Transcript} transcript
 * @property {(options?: Partial<import("./sip-client.mjs").ClientOptions>) => Promise<SipClient>} connect
 *   a naive client, closed at the end of the test
 * @property {(release: () => unknown) => void} after runs at the end, last registered first
 */

const DEADLINE_MS = 50_000;

const missing = kamailioMissing();
if (missing)
  console.error(`\n*** Tests with a real Kamailio cannot run: ${missing}\n`);

/**
 * @param {string} name
 * @param {import("./kamailio.mjs").Variants} variants
 * @param {(world: World) => Promise<void>} body
 */
export function interopTest(name, variants, body) {
  serverTest(name, { missing, start: () => Kamailio.start(variants) }, body);
}

/**
 * A server under test: {@link Kamailio}, or what can take its place.
 * @typedef {object} Server
 * @property {string} url
 * @property {string} domain
 * @property {Readonly<Record<string, string>>} passwords
 * @property {string} log
 * @property {() => unknown} stop
 */

/**
 * @template {Server} S
 * @param {string} name
 * @param {object} options
 * @param {string} [options.missing] why it cannot run here
 * @param {() => Promise<S>} options.start
 * @param {(world: Omit<World, "server"> & { server: S }) => Promise<void>} body
 */
export function serverTest(name, { missing, start }, body) {
  const skip = process.env.CI ? false : missing;
  test(name, { skip, timeout: DEADLINE_MS + 10_000 }, async () => {
    const transcript = new Transcript();
    const server = await start();
    /** @type {(() => unknown)[]} */
    const releases = [() => server.stop()];
    /** @type {World["after"]} */
    const after = (release) => releases.push(release);
    try {
      const world = {
        server,
        transcript,
        after,
        connect: async (
          /** @type {Partial<import("./sip-client.mjs").ClientOptions>} */ options = {},
        ) => {
          const { user = "2001" } = options;
          const client = await SipClient.connect({
            url: server.url,
            password: server.passwords[user],
            transcript,
            ...options,
          });
          after(() => client.terminate());
          return client;
        },
      };
      await withDeadline(body(world));
      if (process.env.SIP_TRACE) console.error(`${transcript}`);
    } catch (error) {
      console.error(`--- wire of "${name}"\n${transcript}`);
      console.error(`--- log of the server\n${server.log}`);
      throw error;
    } finally {
      for (const release of releases.reverse()) await release();
    }
  });
}

/**
 * Rejects by itself, before the test runner does, so that the transcript is printed.
 * @param {Promise<void>} work
 */
async function withDeadline(work) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    const error = new Error(`the test took more than ${DEADLINE_MS} ms`);
    timer = setTimeout(reject, DEADLINE_MS, error);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
