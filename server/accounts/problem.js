/**
 * What a request is refused with: `code` for programs, `message` for people.
 */
export class Problem extends Error {
  /**
   * @param {number} status of HTTP
   * @param {string} code
   * @param {string} message what happened, and what to do
   * @param {Record<string, unknown>} [details]
   */
  constructor(status, code, message, details) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export const notFound = () =>
  new Problem(404, "eNotFound", "There is nothing of that name.");

export const rejected = () =>
  new Problem(
    401,
    "eCredentialsRejected",
    "User name, password or token are wrong, or have expired. Sign in again.",
  );

/** @param {number} seconds */
export const tooMany = (seconds) =>
  new Problem(
    429,
    "eTooManyRequests",
    `Too many tries. Try again in ${seconds} seconds.`,
    { retryAfter: seconds },
  );

export const notAuthorised = () =>
  new Problem(
    403,
    "eDeviceNotAuthorised",
    "This device was revoked. Let it in again from another device.",
  );

export const ofAnother = () =>
  new Problem(
    403,
    "eForbidden",
    "A device cannot do this for another one. Sign in by password or token.",
  );

/**
 * @param {string} field where it is in the request, as a JSON pointer
 * @param {string} complaint
 */
export const invalid = (field, complaint) =>
  new Problem(
    400,
    "eInvalidArgument",
    `${field || "The request"} ${complaint}.`,
    { field },
  );
