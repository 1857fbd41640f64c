import { MessageReader } from "../../pkg/registrar.js";
import { fault, learn } from "../errors/error.js";
import { testing } from "../errors/testing.js";
import { loadWasm } from "./wasm.js";

learn(testing);

// The text goes into the wasm's memory; what comes back are positions in it,
// and the parts are cut from the string that is here already.

/** Where a number is absent. */
const NONE = 0xffff_ffff;
/** Longest text taken, in UTF-16 units. The parser's own limit counts bytes. */
const MAX_LENGTH = 2 ** 20;

const encoder = new TextEncoder();
/** @type {WebAssembly.Memory} */
let memory;
/** @type {MessageReader} */
let reader;
/** Where the text goes. */
let room = new Uint8Array();
/** The memory as numbers, and the position of the next one in it. */
let numbers = new Uint32Array();
let at = 0;
/** What the positions count in, from the start line on. */
let source = "";
/** Its characters are bytes: the text is not all ASCII. */
let isBytes = false;

/** @type {typeof import("./index.js").parseMessage} */
export const parseMessage = (text) => new Message(text);

/** @typedef {import("./index.js").SipMessage} Declared */

/** @implements {Declared} */
export class Message {
  #text;

  /** @param {string} text */
  constructor(text) {
    if (typeof text !== "string" || text.length > MAX_LENGTH)
      throw fault("noSipMessage", {
        why: "it must be a string of at most 1 MiB",
      });
    this.#text = text;
    const body = open(text, "read");
    const status = number();
    const start = string();
    const requestUri = readUri();
    this.method = status ? undefined : start;
    this.requestUri = requestUri;
    this.status = status || undefined;
    this.reason = status ? (start ?? "") : undefined;
    this.from = readAddress();
    this.to = readAddress();
    this.callId = string();
    this.cseq = readCSeq();
    this.via = readVia();
    this.expires = optionalNumber();
    this.contentType = string();
    this.contentLength = optionalNumber();
    this.contacts = readContacts();
    this.body = body;
  }

  /** @param {string} name */
  header(name) {
    return this.headers(name)[0]?.[1];
  }

  /** @param {string} [wanted] */
  headers(wanted) {
    open(this.#text, "lines");
    const other = wanted?.toLowerCase();
    const known = other === undefined ? NONE : reader.name(other);
    /** @type {[name: string, value: string][]} */
    const found = [];
    for (let left = number(); left > 0; left--) {
      const [id, name = "", value = ""] = [number(), string(), string()];
      const matches =
        id === known && (id !== NONE || name.toLowerCase() === other);
      if (matches || other === undefined) found.push([name, value]);
    }
    return found;
  }
}

/**
 * Has the wasm read a text, and begins to read its index.
 *
 * @param {string} text
 * @param {"read" | "lines"} what
 * @returns {string} the body
 */
function open(text, what) {
  if (!reader) {
    memory = loadWasm().memory;
    reader = new MessageReader();
  }
  // Any UTF-16 unit becomes three bytes at most. A view of a memory that has
  // grown since is empty.
  const most = text.length * 3;
  if (room.length < most) {
    const place = reader.room(most);
    room = new Uint8Array(memory.buffer, place, most);
  }
  const { written } = encoder.encodeInto(text, room);
  const index = reader[what](written);
  if (!index) throw fault("noSipMessage", { why: reader.problem(written) });
  if (numbers.buffer !== memory.buffer)
    numbers = new Uint32Array(memory.buffer);
  at = index / 4;

  isBytes = written !== text.length;
  source = isBytes ? Buffer.from(text).toString("latin1") : text;
  const [skipped, folded, length] = [number(), number(), number()];
  if (skipped) source = source.slice(skipped);
  const body = decoded(source.slice(length));
  if (folded) source = source.slice(0, length).replace(/\r\n[ \t]/g, "   ");
  return body;
}

const number = () => numbers[at++];

function optionalNumber() {
  const value = numbers[at++];
  return value === NONE ? undefined : value;
}

function string() {
  const begin = numbers[at++];
  const end = numbers[at++];
  return end ? decoded(source.slice(begin, end)) : undefined;
}

/** @param {string} part of the source */
const decoded = (part) =>
  isBytes ? Buffer.from(part, "latin1").toString() : part;

function readUri() {
  const text = string();
  const [user, host, port] = [string(), string(), optionalNumber()];
  return text === undefined ? undefined : { text, user, host, port };
}

function readAddress() {
  const name = string();
  const [uri, tag, expires] = [readUri(), string(), optionalNumber()];
  return uri && { displayName: unquoted(name), uri, tag, expires };
}

function readCSeq() {
  const [value, method] = [number(), string()];
  return method === undefined ? undefined : { number: value, method };
}

function readVia() {
  const [transport, host, port] = [string(), string(), optionalNumber()];
  const [branch, received] = [string(), string()];
  return transport === undefined || host === undefined
    ? undefined
    : { transport, host, port, branch, received };
}

function readContacts() {
  const contacts = [];
  for (let left = number(); left > 0; left--) {
    const contact = readAddress();
    if (contact) contacts.push(contact);
  }
  return contacts;
}

/** @param {string | undefined} name */
function unquoted(name) {
  if (!name?.startsWith('"')) return name;
  const inner = name.slice(1, -1);
  return inner.includes("\\") ? inner.replace(/\\(.)/gs, "$1") : inner;
}
