import { Problem, invalid, notAuthorised, notFound } from "./problem.js";
import { deviceView } from "./views.js";

/** @typedef {(details: any) => Problem} Wording */

/**
 * What the home of facts refuses, as the API says it.
 *
 * @type {Record<string, Wording>}
 */
const wordings = {
  limit: ({ limit, devices }) =>
    devices
      ? new Problem(
          409,
          "eDeviceLimitReached",
          `There may be ${limit} devices of this kind. Replace one of them, or ask the administrator for more.`,
          { limit, devices: devices.map(deviceView) },
        )
      : new Problem(
          409,
          "eLimitReached",
          `There may be ${limit} of them. Remove one first.`,
          { limit },
        ),
  revoked: notAuthorised,
  unknown: notFound,
  unknown_user: notFound,
  taken: () =>
    new Problem(409, "ePublicIdTaken", "This id belongs to somebody else."),
  wrong: () =>
    new Problem(403, "eCodeRejected", "The code is wrong. Try again."),
  expired: () =>
    new Problem(
      403,
      "eCodeRejected",
      "The code is too old. Ask for a new one.",
    ),
  too_many: () =>
    new Problem(
      429,
      "eTooManyRequests",
      "Too many wrong codes. Ask for a new one.",
    ),
  invalid: ({ complaint = "cannot be used" }) => invalid("", `: ${complaint}`),
};

/**
 * The facts, whose refusals are problems of the API.
 *
 * @param {import("./facts/facts.js").Facts} facts
 * @returns {import("./facts/facts.js").Facts["call"]}
 */
export const worded = (facts) => async (verb, who, args) => {
  try {
    return await facts.call(verb, who, args);
  } catch (error) {
    const { code, details } = /** @type {any} */ (error);
    throw Object.hasOwn(wordings, code) ? wordings[code](details) : error;
  }
};
