/**
 * One phone for all tabs, in Firefox: what tests/browser does in Chromium.
 */
import { after, before, describe, it } from "node:test";
import { stories as calls } from "../browser/tabs/calls.mjs";
import { stories as registration } from "../browser/tabs/registration.mjs";
import { startWorld } from "../browser/tabs/world.mjs";
import { Firefox } from "./support/firefox.mjs";

/** @type {Record<string, (world: any) => Promise<void>>} */
const stories = { ...registration, ...calls };

describe("Firefox: one phone for all tabs", { timeout: 300_000 }, () => {
  /** @type {Awaited<ReturnType<typeof startWorld>>} */
  let world;
  /** @type {Firefox} */
  let firefox;

  before(async () => {
    world = await startWorld();
    firefox = await Firefox.start();
  });
  after(async () => {
    await firefox?.close();
    await world?.stop();
  });

  /** A container, whose tabs share what is stored. */
  function profile(t) {
    let first;
    return async () => {
      // The others need to know which container that is.
      const opening = first
        ? first.then(({ container }) => firefox.open(world.page, container))
        : (first = firefox.open(world.page));
      const tab = await opening;
      if (first === opening) t.after(() => tab.close());
      return {
        run: (method, ...args) => tab.run(method, args),
        reload: tab.reload,
        close: tab.leave,
      };
    };
  }

  for (const [name, story] of Object.entries(stories))
    it(name, async (t) => {
      const [user, other] = [world.newUser(), world.newUser()];
      const [open, elsewhere] = [profile(t), profile(t)];
      const report = (text) => t.diagnostic(text);
      await story({ open, elsewhere, user, other, report });
    });
});
