/**
 * The cells of the matrix: tests that share servers, browsers, and where one leaves it whole, a
 * call.
 */
import { after, before, describe, it } from "node:test";
import {
  connect,
  consultAndTransfer,
  hangUp,
  holdAndResume,
  press,
  restartIce,
  talk,
  transfer,
} from "../scenarios.mjs";
import { names } from "./pages.mjs";
import { World } from "./world.mjs";

/** @typedef {{ stack: import("./pages.mjs").Stack, browser?: "chromium" | "firefox" }} Client */

/**
 * All cells of two clients, the first of which calls.
 * @param {Client} caller
 * @param {Client} callee
 * @param {object} [options]
 * @param {boolean} [options.transfers] whether there are transfers too; default yes
 */
export function pair(caller, callee, { transfers = true } = {}) {
  describe(`${title(caller)} calls ${title(callee)}`, () => {
    /** @type {World} */
    let world;
    /** @type {import("./pages.mjs").UserPage[]} */
    let pages = [];
    /** @type {[import("../scenarios.mjs").End, import("../scenarios.mjs").End] | undefined} */
    let ends;

    before(async () => {
      world = await World.start(caller.stack, callee.stack);
    });
    after(() => world?.stop());

    /** The users: a caller and a callee, and one more of each kind to transfer to. */
    const open = async () => {
      const clients = [caller, callee, ...(transfers ? [caller, callee] : [])];
      pages = await Promise.all(
        clients.map((client, index) =>
          world.user(client.stack, `${2001 + index}`, client),
        ),
      );
    };

    /** The call that the cell before left, or a new one. */
    const call = async () => (ends ??= await connect(pages[0], pages[1]));

    /**
     * @param {string} name
     * @param {(from: import("../scenarios.mjs").End, to: import("../scenarios.mjs").End) => Promise<unknown>} body
     * @param {{ last?: boolean }} [options] whether the call has ended then
     */
    const cell = (name, body, { last = false } = {}) =>
      it(name, { timeout: 60_000 }, async () => {
        try {
          if (pages.length === 0) await open();
          await body(...(await call()));
          if (last) ends = undefined;
        } catch (error) {
          console.error(await world.report());
          // Whatever it left behind is no matter of the next cell.
          await world.stop();
          world = await World.start(caller.stack, callee.stack);
          pages = [];
          ends = undefined;
          throw error;
        }
      });

    cell("audio both ways", talk);
    cell("hold by the caller", holdAndResume);
    cell("hold by the callee", (from, to) => holdAndResume(to, from));
    cell("digits from the caller", (from, to) => press(from, to, "5"));
    cell("digits from the callee", (from, to) => press(to, from, "9"));
    cell("ICE restart by the caller", restartIce);
    cell("ICE restart by the callee", (from, to) => restartIce(to, from));
    cell("the callee hangs up", (from, to) => hangUp(to, from), { last: true });
    if (!transfers) return;
    cell(
      "blind transfer by the caller",
      async (from, to) => hangUp(...(await transfer(from, to, pages[2]))),
      { last: true },
    );
    cell(
      "blind transfer by the callee",
      async (from, to) => hangUp(...(await transfer(to, from, pages[3]))),
      { last: true },
    );
    cell(
      "attended transfer by the caller",
      async (from, to) =>
        hangUp(...(await consultAndTransfer(from, to, pages[2]))),
      { last: true },
    );
    cell(
      "attended transfer by the callee",
      async (from, to) =>
        hangUp(...(await consultAndTransfer(to, from, pages[3]))),
      { last: true },
    );
  });
}

/** @param {Client} client */
const title = ({ stack, browser }) =>
  `${names[stack]}${browser === "firefox" ? " in Firefox" : ""}`;
