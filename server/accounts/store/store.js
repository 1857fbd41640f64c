/**
 * What the copies of the service share besides the facts: nothing here outlives a
 * month, and none of it is a password or a token.
 *
 * @typedef {object} Store
 * @property {(name: string) => Promise<Buffer>} secret 32 random bytes, the same for all
 *   copies
 * @property {(key: string, seconds: number) => Promise<boolean>} once whether this is the
 *   first time that it is asked within so many seconds
 * @property {(key: string) => Promise<{ count: number, seconds: number }>} counted how
 *   often it was counted, and when that is forgotten
 * @property {(key: string, seconds: number) => Promise<void>} count the time runs from the
 *   first
 * @property {(who: string, id: string) => Promise<string | null>} session
 * @property {(who: string) => Promise<Record<string, string>>} sessions of a user, by id
 * @property {(who: string, id: string, expected: string | null, next: string | null) => Promise<boolean>} swapSession
 *   puts another one in its place if it is still the expected one; null is none
 * @property {(key: string, value: string, seconds: number) => Promise<void>} keep
 * @property {(key: string) => Promise<string | null>} kept
 * @property {() => Promise<void>} close
 */

export {};
