/**
 * The facts about users have one home, which several servers ask: Redis in production,
 * the test registrar's memory else.
 *
 * @typedef {object} Facts
 * @property {(verb: string, who: string, args?: object) => Promise<any>} call rejects with
 *   a `FactsRefusal`
 * @property {(listener: (change: Change) => void) => Promise<unknown>} onChange
 * @property {(listener: (wanted: Wanted) => void) => Promise<unknown>} onWake
 * @property {(listener: () => void) => void} onGap changes may have been missed
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Change
 * @property {string} who
 * @property {string} kind
 * @property {string} [id] of the record that has come, where the kind is "history"
 *
 * @typedef {object} Wanted those of a user who sleep are to be told
 * @property {string} who
 * @property {string[]} [devices] these, if they sleep; default all
 * @property {string[]} [unheard] of these, who are registered and do not answer
 * @property {import("../push/sender.js").News} news
 *
 * @typedef {object} Device
 * @property {string} id
 * @property {string} instance
 * @property {"mobile" | "desktop" | "web" | "deskphone"} class
 * @property {string} name
 * @property {"authorised" | "revoked"} state
 * @property {string | null} key
 * @property {number} since ms since the Unix epoch
 * @property {number} seen the same
 * @property {import("../push/sender.js").Subscription | import("../push/sender.js").Pns | null} push
 * @property {boolean} registered
 *
 * @typedef {object} CallRecord as its reader sees it, who is one side of the call
 * @property {string} id
 * @property {"incoming" | "outgoing"} direction
 * @property {Party} from
 * @property {Party} to
 * @property {number} start ms since the Unix epoch
 * @property {number} [answered] the same
 * @property {number} end the same
 * @property {string} result
 * @property {string[]} rang devices
 * @property {string} [answeredBy] a device
 * @property {string} [device] that called
 * @property {string} [forwardedTo]
 *
 * @typedef {{ uri: string, displayName: string }} Party
 */

export {};
