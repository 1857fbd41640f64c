/** Why a service is not done: the name of a CSTA error (docs/cti-link.md). */
export class Refusal extends Error {
  /** @param {string} error */
  constructor(error) {
    super(error);
    this.error = error;
  }
}

/** @type {(error: string) => never} */
export const refuse = (error) => {
  throw new Refusal(error);
};

/** The link has ended, and with it all that was asked over it. */
export class Gone extends Error {}
