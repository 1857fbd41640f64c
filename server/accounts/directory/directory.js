/**
 * Who the users are, and what holds for them. The same users that the SIP server knows.
 *
 * @typedef {object} Limits devices at a time
 * @property {number} mobile
 * @property {number} deskphone
 *
 * @typedef {object} Settings
 * @property {Limits} limits
 * @property {"on" | "off"} devices whether devices must be authorised
 * @property {"on" | "off"} unique whether the active devices alone ring
 * @property {"ask" | "override"} sharedSlot what a second web or desktop login meets
 *
 * @typedef {object} Account
 * @property {string} who as the facts name the user
 * @property {string} realm of SIP's digest; "" where it is whatever a client names
 * @property {(password: string) => boolean} proves
 *
 * @typedef {object} Directory
 * @property {(user: string, domain: string | undefined) => Promise<Account | undefined>} find
 * @property {(who: string) => Promise<Settings>} settings
 * @property {(who: string, change: any) => Promise<void>} change null: as the domain, or
 *   the service, has it
 * @property {() => Promise<string | undefined>} domain the one that is served, if it is one
 * @property {() => Promise<void>} close
 */

/** Where nobody says otherwise. @type {Limits} */
export const LIMITS = { mobile: 4, deskphone: 4 };
