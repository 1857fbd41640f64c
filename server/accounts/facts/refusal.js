/** The home of facts refuses a call: `code` is one of its words, `details` says more. */
export class FactsRefusal extends Error {
  /**
   * @param {string} code
   * @param {Record<string, any>} [details]
   */
  constructor(code, details = {}) {
    super(`refused: ${[code, details.complaint].filter(Boolean).join(": ")}`);
    this.name = "FactsRefusal";
    this.code = code;
    this.details = details;
  }
}
