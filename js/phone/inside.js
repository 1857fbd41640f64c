/** What a phone shows to this package alone: the calls of its first mode. */
export const CALLS = Symbol();
