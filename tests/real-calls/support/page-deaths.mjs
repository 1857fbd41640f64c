/**
 * A user with a page in Chromium and a desk phone (baresip) on deploy/kamailio: the page's process is killed, and
 * somebody calls.
 */
import { randomUUID } from "node:crypto";
import { eventually } from "../../interop/support/eventually.mjs";
import { Call, description } from "../../kamailio/support/call.mjs";
import { Facts } from "../../kamailio/support/facts.mjs";
import { freePort } from "../../kamailio/support/ports.mjs";
import { launchChromium, newPage } from "../../support/chromium.mjs";
import { startStaticServer } from "../../support/static-server.mjs";
import { DeskPhone } from "./baresip.mjs";

const USER = "sip:2001@example.test";
const PAGE = `<!doctype html><meta charset="utf-8"><title>Phone</title><script type="module">
import { Phone } from "/js/index.js";
globalThis.logIn = (options) => new Phone(options).registerPhone();
</script>`;

/** What a phone of a desk understands. */
const plain = description(/** @type {any} */ ({ transport: "UDP" }));

/** Which process ends: that of the page, or the whole browser with its page. @typedef {"page" | "browser"} Kind */

/** One page after the other, and the desk phone that stays. */
export class PageDeaths {
  /** @type {any} */
  #world;
  /** @type {any} */
  #site;
  /** @type {any} */
  #facts;
  /** @type {any} */
  #caller;
  /** @type {DeskPhone} */
  #desk;
  #own = "";

  /** @param {{ server: any, after: (end: () => unknown) => void, connect: (options: any) => Promise<any> }} world without a node */
  static async start(world) {
    const { server, after } = world;
    const port = await freePort();
    const node = await server.add({
      define: ["WITH_MD5_PHONES"],
      listen: [`udp:127.0.0.1:${port}`],
      settings: {
        ALLOWED_ORIGINS: "http://(localhost|127[.]0[.]0[.]1:[0-9]+)",
        CALLS_PER_MINUTE: 0,
      },
    });
    const site = await startStaticServer({ pages: { "/phone.html": PAGE } });
    after(() => site.close());
    const facts = await Facts.on(world);
    await server.database.sql(
      "UPDATE subscriber SET devices = 'off' WHERE username = '2002'",
    );
    // Ids of devices are made of the last digit.
    const [own, uuid] = ["1", "2"].map((digit) =>
      randomUUID().replace(/.$/, digit),
    );
    await facts.authorise(`urn:uuid:${own}`, "web");
    const id = await facts.authorise(`urn:uuid:${uuid}`, "deskphone");
    const { authUser, password } = await facts.credentials(id);
    const account = [
      `<${USER};transport=udp>`,
      ...[`auth_user=${authUser}`, `auth_pass=${password}`],
      `outbound="sip:127.0.0.1:${port};transport=udp"`,
      ...["answermode=manual", "regint=60", "audio_codecs=pcmu/8000/1"],
    ];
    const desk = await DeskPhone.open([account.join(";")], { uuid });
    after(() => desk.stop());
    const caller = await world.connect({
      ...{ name: "caller", user: "2002", url: node.url },
    });
    return new PageDeaths({ world, site, facts, caller, desk, own });
  }

  /** @param {any} parts */
  constructor({ world, site, facts, caller, desk, own }) {
    this.#world = world;
    this.#site = site;
    this.#facts = facts;
    this.#caller = caller;
    this.#desk = desk;
    this.#own = own;
  }

  /**
   * A page logs in, its process is killed, and at once somebody calls. Resolves with the milliseconds from its end
   * until the desk phone rings.
   * @param {Kind} kind
   */
  async next(kind) {
    const browser = await launchChromium();
    try {
      const page = await newPage(browser);
      await page.goto(`${this.#site.url}phone.html`);
      await page.evaluate(
        (options) => /** @type {any} */ (globalThis).logIn(options),
        {
          connections: this.#world.server.url,
          allowInsecure: true,
          user: "2001",
          domain: "example.test",
          password: this.#world.server.passwords[2001],
          instanceId: `urn:uuid:${this.#own}`,
        },
      );
      await eventually("both to be registered", async () => {
        const there = await this.#facts.registered();
        return there.length === 2;
      });
      const pids = await processes(browser, kind);
      const mark = this.#desk.mark;
      const began = performance.now();
      for (const pid of pids) process.kill(pid, "SIGKILL");
      const call = new Call(this.#caller, USER);
      const sent = { branch: `z9hG4bK${call.callId}`, cseq: 1, body: plain };
      const answer = call.invite(sent);
      await this.#desk.event("CALL_INCOMING", mark);
      const took = performance.now() - began;
      await this.#desk.do("accept");
      call.accepted = await answer;
      await call.ack();
      await this.#desk.event("CALL_ESTABLISHED", mark);
      await call.request("BYE");
      await this.#desk.event("CALL_CLOSED", mark);
      return took;
    } finally {
      await browser.close().catch(() => {});
    }
  }
}

/**
 * The processes of a browser that a kind of end is of.
 * @param {import("playwright-core").Browser} browser
 * @param {Kind} kind
 */
async function processes(browser, kind) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const type = kind === "page" ? "renderer" : "browser";
  return processInfo.filter((one) => one.type === type).map(({ id }) => id);
}
