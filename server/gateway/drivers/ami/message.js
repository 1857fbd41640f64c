/**
 * Messages of the Asterisk Manager Interface: headers, a line each, and an empty line.
 *
 * @typedef {Record<string, string>} Message headers by their names in lower case
 */
import { refuse } from "../../refusal.js";

/** Longest message; an event has 1 KiB. */
const MAX_LENGTH = 2 ** 16;

/** What would begin another header, or another action. */
// eslint-disable-next-line no-control-regex
const BREAKS = /[\r\n\u0000]/;

/**
 * An action as it is sent. Nothing gets into it that would be read as something else.
 *
 * @param {Record<string, string>} headers
 */
export function written(headers) {
  const lines = Object.entries(headers).map(([name, value]) => {
    if (BREAKS.test(value)) refuse("valueOutOfRange");
    return `${name}: ${value}\r\n`;
  });
  return `${lines.join("")}\r\n`;
}

/** Reads messages, and the line that Asterisk greets with. */
export class Reader {
  /** @type {string | undefined} */
  greeting;
  #rest = "";

  /**
   * What has become complete with more of the stream.
   *
   * @param {string} part
   * @returns {Message[] | undefined} undefined: this is no AMI
   */
  read(part) {
    this.#rest += part;
    if (this.greeting === undefined) {
      const end = this.#rest.indexOf("\r\n");
      if (end < 0) return this.#rest.length > MAX_LENGTH ? undefined : [];
      this.greeting = this.#rest.slice(0, end);
      if (!this.greeting.startsWith("Asterisk Call Manager")) return undefined;
      this.#rest = this.#rest.slice(end + 2);
    }
    const blocks = this.#rest.split("\r\n\r\n");
    this.#rest = blocks.pop() ?? "";
    if ([...blocks, this.#rest].some(({ length }) => length > MAX_LENGTH))
      return undefined;
    return blocks.map(headersIn);
  }
}

/** @param {string} block @returns {Message} */
function headersIn(block) {
  /** @type {Message} */
  const headers = Object.create(null);
  for (const line of block.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0)
      headers[line.slice(0, colon).toLowerCase()] = line
        .slice(colon + 1)
        .trim();
  }
  return headers;
}
