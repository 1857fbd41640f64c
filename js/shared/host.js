import { fault } from "../errors/error.js";
import { Phone } from "../phone/phone.js";
import { withoutSecrets } from "./connect.js";
import { factsOf } from "./desk.js";
import { Lines } from "./lines.js";
import { outlive } from "./locks.js";
import { Watches } from "./watches.js";
import { GONE } from "./wire.js";

/** @typedef {import("../index.js").PhoneStatus} PhoneStatus */

/**
 * @typedef {object} Joining what a tab says of itself
 * @property {number} version
 * @property {string} client whose phone it wants
 * @property {string} instanceId
 * @property {Record<string, any>} options those that are plain
 * @property {string[]} asks names of those that stay in the tab: functions
 * @property {string} lock held as long as the tab lives
 * @property {boolean} visible
 * @property {boolean} lasting the host outlives its last tab for a while
 * @property {boolean} [partial] without what must not cross a channel: see leader.js
 * @property {boolean} resume the tab's phone was registered by a host that is gone
 * @property {import("./lines.js").Survivor[]} calls of that host
 */

/**
 * @typedef {Omit<Joining, "version" | "client"> & {
 *   index: number, host: Host, wire: import("./wire.js").Wire, left(): void,
 *   logins: Map<number, AbortController>
 * }} Seat a tab
 */

/**
 * How long (ms) the line is kept where the host outlives its last tab: a page that is
 * reloaded is back by then.
 */
const GRACE = 500;
/** The same in a call. */
const GRACE_IN_CALL = 12_000;
/** Looks that come within this time (ms) are one: of each tab that hears of the network. */
const ONE_LOOK = 1000;

/** Not registered, and not about to be. @type {PhoneStatus[]} */
const OUT = ["eIdle", "eConnectionTerminated", "eDeviceNotAuthorised"];

/** Events that every tab hears. */
const EVENTS = [
  "status",
  "desk",
  "eConnectionTerminated",
  "message",
  "error",
  "transport",
];
/** Those that are fired because of a login, by the tab that asked for it. */
const OF_LOGINS = ["eDeviceAlreadyRegistered", "eDeviceNotAuthorised"];
/** What is not asked for where others could read the answer. */
const SECRET = ["credentials", "account"];
/** What a desk phone can be asked for. */
const DESK = ["setDoNotDisturb", "setForwarding"];
/** What every tab can be asked for: where its wasm is. */
const KNOWN = ["wasm", "calls", "csta"];

/** One phone, and the tabs that share it. */
export class Host {
  #memory;
  #WebSocket;
  /** Oldest first: the first one leads. @type {Set<Seat>} */
  #seats = new Set();
  /** @type {Phone | undefined} */
  #phone;
  /** What it was made of. @type {Record<string, any>} */
  #options = {};
  #instanceId = "";
  /** What is said as long as there is none. @type {PhoneStatus} */
  #status = "eIdle";
  /** It is about to go on where the host before it ended. */
  #resuming = false;
  /** Logins that tabs wait for. */
  #logins = 0;
  /** The tab that asked for the last one. @type {Seat | undefined} */
  #asker;
  /** What to do with the phone is done one after the other. @type {Promise<any>} */
  #turn = Promise.resolve();
  #lines = new Lines(this.#seats);
  #watches = new Watches((name, payload) => this.#tell(name, payload));
  /** Of the tab that came last: by it, what tabs number is told apart. */
  #index = Math.floor(Math.random() * 0x4000);
  #page = new Page();
  /** @type {any} */
  #grace;
  #looked = -Infinity;

  /**
   * @param {import("./memory.js").Memory} memory
   * @param {any} WebSocket a class
   */
  constructor(memory, WebSocket) {
    this.#memory = memory;
    this.#WebSocket = WebSocket;
  }

  // ---- tabs

  get isUsed() {
    return this.#seats.size > 0;
  }

