/**
 * What outlives the page: the instance id, and the core's memory of the last
 * session (an opaque string without passwords, hashes of them, or tokens).
 */
export class Store {
  #storage;
  #key;
  /** @type {string} */
  instanceId;
  /** What the tabs that can be this client call it, if there can be any. @type {string | undefined} */
  sharedAs;

  /** @param {any} settings */
  constructor({ user, domain, device, instanceId, page, ...settings }) {
    const { storage = pageStorage() } = settings;
    this.#storage = storage;
    const client = `graceline:${user}@${domain.toLowerCase()}/${device}`;
    // A given instance has a record of its own: two of them in one page must
    // not overwrite each other's memory.
    this.#key = instanceId ? `${client}/${instanceId}` : client;
    const kept = this.#read().instanceId;
    this.instanceId =
      instanceId ?? (isInstanceId(kept) ? kept : randomInstanceId());
    if (kept !== this.instanceId) this.#write({});
    if (storage && (page ?? globalThis).document)
      this.sharedAs = `${client}/${this.instanceId}`;
  }

  /** @returns {string | undefined} */
  get memory() {
    const { memory } = this.#read();
    return typeof memory === "string" ? memory : undefined;
  }

  set memory(memory) {
    this.#write({ memory });
  }

  /** @returns {any} */
  #read() {
    try {
      return Object(JSON.parse(this.#storage?.getItem(this.#key) ?? "{}"));
    } catch {
      return {}; // blocked, or spoilt by somebody
    }
  }

  /** @param {object} record */
  #write(record) {
    try {
      this.#storage?.setItem(
        this.#key,
        JSON.stringify({ instanceId: this.instanceId, ...record }),
      );
    } catch {
      // Full or blocked: the next page load is a new client, nothing worse.
    }
  }
}

/** Reading the property alone throws where cookies are blocked. */
export function pageStorage() {
  try {
    return globalThis.document ? globalThis.localStorage : null;
  } catch {
    return null;
  }
}

/** @param {unknown} value */
const isInstanceId = (value) =>
  typeof value === "string" && /^urn:uuid:[0-9a-f-]{36}$/.test(value);

/** A random UUID. `crypto.randomUUID` exists in secure contexts only. */
function randomInstanceId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  return `urn:uuid:${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}`;
}
