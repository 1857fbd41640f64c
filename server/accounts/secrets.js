import {
  createHash,
  createHmac,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

/** 256 bits. */
export const randomToken = () => randomBytes(32).toString("base64url");

/** 128 bits: ids that are no secret, but cannot be guessed either. */
export const randomId = () => randomBytes(16).toString("base64url");

/** @param {"md5" | "sha256"} algorithm @param {string} text */
export const hashHex = (algorithm, text) =>
  createHash(algorithm).update(text).digest("hex");

/** As a secret is kept. @param {string} text */
export const digestOf = (text) =>
  createHash("sha256").update(text).digest("base64url");

/**
 * Without telling by its time where they differ.
 *
 * @param {string} one
 * @param {string} other
 */
export const isSame = (one, other) =>
  timingSafeEqual(
    createHash("sha256").update(one).digest(),
    createHash("sha256").update(other).digest(),
  );

/**
 * A value that whoever holds it can show but not change.
 *
 * @param {Buffer} key of nothing else: what is sealed for one purpose is not for another
 * @param {object} value
 */
export function sealed(key, value) {
  const body = Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${body}.${macOf(key, body)}`;
}

/**
 * @param {Buffer} key
 * @param {string} text
 * @returns {any} the value, or undefined where the seal is broken
 */
export function unsealed(key, text) {
  const [body, mac, ...rest] = text.split(".");
  if (mac === undefined || rest.length) return undefined;
  if (!isSame(mac, macOf(key, body))) return undefined;
  return JSON.parse(Buffer.from(body, "base64url").toString());
}

/** @param {Buffer} key @param {string} body */
const macOf = (key, body) =>
  createHmac("sha256", key).update(body).digest("base64url");
