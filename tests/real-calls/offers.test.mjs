/**
 * Offers and answers that go wrong, in Firefox with the whole phone: what tests/browser does in
 * Chromium. The call goes on, both ends hear each other, and whatever comes next works.
 */
import { after, before, describe, it } from "node:test";
import { checkOffers } from "../browser/offers/checks.mjs";
import { startStaticServer } from "../support/static-server.mjs";
import { Firefox } from "./support/firefox.mjs";

describe(
  "Firefox: offers and answers that go wrong",
  { timeout: 300_000 },
  () => {
    /** @type {Awaited<ReturnType<typeof startStaticServer>>} */
    let server;
    /** @type {Firefox} */
    let firefox;

    before(async () => {
      server = await startStaticServer();
      firefox = await Firefox.start();
    });
    after(async () => {
      await firefox?.close();
      await server?.close();
    });

    for (const [name, check] of Object.entries(checkOffers))
      it(name, async () => {
        const tab = await firefox.open(
          `${server.url}tests/browser/offers/page.html`,
        );
        await check((method, ...args) => tab.run(method, args));
        await tab.close();
      });
  },
);
