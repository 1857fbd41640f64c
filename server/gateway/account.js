import { Stream } from "../../js/account/stream.js";
import { Administrator, Refused } from "../administrator.js";
import { Refusal, refuse } from "./refusal.js";

/**
 * @typedef {import("./driver.js").LinkRequest} LinkRequest
 * @typedef {import("./driver.js").LinkMessage} LinkMessage
 * @typedef {import("../../js/account/index.js").Rules} Rules
 * @typedef {{ rules: Rules, voicemail: { new: number, old: number } }} Facts
 * @typedef {{ type: string, active: boolean, to?: string, seconds?: number }} Rule of the link
 */

/** Rules of an account as the link names them (docs/cti-link.md). */
const TYPES = /** @type {const} */ ({
  immediate: "always",
  busy: "busy",
  noAnswer: "noAnswer",
});
/** Of a rule that says no time. */
const SECONDS = 20;
const FEATURES = ["SetForwarding", "SetDoNotDisturb"];

/**
 * Where users have rules at an account service, these are the rules of their lines: a desk
 * phone's forwarding, do not disturb and waiting messages are those of its user, whatever the
 * switch says of them.
 */
export class Accounts {
  #service;
  #domain;
  #stream;
  #warn;
  /** By line; null: it is of no user. @type {Map<string, Facts | null>} */
  #facts = new Map();
  /** Where a rule led that is off, by line and type: it may be put on again without. @type {Map<string, string>} */
  #last = new Map();
  /** @type {Set<(line: string) => void>} */
  #followers = new Set();

  /**
   * @param {{ url: string, token: string }} accounts
   * @param {string} domain of the lines' users
   * @param {(message: string) => void} warn
   */
  constructor(accounts, domain, warn) {
    this.#service = new Administrator(accounts);
    this.#domain = domain;
    this.#warn = warn;
    this.#stream = new Stream({
      open: (signal) => this.#service.open("GET", "events", { signal }),
      heard: (_, data) => this.#heard(JSON.parse(data)),
      missed: () => this.#askAgain(),
      failed: () => {},
    });
    this.#stream.start();
  }

  close() {
    this.#stream.stop();
    this.#service.close();
  }

  /**
   * A driver's link, on which the accounts' rules take the place of the switch's.
   *
   * @param {import("./driver.js").OpenDriver} open
   * @returns {import("./driver.js").OpenDriver}
   */
  over(open) {
    return (address, host) => {
      const link = new AccountedLink(this, host);
      const driver = open(address, {
        ...host,
        receive: (message) => link.receive(message),
      });
      return {
        send: (request) => link.send(request, driver),
        close: () => {
          link.close();
          driver.close();
        },
      };
    };
  }

  /** @param {(line: string) => void} follower hears of whose facts have changed */
  follow(follower) {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** What is known of the user of a line. @param {string} line */
  facts(line) {
    return this.#facts.get(line);
  }

  /** Sees to it that it is known. @param {string} line */
  async learn(line) {
    if (this.#facts.has(line)) return;
    await this.#ask(line).catch((error) => this.#warn(error.message));
  }

  /**
   * @param {string} line
   * @param {Rule} rule
   */
  async setForwarding(line, { type, active, to, seconds = SECONDS }) {
    if (!Object.hasOwn(TYPES, type)) refuse("valueOutOfRange");
    const name = TYPES[/** @type {keyof typeof TYPES} */ (type)];
    const target = to ?? this.#last.get(`${line} ${name}`);
    if (active && !target) refuse("invalidForwardingDestination");
    const rule = name === "noAnswer" ? { to: target, seconds } : target;
    await this.#change(line, { [name]: active ? rule : null });
  }

  /** @param {string} line @param {boolean} on */
  setDoNotDisturb(line, on) {
    return this.#change(line, { doNotDisturb: on });
  }

  /**
   * A device as the switch sees it, with what its user's account says.
   *
   * @param {Record<string, any>} device
   */
  seen(device) {
    const facts = this.#facts.get(device.line);
    if (!facts) return device;
    const { rules, voicemail } = facts;
    const forwarding = Object.entries(TYPES).map(([type, name]) => {
      const rule = rules[name];
      const to = targetOf(rule);
      const known = to ?? this.#last.get(`${device.line} ${name}`);
      return {
        type,
        active: !!to,
        ...(known && { to: known }),
        ...(typeof rule === "object" && rule && { seconds: rule.seconds }),
      };
    });
    return {
      ...device,
      doNotDisturb: rules.doNotDisturb,
      messageWaiting: voicemail.new > 0,
      forwarding,
    };
  }

  /** @param {string} line @param {object} change */
  async #change(line, change) {
    try {
      const rules = await this.#service.ask(
        "PATCH",
        this.#path(line, "rules"),
        change,
      );
      if (!rules) refuse("invalidDeviceID");
      this.#heard({ user: line, rules });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      throw new Refusal(
        error.status === 400 ? "invalidForwardingDestination" : "resourceBusy",
      );
    }
  }

  /** @param {string} line */
  async #ask(line) {
    const [rules, voicemail] = await Promise.all([
      this.#service.ask("GET", this.#path(line, "rules")),
      this.#service.ask("GET", this.#path(line, "mailbox")),
    ]);
    if (rules && voicemail) this.#know(line, { rules, voicemail });
    else this.#facts.set(line, null);
  }

  /** @param {string} line @param {Facts} facts */
  #know(line, facts) {
    this.#facts.set(line, facts);
    for (const name of Object.values(TYPES)) {
      const to = targetOf(facts.rules[name]);
      if (to) this.#last.set(`${line} ${name}`, to);
    }
  }

  async #askAgain() {
    for (const line of [...this.#facts.keys()]) {
      await this.#ask(line).catch(() => {});
      this.#told(line);
    }
  }

  /** @param {{ user: string } & Partial<Facts>} news of any user */
  #heard({ user, ...news }) {
    const line = user.replace(/@.*$/, "");
    const known = this.#facts.get(line);
    if (!known) return;
    this.#know(line, { ...known, ...news });
    this.#told(line);
  }

  /** @param {string} line */
  #told(line) {
    for (const follower of this.#followers) follower(line);
  }

  /** @param {string} line @param {string} what */
  #path(line, what) {
    return `users/${encodeURIComponent(`${line}@${this.#domain}`)}/${what}`;
  }
}

