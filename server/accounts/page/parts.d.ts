import type { Account } from "../../../js/account/index.js";

/** What each part of the page is given. */
export interface Parts {
  account: Account;
  /** Of the user, in lower case. */
  domain: string;
  /** Shows an error at the head of the page. */
  complain(error: unknown): void;
  /** Says to a screen reader what has been done. */
  speak(sentence: string): void;
}
