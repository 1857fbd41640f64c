/**
 * Checks of what a request brings. A driver puts these texts into the commands of a
 * telephone system, so that everything but what a phone has keys for, and the names
 * that SIP knows beside numbers, stays out.
 */
import { refuse } from "./refusal.js";

/** As long as the longest number (E.164: 15 digits) with prefixes and codes, or a name. */
const NUMBER = /^\+?[0-9A-Za-z*#][0-9A-Za-z*#._-]{0,63}$/;
/** As many as somebody types at once: a card's number, a PIN. */
const DIGITS = /^[0-9A-D*#]{1,64}$/i;

/**
 * A number that can be dialled.
 *
 * @param {unknown} to
 * @param {string} error what is wrong if it cannot: differs from service to service
 */
export function numberIn(to, error) {
  if (typeof to !== "string") return refuse("valueOutOfRange");
  return NUMBER.test(to) ? to : refuse(error);
}

/** Keys of a phone. @param {unknown} digits */
export function digitsIn(digits) {
  if (typeof digits !== "string" || !DIGITS.test(digits))
    return refuse("valueOutOfRange");
  return digits.toUpperCase();
}