  /** The host's page goes, and perhaps the last tab with it: there is no time for answers. */
  hurry() {
    const others = [...this.#seats].some(({ partial }) => partial);
    if (!others) this.#hurry();
  }

  /** Another host takes our place, which has been told to the phone. */
  end() {
    for (const seat of this.#seats) {
      seat.wire.tell("gone");
      seat.left();
      seat.wire.close();
    }
    this.#seats.clear();
    this.#inTurn(() => this.#drop());
  }

  /**
   * @param {import("./wire.js").Wire} wire
   * @param {Joining} joining
   * @returns {Seat}
   */
  seat(wire, joining) {
    clearTimeout(this.#grace);
    const seat = {
      ...joining,
      ...{ host: this, wire, logins: new Map() },
      index: (this.#index = (this.#index % 0x7fff) + 1),
      left: outlive(joining.lock, () => this.#miss(seat)),
    };
    this.#instanceId ||= joining.instanceId;
    this.#seats.add(seat);
    if (joining.resume && !this.#phone) this.#resume(seat);
    this.#lines.rescue(seat, joining.calls, this.#resuming);
    // What it finds; from here on it hears of every change.
    wire.tell("welcome", this.#instanceId, this.#state(), seat.index);
    this.#count();
    this.#lines.welcome(seat);
    return seat;
  }

  /**
   * @param {Seat} seat
   * @param {string} method
   * @param {any[]} args
   * @param {number} id of what was asked; 0: it was told
   */
  serve(seat, method, [argument, ...more], id) {
    switch (method) {
      case "call":
        return this.#any(seat).then((phone) =>
          this.#lines.call(seat, phone, argument),
        );
      case "do":
        // After the call itself, which had to wait for its turn.
        return this.#any(seat).then(() => this.#lines.do(seat, argument));
      case "mediaSaid":
        return this.#lines.mediaSaid(argument, seat, more[0], more[1]);
      case "visible":
        return void (seat.visible = argument);
      case "registerPhone":
        return this.#register(seat, argument, id);
      case "giveUp":
        return seat.logins.get(argument)?.abort();
      case "unregisterPhone":
        return this.#phone?.unregisterPhone();
      case "message":
        return this.#any(seat).then((phone) =>
          phone.message(.../** @type {[string, string]} */ (argument)),
        );
      case "setPresence":
        return this.#any(seat).then((phone) => phone.setPresence(argument));
      case "lineAppearances":
        return this.#any(seat).then((phone) => phone.lineAppearances(argument));
      case "desk":
        return this.#command(argument[0], argument[1]);
      case "hear":
        return this.#watches.hear(seat, argument);
      case "follow":
        return this.#watches.add(seat, argument, more[0]);
      case "forget":
        return this.#watches.forget(seat, argument);
      case "alive":
        return true;
      case "look":
        return this.#look();
      case "close":
        return this.#close(seat);
      case "leave":
        return this.#leave(seat);
    }
    throw fault("notTaken", { command: method });
  }

  #count() {
    const { size: count } = this.#seats;
    const [first] = this.#seats;
    for (const seat of this.#seats)
      seat.wire.tell("tabs", { count, leads: seat === first });
  }

  /** @param {Seat} seat that wants to be no part of it any more */
  async #close(seat) {
    if (this.#part(seat) && !this.#seats.size)
      await this.#inTurn(() => this.#drop());
  }

  /** @param {Seat} seat that seems to be dead: if not, it hears of it, and comes back */
  #miss(seat) {
    seat.wire.tell("gone");
    this.#leave(seat);
  }

  /** @param {Seat} seat that is gone, or about to be */
  #leave(seat) {
    seat.wire.close();
    if (!this.#part(seat) || this.#seats.size) return;
    if (!seat.lasting) return this.#hurry();
    const grace = this.#lines.size ? GRACE_IN_CALL : GRACE;
    this.#grace = setTimeout(() => this.#inTurn(() => this.#drop()), grace);
  }

  /** The host is about to die: there is no time to wait for answers. */
  async #hurry() {
    this.#lines.hangup();
    // Calls take a turn to hear of it.
    await null;
    await null;
    this.#page.dispatchEvent(new Event("pagehide"));
    this.#inTurn(() => this.#drop());
  }

  /** @param {Seat} seat */
  #part(seat) {
    seat.left();
    if (!this.#seats.delete(seat)) return false;
    for (const login of seat.logins.values()) login.abort();
    this.#lines.lost(seat);
    this.#watches.forget(seat);
    this.#count();
    return true;
  }

  /**
   * Asks what only tabs know: the one that wanted something last, or else any that lives.
   *
   * @param {string} name of the app's function, or of what every tab knows
   * @param {any[]} args
   */
  async ask(name, ...args) {
    /** @type {Set<Seat>} */
    const asked = new Set();
    for (;;) {
      const [seat] = [this.#asker, ...this.#seats].filter(
        (seat) =>
          seat &&
          this.#seats.has(seat) &&
          !asked.has(seat) &&
          !(seat.partial && SECRET.includes(name)) &&
          (seat.asks.includes(name) || KNOWN.includes(name)),
      );
      if (!seat) throw fault("noTab");
      asked.add(seat);
      try {
        return await seat.wire.ask(name, ...args);
      } catch (error) {
        if (error !== GONE) throw error;
      }
    }
  }

  /** @param {any} entry of the log: for one of the apps, since they are one */
  #log(entry) {
    const seats = [...this.#seats];
    seats.find(({ asks }) => asks.includes("log"))?.wire.tell("log", entry);
  }

  // ---- the phone

  /**
   * @param {Seat} seat
   * @param {any} wanted
   * @param {number} id
   */
  async #register(seat, wanted, id) {
    const login = new AbortController();
    seat.logins.set(id, login);
    const { signal } = login;
    const counted = { asked: false };
    try {
      const registering = await this.#inTurn(async () => {
        const phone = await this.#prepare(seat);
        this.#asker = seat;
        this.#logins++;
        counted.asked = true;
        // Not awaited here: others may join in, or take its place.
        return { registration: phone.registerPhone({ ...wanted, signal }) };
      });
      return await registering.registration;
    } finally {
      seat.logins.delete(id);
      if (counted.asked) this.#logins--;
    }
  }

  /**
   * The host before this one was registered, and is gone: nobody asked, so what comes of
   * it is an event.
   *
   * @param {Seat} seat
   */
  #resume(seat) {
    this.#status = "eRecoveryPending";
    this.#resuming = true;
    // It cannot log in: the host's own tab does.
    if (seat.partial) return;
    this.#inTurn(async () => {
      if (this.#status !== "eRecoveryPending") return;
      this.#asker = seat;
      const phone = await this.#prepare(seat);
      phone.registerPhone().catch((error) => {
        this.#resuming = false;
        this.#lines.abandon();
        if (!OF_LOGINS.includes(error.code)) this.#tell("error", error);
      });
    });
  }

  /**
   * Registered, it takes the calls of the host before; and others its own.
   *
   * @param {Phone} phone
   */
  #outlive(phone) {
    const registered = () => {
      if (!phone.registration) return;
      phone.off("status", registered);
      this.#resuming = false;
      this.#lines.adopt(phone);
    };
    phone.on("status", registered);
  }

  /**
   * The phone that such options are for. While it is idle those of the tab that asks
   * count.
   *
   * @param {Seat} seat
   */
  async #prepare(seat) {
    const { status = "eIdle" } = this.#phone ?? {};
    const ours = seat.partial ? withoutSecrets(this.#options) : this.#options;
    const option = this.#phone && difference(ours, seat.options);
    if (option) {
      if (this.#logins || !OUT.includes(status))
        throw fault("sharedOption", { option, details: { option } });
      await this.#drop();
    }
    return (this.#phone ??= this.#make(seat));
  }

  /**
   * @param {"setDoNotDisturb" | "setForwarding"} command
   * @param {any} argument
   */
  #command(command, argument) {
    /** @type {any} */
    const desk = this.#phone?.desk;
    if (!desk || !DESK.includes(command)) throw fault("noDesk");
    return desk[command](argument);
  }

  /**
   * For what needs no registration.
   *
   * @param {Seat} seat
   * @returns {Promise<Phone>}
   */
  #any(seat) {
    return this.#inTurn(() => (this.#phone ??= this.#make(seat)));
  }

  /** @param {Seat} seat */
  #make(seat) {
    if (seat.partial) throw fault("noTab");
    this.#options = seat.options;
    this.#status = "eIdle";
    const phone = new Phone({
      .../** @type {import("../index.js").PhoneOptions} */ (seat.options),
      instanceId: this.#instanceId,
      storage: this.#memory,
      WebSocket: this.#WebSocket,
      page: this.#page,
      media: this.#lines.media,
      log: (entry) => this.#log(entry),
      ...this.#given(seat),
    });
    for (const name of EVENTS) this.#follow(phone, name);
    this.#lines.follow(phone);
    this.#outlive(phone);
    this.#watches.follow(phone);
    for (const name of OF_LOGINS)
      phone.on(name, (payload) => !this.#logins && this.#tell(name, payload));
    return phone;
  }

  /** What the app gave to log in with, as far as it stays in the tab. @param {Seat} seat */
  #given({ asks }) {
    /** @type {Record<string, any>} */
    const given = {};
    if (asks.includes("credentials"))
      given.credentials = (/** @type {any} */ challenge) =>
        this.ask("credentials", challenge);
    const ask =
      (/** @type {string} */ method) =>
      (/** @type {any[]} */ ...args) =>
        this.ask("account", method, args);
    if (asks.includes("account"))
      given.account = {
        authorise: ask("authorise"),
        sipCredentials: ask("sipCredentials"),
      };
    return given;
  }

  async #drop() {
    const phone = this.#phone;
    this.#phone = undefined;
    this.#watches.follow(undefined);
    await phone?.close();
  }

  /**
   * @template T
   * @param {() => T} step
   * @returns {Promise<Awaited<T>>}
   */
  #inTurn(step) {
    const result = this.#turn.then(step);
    this.#turn = result.catch(() => {});
    return /** @type {any} */ (result);
  }

  #look() {
    const now = performance.now();
    if (now - this.#looked < ONE_LOOK) return;
    this.#looked = now;
    this.#page.dispatchEvent(new Event("online"));
  }

  // ---- what it says

  /**
   * @param {Phone} phone
   * @param {string} name
   */
  #follow(phone, name) {
    phone.on(name, (payload) => {
      if (phone === this.#phone) this.#tell(name, payload);
    });
  }

  /**
   * @param {string} name
   * @param {any} payload
   */
  #tell(name, payload) {
    for (const { wire } of this.#seats)
      wire.tell("event", name, payload, this.#state());
  }

  #state() {
    const { status = this.#status, registration = null } = this.#phone ?? {};
    const { mode = "SoftPhone", desk = null } = this.#phone ?? {};
    return { status, registration, mode, desk: factsOf(desk) };
  }
}

/** What a phone without a page follows instead: its tabs say what happens to them. */
class Page extends EventTarget {
  document = Object.assign(new EventTarget(), { hidden: false });
}

/**
 * The first option that is not the same.
 *
 * @param {Record<string, any>} ours
 * @param {Record<string, any>} theirs
 */
const difference = (ours, theirs) =>
  Object.keys({ ...ours, ...theirs }).find(
    (name) => JSON.stringify(ours[name]) !== JSON.stringify(theirs[name]),
  );
