/**
 * Just enough SIP (RFC 3261) for a test client: a second, independent reading of the wire, kept
 * apart from the product's own parser on purpose.
 */
import { createHash, randomBytes } from "node:crypto";

/** Compact forms (RFC 3261 §7.3.3) of the headers that a client goes by. */
const LONG = /** @type {Record<string, string>} */ ({
  v: "Via",
  f: "From",
  t: "To",
  i: "Call-ID",
  m: "Contact",
  l: "Content-Length",
  o: "Event",
});

/** A received message. */
export class SipMessage {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    const [head, ...rest] = text.split("\r\n\r\n");
    this.body = rest.join("\r\n\r\n");
    const [startLine, ...lines] = head.split("\r\n");
    this.startLine = startLine;
    /** @type {[string, string][]} */
    this.headers = lines.map((line) => {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).trim();
      return [LONG[name.toLowerCase()] ?? name, line.slice(colon + 1).trim()];
    });
  }

  get isResponse() {
    // In either case of letters (RFC 3261 §7.1).
    return /^SIP\/2\.0 /i.test(this.startLine);
  }

  /** Status code, 0 for a request. */
  get status() {
    return this.isResponse ? Number(this.startLine.split(" ")[1]) : 0;
  }

  get reason() {
    return this.startLine.split(" ").slice(2).join(" ");
  }

  get method() {
    return this.isResponse ? "" : this.startLine.split(" ")[0];
  }

  get requestUri() {
    return this.isResponse ? "" : this.startLine.split(" ")[1];
  }

  /**
   * Every line of a header.
   * @param {string} name
   */
  all(name) {
    return this.headers
      .filter(([key]) => key.toLowerCase() === name.toLowerCase())
      .map(([, value]) => value);
  }

  /**
   * First line of a header, or empty.
   * @param {string} name
   */
  header(name) {
    return this.all(name)[0] ?? "";
  }

  /** The branch that ties a response to its request (RFC 3261 §17.1.3). */
  get branch() {
    return /branch=([^;,\s]+)/.exec(this.header("Via"))?.[1] ?? "";
  }

  /** All Contacts, from one header line or several. */
  get contacts() {
    return this.all("Contact").flatMap(splitList).map(parseNameAddr);
  }
}

/**
 * @typedef {object} Contact
 * @property {string} uri
 * @property {Record<string, string>} params names in lower case, values without quotes
 */

/**
 * Splits at commas outside quotes and angle brackets.
 * @param {string} text
 */
function splitList(text) {
  return text.match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+/g) ?? [];
}

/**
 * @param {string} text
 * @returns {Contact}
 */
function parseNameAddr(text) {
  const uri = /<([^>]*)>/.exec(text)?.[1] ?? text.trim().split(";")[0];
  const after = text.includes(">") ? text.slice(text.indexOf(">") + 1) : "";
  /** @type {Record<string, string>} */
  const params = {};
  for (const [, name, value = ""] of after.matchAll(
    /;\s*([^=;\s]+)(?:=("(?:[^"\\]|\\.)*"|[^;]*))?/g,
  ))
    params[name.toLowerCase()] = value.trim().replace(/^"(.*)"$/, "$1");
  return { uri, params };
}

/**
 * @typedef {object} Challenge
 * @property {string} realm
 * @property {string} nonce
 * @property {string} algorithm
 * @property {boolean} qop whether `auth` is offered
 * @property {boolean} stale
 */

/**
 * The first digest challenge of a 401 or 407.
 * @param {SipMessage} response
 * @returns {Challenge}
 */
export function parseChallenge(response) {
  return parseChallenges(response)[0];
}

/**
 * The digest challenges of a 401 or 407, the preferred one first.
 * @param {SipMessage} response
 */
export function parseChallenges(response) {
  const proxy = response.status === 407;
  const header = proxy ? "Proxy-Authenticate" : "WWW-Authenticate";
  return response.all(header).map(readChallenge);
}

/**
 * @param {string} text
 * @returns {Challenge}
 */
function readChallenge(text) {
  const value = (/** @type {string} */ name) =>
    new RegExp(`\\b${name}="?([^",]*)"?`, "i").exec(text)?.[1] ?? "";
  return {
    realm: value("realm"),
    nonce: value("nonce"),
    algorithm: value("algorithm") || "MD5",
    qop: value("qop")
      .split(/\s*,\s*/)
      .includes("auth"),
    stale: value("stale").toLowerCase() === "true",
  };
}

/**
 * The value of an Authorization or Proxy-Authorization header (RFC 7616 §3.4.1, RFC 2069 without
 * qop).
 * @param {Challenge} challenge
 * @param {{ user: string, password: string, method: string, uri: string, count: number }} request
 */
export function digestAuthorization(challenge, request) {
  const { realm, nonce, algorithm, qop } = challenge;
  const { user, password, method, uri } = request;
  const hash = (/** @type {string} */ text) =>
    createHash(algorithm === "SHA-256" ? "sha256" : "md5")
      .update(text)
      .digest("hex");
  const ha1 = hash(`${user}:${realm}:${password}`);
  const ha2 = hash(`${method}:${uri}`);
  const common = `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", algorithm=${algorithm}`;
  if (!qop) return `${common}, response="${hash(`${ha1}:${nonce}:${ha2}`)}"`;
  const cnonce = randomBytes(8).toString("hex");
  const nc = request.count.toString(16).padStart(8, "0");
  const response = hash(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${ha2}`);
  return `${common}, qop=auth, nc=${nc}, cnonce="${cnonce}", response="${response}"`;
}
