import {
  digestOf,
  isSame,
  randomId,
  randomToken,
  sealed,
  unsealed,
} from "./secrets.js";

const TOKEN_SECONDS = 10 * 60;
const SESSION_SECONDS = 30 * 24 * 60 * 60;
/** Of one user: twice as many as devices. The oldest makes room. */
const MOST = 128;

/**
 * @typedef {object} Session
 * @property {string} id
 * @property {string} who
 * @property {string} realm of SIP's digest
 * @property {string} [device] whose session it is
 *
 * @typedef {object} Kept what is kept of it
 * @property {string} realm
 * @property {string} [device]
 * @property {string} refresh digest of the refresh token
 * @property {number} since
 * @property {number} until
 */

/**
 * Sessions of users. A token is short-lived and counts as long as its session is there; a
 * refresh token is random, kept as a digest, and counts once.
 */
export class Sessions {
  #store;

  /** @param {import("./store/store.js").Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {{ who: string, realm: string }} account @param {string} [device] */
  async open({ who, realm }, device) {
    const id = randomId();
    await this.#makeRoom(who);
    const { refresh, text } = renewed({ realm, device, since: Date.now() });
    await this.#store.swapSession(who, id, null, text);
    return this.#tokens({ who, id }, refresh);
  }

  /**
   * @param {string} token
   * @returns {Promise<Session | undefined>}
   */
  async of(token) {
    const value = unsealed(await this.#key(), token);
    if (!value || value.until <= Date.now()) return undefined;
    const { who, id } = value;
    const found = await this.#find(who, id);
    return found && session(who, id, found.kept);
  }

  /** @param {Session} session */
  async isThere({ who, id }) {
    return !!(await this.#find(who, id));
  }

  /**
   * A refresh token that is not the latest of its session was copied by somebody: nobody
   * can tell who is who, and the session ends.
   *
   * @param {string} token
   * @returns {Promise<Session & { next: () => Promise<object | undefined> } | undefined>}
   */
  async ofRefresh(token) {
    const [who64, id, secret, ...rest] = token.split(".");
    if (!secret || rest.length) return undefined;
    const who = Buffer.from(who64, "base64url").toString();
    const found = await this.#find(who, id);
    if (!found) return undefined;
    const { kept, text } = found;
    if (!isSame(kept.refresh, digestOf(secret))) {
      await this.end(who, id);
      return undefined;
    }
    const next = async () => {
      const { refresh, text: later } = renewed(kept);
      // Two that show it at once: one of them copied it.
      if (await this.#store.swapSession(who, id, text, later))
        return this.#tokens({ who, id }, refresh);
      return void (await this.end(who, id));
    };
    return { ...session(who, id, kept), next };
  }

  /** The session is that of a device from now on. @param {Session} session @param {string} device */
  async bind({ who, id, device: bound }, device) {
    const found = !bound && (await this.#find(who, id));
    if (!found) return;
    const text = JSON.stringify({ ...found.kept, device });
    await this.#store.swapSession(who, id, found.text, text);
  }

  /** @param {string} who @param {string} id */
  async end(who, id) {
    let text;
    do text = await this.#store.session(who, id);
    while (text && !(await this.#store.swapSession(who, id, text, null)));
  }

  /** @param {{ who: string, id: string }} session @param {string} refresh */
  async #tokens({ who, id }, refresh) {
    const until = Date.now() + TOKEN_SECONDS * 1000;
    return {
      token: sealed(await this.#key(), { who, id, until }),
      expiresIn: TOKEN_SECONDS,
      refreshToken: `${Buffer.from(who).toString("base64url")}.${id}.${refresh}`,
    };
  }

  /** @param {string} who @param {string} id */
  async #find(who, id) {
    const text = await this.#store.session(who, id);
    if (!text) return undefined;
    /** @type {Kept} */
    const kept = JSON.parse(text);
    return kept.until > Date.now() ? { kept, text } : undefined;
  }

  /** @param {string} who */
  async #makeRoom(who) {
    const sessions = Object.entries(await this.#store.sessions(who))
      .map(([id, text]) => ({ id, ...JSON.parse(text) }))
      .sort((a, b) => b.since - a.since);
    for (const [place, { id, until }] of sessions.entries())
      if (until <= Date.now() || place >= MOST - 1) await this.end(who, id);
  }

  #key() {
    return this.#store.secret("tokens");
  }
}

/**
 * @param {string} who
 * @param {string} id
 * @param {Kept} kept
 * @returns {Session}
 */
const session = (who, id, { realm, device }) => ({ id, who, realm, device });

/** @param {Pick<Kept, "realm" | "device" | "since">} kept */
function renewed({ realm, device, since }) {
  const refresh = randomToken();
  const until = Date.now() + SESSION_SECONDS * 1000;
  /** @type {Kept} */
  const kept = { realm, device, since, refresh: digestOf(refresh), until };
  return { refresh, text: JSON.stringify(kept) };
}
