/**
 * A call goes from one device of a user to another and back, while its far end talks on: real
 * pages in Chromium, the test registrar between them.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startRegistrar } from "graceline/testing";
import { connect, hangUp, talk } from "./scenarios.mjs";
import { Browsers } from "./support/pages.mjs";

const DOMAIN = "example.test";
const PASSWORD = "tell-nobody-4711";

describe("a call that is picked up", () => {
  /** @type {Awaited<ReturnType<typeof startRegistrar>>} */
  let registrar;
  /** @type {Browsers} */
  let browsers;
  /** @type {Record<string, import("./support/pages.mjs").UserPage>} */
  const pages = {};

  /**
   * @param {string} user
   * @param {string} device
   */
  const open = async (user, device) => {
    const page = await browsers.open("graceline", `${user} ${device}`);
    page.uri = `sip:${user}@${DOMAIN}`;
    const { url } = registrar;
    await page.do.register({
      ...{ url, user, domain: DOMAIN, password: PASSWORD, device },
      watches: true,
    });
    return page;
  };

  before(async () => {
    registrar = await startRegistrar({
      users: { 2001: { password: PASSWORD }, 2002: { password: PASSWORD } },
      domain: DOMAIN,
      policy: "normal",
    });
    browsers = await Browsers.start(["graceline"]);
    pages.here = await open("2001", "HERE");
    pages.there = await open("2001", "THERE");
    pages.far = await open("2002", "FAR");
  });
  after(async () => {
    await browsers?.close();
    await registrar?.stop();
  });

  /**
   * @param {string} name
   * @param {() => Promise<unknown>} body
   */
  const cell = (name, body) =>
    it(name, { timeout: 60_000 }, async () => {
      try {
        await body();
      } catch (error) {
        for (const { name, do: page } of Object.values(pages))
          console.error(`--- ${name}\n${(await page.wire()).join("\n")}`);
        throw error;
      }
    });

  /**
   * One device takes what another has: the far end's old call ends, a new one is there by itself.
   * @param {import("./support/pages.mjs").UserPage} page
   * @param {string} state
   * @param {import("./scenarios.mjs").End[]} old
   */
  const pickUp = async (page, state, old) => {
    const known = await pages.far.do.count();
    const [{ id }] = await page.do.elsewhere([state]);
    const call = await page.do.pickUp(id);
    const next = await pages.far.do.next(known, "incoming");
    await Promise.all([
      page.do.event(call, "connected"),
      ...old.map(({ page, call }) => page.do.event(call, "ended")),
    ]);
    return [
      { page, call },
      { page: pages.far, call: next },
    ];
  };

  cell("goes to the other page and back, with its sound", async () => {
    const { here, there, far } = pages;
    const first = await connect(here, far);
    await talk(...first);
    const second = await pickUp(there, "connected", first);
    await talk(...second);
    const third = await pickUp(here, "connected", second);
    await talk(...third);
    await hangUp(third[0], third[1]);
    await Promise.all([here, there].map((page) => page.do.elsewhere([])));
  });

  cell("is taken while it rings at one device alone", async () => {
    const { here, there, far } = pages;
    const [{ contact }] = registrar
      .bindings("2001")
      .filter(({ device }) => device === "HERE");
    const known = await here.do.count();
    const outgoing = await far.do.call(contact);
    const ringing = await here.do.next(known, "incoming");
    const taken = await pickUp(there, "incoming", [
      { page: far, call: outgoing },
    ]);
    const { cause } = await here.do.event(ringing, "ended");
    assert.equal(cause, "answeredElsewhere");
    await talk(...taken);
    await hangUp(taken[1], taken[0]);
  });
});
