import { randomBytes } from "node:crypto";
import { open, mkdir, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeWav } from "./media/wav.js";
import { RATE } from "./media/g711.js";

/**
 * @typedef {object} Message
 * @property {string} id later ones are greater
 * @property {{ uri: string, displayName: string }} from
 * @property {number} at ms since the Unix epoch
 * @property {number} seconds
 * @property {boolean} new nobody has heard it
 */

/** Names of files: a message's id, and what it is. */
const OURS =
  /^([a-z0-9]{9}-[A-Za-z0-9_-]{11})\.(?:(?:wav|json)\.)?(wav|json|part)$/;

/**
 * Messages in a folder: for each mailbox a folder, for each message the sound as a WAV file
 * and what is known of it as JSON, which is written last: a message without it is none.
 */
export class Store {
  #folder;
  #limits;
  /** By mailbox, by id. @type {Map<string, Map<string, Message>>} */
  #mailboxes = new Map();
  #bytes = 0;

  /**
   * @param {string} folder
   * @param {{ messages: number, bytes: number }} limits of a mailbox, and of all
   */
  constructor(folder, limits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** Reads what is there. What a write left that came to no end goes. */
  async open() {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#folder)) {
      const mailbox = mailboxOf(name);
      if (mailbox) this.#mailboxes.set(mailbox, await this.#read(mailbox));
    }
  }

  get mailboxes() {
    return [...this.#mailboxes.keys()];
  }

  /** The newest first. @param {string} mailbox */
  list(mailbox) {
    const messages = [...(this.#mailboxes.get(mailbox)?.values() ?? [])];
    return messages.sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  /** @param {string} mailbox */
  counts(mailbox) {
    const all = this.list(mailbox);
    const fresh = all.filter((message) => message.new).length;
    return { new: fresh, old: all.length - fresh };
  }

  /** Whether there is room for one more. @param {string} mailbox */
  isFull(mailbox) {
    return (
      this.list(mailbox).length >= this.#limits.messages ||
      this.#bytes >= this.#limits.bytes
    );
  }

  /**
   * @param {string} mailbox
   * @param {Message["from"]} from
   * @param {Int16Array} samples
   * @param {number} at when it began
   */
  async add(mailbox, from, samples, at) {
    const time = at.toString(36).padStart(9, "0");
    const id = `${time}-${randomBytes(8).toString("base64url")}`;
    const seconds = Math.round(samples.length / RATE);
    /** @type {Message} */
    const message = { id, from, at, seconds, new: true };
    const sound = writeWav(samples);
    await mkdir(this.#path(mailbox), { recursive: true, mode: 0o700 });
    await write(this.#path(mailbox, `${id}.wav`), sound);
    try {
      await this.#keep(mailbox, message);
    } catch (error) {
      await rm(this.#path(mailbox, `${id}.wav`), { force: true });
      throw error;
    }
    this.#bytes += sound.length;
    return message;
  }

  /**
   * @param {string} mailbox
   * @param {string} id
   * @returns {Promise<Message | undefined>}
   */
  async heard(mailbox, id) {
    const message = this.#mailboxes.get(mailbox)?.get(id);
    if (message?.new) await this.#keep(mailbox, { ...message, new: false });
    return this.#mailboxes.get(mailbox)?.get(id);
  }

  /**
   * @param {string} mailbox
   * @param {string} id
   * @returns {Promise<boolean>} whether it was there
   */
  async delete(mailbox, id) {
    const messages = this.#mailboxes.get(mailbox);
    if (!messages?.delete(id)) return false;
    await rm(this.#path(mailbox, `${id}.json`), { force: true });
    const sound = this.#path(mailbox, `${id}.wav`);
    this.#bytes -= await sizeOf(sound);
    await rm(sound, { force: true });
    return true;
  }

  /**
   * @param {string} mailbox
   * @param {string} id
   * @returns {Promise<Buffer | undefined>} a WAV file
   */
  async sound(mailbox, id) {
    if (!this.#mailboxes.get(mailbox)?.has(id)) return undefined;
    return readFile(this.#path(mailbox, `${id}.wav`));
  }

  /** @param {string} mailbox @param {Message} message */
  async #keep(mailbox, message) {
    const { id, ...rest } = message;
    const path = this.#path(mailbox, `${id}.json`);
    await write(path, Buffer.from(JSON.stringify(rest)));
    const messages = this.#mailboxes.get(mailbox) ?? new Map();
    this.#mailboxes.set(mailbox, messages.set(id, message));
  }

  /** @param {string} mailbox */
  async #read(mailbox) {
    const messages = new Map();
    const files = await readdir(this.#path(mailbox));
    for (const file of files) {
      const [, id = "", kind] = OURS.exec(file) ?? [];
      const isWhole =
        kind !== "part" &&
        files.includes(`${id}.wav`) &&
        files.includes(`${id}.json`);
      const path = this.#path(mailbox, file);
      if (!id) continue;
      else if (!isWhole) await rm(path, { force: true });
      else if (kind === "wav") this.#bytes += await sizeOf(path);
      else
        messages.set(id, { id, ...JSON.parse(await readFile(path, "utf8")) });
    }
    return messages;
  }

  /** @param {string} mailbox @param {string} [file] */
  #path(mailbox, file = "") {
    return join(this.#folder, `of-${encodeURIComponent(mailbox)}`, file);
  }
}

/** @param {string} name of a folder */
function mailboxOf(name) {
  const [, encoded] = /^of-([^/]+)$/.exec(name) ?? [];
  return encoded && decodeURIComponent(encoded);
}

/** @param {string} path */
async function sizeOf(path) {
  const file = await open(path, "r").catch(() => undefined);
  try {
    return (await file?.stat())?.size ?? 0;
  } finally {
    await file?.close();
  }
}

/**
 * All of it or nothing, whenever the machine stops.
 *
 * @param {string} path
 * @param {Buffer} bytes
 */
async function write(path, bytes) {
  const unfinished = `${path}.part`;
  try {
    const file = await open(unfinished, "w", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
