import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WebSocket } from "ws";
import { Phone } from "../../js/index.js";
import { callApp } from "../../js/phone/events.js";
import { AccountLink } from "./account-link.js";
import { answer, divertedBy } from "./answering.js";
import { serveMessages } from "./http.js";
import { AnsweringMedia } from "./media/handler.js";
import { checkVoicemail } from "./options.js";
import { Store } from "./store.js";

/** What callers hear who cannot leave a message. */
const NOT_FOUND = 404;
const UNAVAILABLE = 480;
const BUSY = 486;

/** @param {import("./index.js").VoicemailOptions} options */
export async function startVoicemail(options) {
  const voicemail = new Voicemail(checkVoicemail(options));
  try {
    await voicemail.start();
  } catch (error) {
    await voicemail.stop();
    throw error;
  }
  return voicemail;
}

/** A phone that answers what the users' rules send to it, and keeps what is said. */
class Voicemail {
  url = "";
  #settings;
  #store;
  #accounts;
  /** @type {import("../../js/index.js").Phone | undefined} */
  #phone;
  /** @type {Awaited<ReturnType<typeof serveMessages>> | undefined} */
  #http;
  /** Calls that are being taken. @type {Set<Promise<void>>} */
  #taken = new Set();
  /** @type {Promise<void> | undefined} */
  #stopping;

  /** @param {import("./options.js").Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    this.#store = new Store(settings.folder, settings.limits);
    this.#accounts = new AccountLink(settings.accounts);
  }

  async start() {
    const { folder, login, log, mediaHost } = this.#settings;
    await this.#store.open();
    this.#http = await serveMessages(this.#settings, {
      store: this.#store,
      changed: (mailbox) => this.#tell(mailbox),
    });
    this.url = this.#http.url;
    await this.#accounts.announce(this.url);
    for (const mailbox of this.#store.mailboxes) this.#tell(mailbox);
    this.#phone = new Phone({
      WebSocket: /** @type {any} */ (WebSocket),
      device: "voicemail",
      log: (entry) => callApp(log, entry),
      ...login,
      instanceId: await instanceOf(folder),
      media: (context) => new AnsweringMedia(context, mediaHost),
    });
    this.#phone.on("incoming", ({ call }) => this.#incoming(call));
    await this.#phone.registerPhone();
  }

  stop() {
    return (this.#stopping ??= this.#stop());
  }

  async #stop() {
    // What callers have said by now is kept.
    await this.#phone?.close();
    await Promise.all(this.#taken);
    await this.#http?.close();
    this.#accounts.close();
  }

  /** @param {import("../../js/index.js").Call} call */
  #incoming(call) {
    const taking = this.#take(call)
      .catch((error) => {
        this.#log("error", `A message was lost: ${error.message}`);
        return call.hangup();
      })
      .finally(() => this.#taken.delete(taking));
    this.#taken.add(taking);
  }

  /** @param {import("../../js/index.js").Call} call */
  async #take(call) {
    const { calls, greeting, seconds } = this.#settings;
    const diverted = divertedBy(call);
    if (!diverted) return call.reject(NOT_FOUND);
    if (this.#taken.size >= calls) return call.reject(BUSY);
    const mailbox = await this.#accounts.mailboxOf(diverted);
    if (!mailbox) return call.reject(NOT_FOUND);
    if (this.#store.isFull(mailbox)) {
      this.#log("warn", `The mailbox of ${mailbox} takes no more messages.`);
      return call.reject(UNAVAILABLE);
    }
    const { uri, displayName } = call.remote;
    const said = await answer(call, { greeting, seconds });
    if (!said) return;
    const from = { uri, displayName };
    await this.#store.add(mailbox, from, said.samples, said.at);
    this.#tell(mailbox);
  }

  /** @param {string} mailbox whose messages are others now */
  #tell(mailbox) {
    this.#accounts
      .tell(mailbox, this.#store.counts(mailbox))
      .catch((error) => this.#log("warn", error.message));
  }

  /** @param {"warn" | "error"} level @param {string} message */
  #log(level, message) {
    callApp(this.#settings.log, { level, message });
  }
}

/**
 * Which device this is: after a restart the same, so that it takes its own place again.
 *
 * @param {string} folder
 */
async function instanceOf(folder) {
  const file = join(folder, "instance");
  const known = await readFile(file, "utf8").catch(() => "");
  if (known) return known.trim();
  const made = `urn:uuid:${crypto.randomUUID()}`;
  await writeFile(file, `${made}\n`, { mode: 0o600 });
  return made;
}
