import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAccounts, startVoicemail } from "../testing/index.js";

/**
 * The users whose devices are shown, by page. Those of the other users need no account.
 *
 * @type {Record<string, { user: string, name: string }>}
 */
export const OWNERS = {
  devices: { user: "2004", name: "Dana" },
  number: { user: "2005", name: "Kim" },
};
/** Dana has one in a drawer: the next but one is over the limit. */
const LIMITS = { mobile: 2, deskphone: 2 };
const DRAWER = /** @type {const} */ ({
  id: "drawer",
  instance: "urn:uuid:00000000-0000-4000-8000-000000002004",
  class: "mobile",
  name: "Old phone, in a drawer",
  limits: LIMITS,
});
/** Where Kim's calls go at first. */
const RULES = {
  ...{ always: null, busy: null, offline: "voicemail", doNotDisturb: false },
  noAnswer: { to: "voicemail", seconds: 10 },
};
/** Of a message, in seconds. */
const LONGEST = 60;
/** Of a push, in bytes (RFC 8030 §7.2). */
const MAX_PUSH = 4096;

/**
 * The account service of the demo, its voicemail, and a push service for browsers that have none: what it is
 * sent it tells the pages, which alone can read it.
 */
export class DemoDevices {
  #registrar;
  #accounts;
  #tell;
  #voicemail;
  #folder;

  /**
   * @param {import("../testing/index.js").Registrar} registrar
   * @param {(event: "push", data: { id: string, body: string }) => void} tell
   */
  static async start(registrar, tell) {
    const accounts = await startAccounts({
      ...{ registrar, limits: LIMITS },
      // Who signs in is of no interest on this machine's console.
      ...{ audit: () => {}, log: () => {} },
    });
    const folder = await mkdtemp(join(tmpdir(), "graceline-demo-"));
    const voicemail = await startVoicemail({
      ...{ registrar, accounts, folder, seconds: LONGEST },
    });
    return new DemoDevices({ registrar, accounts, voicemail, folder, tell });
  }

  /**
   * @param {object} parts
   * @param {import("../testing/index.js").Registrar} parts.registrar
   * @param {Awaited<ReturnType<typeof startAccounts>>} parts.accounts
   * @param {Awaited<ReturnType<typeof startVoicemail>>} parts.voicemail
   * @param {string} parts.folder of its messages
   * @param {(event: "push", data: { id: string, body: string }) => void} parts.tell
   */
  constructor({ registrar, accounts, voicemail, folder, tell }) {
    this.#registrar = registrar;
    this.#accounts = accounts;
    this.#voicemail = voicemail;
    this.#folder = folder;
    this.#tell = tell;
    for (const page of Object.keys(OWNERS)) this.startOver(page);
  }

  /** Where the account service is. */
  get url() {
    return this.#accounts.url;
  }

  /** As before anybody logged in. @param {string} page */
  startOver(page) {
    const { user } = OWNERS[page];
    const registrar = this.#registrar;
    for (const { id } of registrar.account("devices", user))
      registrar.account("forget", user, { id });
    registrar.account("rings_set", user, { ids: "auto" });
    if (page === "devices") registrar.account("authorise", user, DRAWER);
    else registrar.account("rules_set", user, RULES);
  }

  /**
   * As a push service does (RFC 8030 §5): the account service sends, no page does.
   *
   * @param {import("node:http").IncomingMessage} request
   * @param {string} id of the subscription
   * @returns {Promise<number>} status of the answer
   */
  async push(request, id) {
    if (request.headers.origin) return 403;
    const parts = [];
    let length = 0;
    for await (const part of request) {
      parts.push(part);
      if ((length += part.length) > MAX_PUSH) return 413;
    }
    this.#tell("push", { id, body: Buffer.concat(parts).toString("base64") });
    return 201;
  }

  async stop() {
    await this.#voicemail.stop();
    await this.#accounts.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