/** @param {Rules["always"] | Rules["noAnswer"]} rule */
const targetOf = (rule) => (typeof rule === "string" ? rule : rule?.to);

/** One link to a switch. */
class AccountedLink {
  #accounts;
  #host;
  #leave;
  /** Devices that are monitored, as the switch saw them last. @type {Map<string, Record<string, any>>} */
  #devices = new Map();
  /** What was told of each. @type {Map<string, string>} */
  #told = new Map();
  #isClosed = false;

  /**
   * @param {Accounts} accounts
   * @param {import("./driver.js").DriverHost} host
   */
  constructor(accounts, host) {
    this.#accounts = accounts;
    this.#host = host;
    this.#leave = accounts.follow((line) => this.#tell(line));
  }

  close() {
    this.#isClosed = true;
    this.#leave();
  }

  /**
   * @param {LinkRequest} request
   * @param {import("./driver.js").Driver} driver
   */
  async send(request, driver) {
    const { id, service, line = "", device } = request;
    if (service === "unmonitor") this.#devices.delete(`${line} ${device}`);
    if (service === "monitor") await this.#accounts.learn(line);
    if (this.#isClosed) return;
    const isOurs = service === "setForwarding" || service === "setDoNotDisturb";
    if (!isOurs || !this.#accounts.facts(line)) return driver.send(request);
    try {
      const { on, ...rule } = /** @type {any} */ (request);
      if (service === "setForwarding")
        await this.#accounts.setForwarding(line, rule);
      else await this.#accounts.setDoNotDisturb(line, on);
      this.#receive({ id, result: {} });
    } catch (error) {
      const name = error instanceof Refusal ? error.error : "generic";
      this.#receive({ id, error: name });
    }
  }

  /** @param {LinkMessage} message */
  receive(message) {
    const { hello, features, device, result } = message;
    if (hello !== undefined)
      return this.#receive({
        ...message,
        features: [...new Set([...(features ?? []), ...FEATURES])],
      });
    if (device) return this.#receive({ device: this.#seen(device) });
    if (result?.device)
      return this.#receive({
        ...message,
        result: { ...result, device: this.#seen(result.device) },
      });
    this.#receive(message);
  }

  /** @param {Record<string, any>} device */
  #seen(device) {
    const key = `${device.line} ${device.device}`;
    const seen = this.#accounts.seen(device);
    this.#devices.set(key, device);
    this.#told.set(key, JSON.stringify(seen));
    return seen;
  }

  /** Facts of the user of a line are others now. @param {string} line */
  #tell(line) {
    for (const [key, device] of this.#devices) {
      if (device.line !== line) continue;
      const told = this.#told.get(key);
      const seen = this.#seen(device);
      if (JSON.stringify(seen) !== told) this.#receive({ device: seen });
    }
  }

  /** @param {LinkMessage} message */
  #receive(message) {
    if (!this.#isClosed) this.#host.receive(message);
  }
}
