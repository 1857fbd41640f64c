import { Account } from "./account.js";
import { Appearance } from "../../appearance.js";
import { accountsIn, callIn, rowsIn } from "./menu.js";
import { refuse } from "../../refusal.js";

/** Commands at a time: a gateway that asks for more is out of order. */
const MOST_WAITING = 100;

/** What has nothing to do with the state of a call, and comes often. */
const IDLE_TALK = /^CALL_(RTCP|RTPESTAB|DTMF_START|DTMF_END)$/;

/** What an event says of a call that was not known. @type {Record<string, import("./account.js").State>} */
const STATES = {
  CALL_INCOMING: "ringing",
  CALL_RINGING: "alerting",
  CALL_PROGRESS: "alerting",
  CALL_ESTABLISHED: "connected",
};

/**
 * A baresip: its accounts and their calls. Its events are a reason to look, and its
 * lists what counts, because it says nothing of what is done at its own keys: a call on
 * hold, a registration that ends.
 */
export class Desk {
  #control;
  #host;
  /** Those that are a line of the gateway's. @type {Map<string, Account>} */
  #accounts = new Map();
  #turn = Promise.resolve();
  #waiting = 0;
  /** That will be looked at, at the end of the queue. @type {Set<Account>} */
  #due = new Set();

  /**
   * @param {import("./control.js").Control} control
   * @param {import("../../driver.js").DriverHost} host
   */
  constructor(control, host) {
    this.#control = control;
    this.#host = host;
  }

  /**
   * The account of an appearance: the one that the device's option `account` names, or
   * whose user is the line.
   *
   * @param {unknown} line
   * @param {unknown} device
   */
  async find(line, device) {
    const known = () =>
      [...this.#accounts.values()].find(({ appearance }) =>
        appearance.is(line, device),
      );
    return known() ?? (await this.#assign(`${line}`, `${device}`)) ?? known();
  }

  /** @param {string} line @param {string} device */
  async #assign(line, device) {
    const { lines, receive } = this.#host;
    const devices = Object.hasOwn(lines, line) ? lines[line] : [];
    const options = devices.find((each) => each.device === device);
    if (!options) return undefined;
    const accounts = await this.accounts();
    const wanted = accounts.find(({ aor }) =>
      options.account === undefined
        ? aor.replace(/^sips?:|@.*$/g, "") === line
        : aor === options.account,
    );
    // An account is one appearance.
    if (!wanted || this.#accounts.has(wanted.aor)) return undefined;
    const account = new Account(
      wanted.aor,
      new Appearance(line, device, receive),
    );
    this.#accounts.set(wanted.aor, account);
    account.registered = wanted.registered;
    return account;
  }

  /** All that baresip has. */
  async accounts() {
    const accounts = accountsIn(await this.#control.do("reginfo"));
    for (const { aor, registered } of accounts) {
      const account = this.#accounts.get(aor);
      if (account) account.registered = registered;
    }
    return accounts;
  }

  /** @param {Record<string, any>} event of baresip */
  heed(event) {
    const account = this.#accounts.get(event.accountaor);
    if (!account) return;
    if (event.class === "register") return this.#later(() => this.accounts());
    if (event.type === "MWI_NOTIFY") return heedMessages(account, event.param);
    if (IDLE_TALK.test(event.type)) return;
    const { id, direction, peeruri: peer } = event;
    if (id) {
      const state =
        STATES[event.type] ??
        (direction === "incoming" ? "ringing" : "dialling");
      const call =
        account.calls.get(id) ?? account.add({ id, direction, peer, state });
      if (call && event.type === "CALL_CLOSED") account.end(call, event.param);
    }
    if (this.#due.has(account)) return;
    this.#due.add(account);
    this.#later(() => this.look(account));
  }

  /**
   * Runs what takes several commands: they act on what is current at the phone.
   *
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  exclusively(work) {
    if (this.#waiting >= MOST_WAITING) return refuse("resourceBusy");
    this.#waiting += 1;
    const run = this.#turn.then(work);
    this.#turn = run.then(
      () => void (this.#waiting -= 1),
      () => void (this.#waiting -= 1),
    );
    return run;
  }

  /** Only within `exclusively`. @param {Account} account */
  async look(account) {
    this.#due.delete(account);
    const [, list] = await Promise.all([
      this.#control.do("uafind", account.aor),
      this.#control.do("listcalls"),
    ]);
    const rows = rowsIn(list);
    let moved = false;
    for (const row of rows) {
      if (!account.at(row.row)) {
        await this.#identify(account, row);
        moved = true;
      }
      const call = account.at(row.row);
      if (call) account.update(call, row);
    }
    const current = rows.find((row) => row.current);
    if (moved && current) await this.#control.do("line", `${current.row}`);
    // After a transfer that failed, for example, there is no event of its end.
    for (const call of account.calls.values())
      if (call.row !== undefined && !rows.some(({ row }) => row === call.row))
        account.end(call);
  }

  /**
   * A command for a call. Only within `exclusively`.
   *
   * @param {Account} account
   * @param {import("./account.js").Call} call
   * @param {string} command
   * @param {string} [params]
   */
  async act(account, call, command, params) {
    const there = await this.#select(account, call.row);
    if (there?.id !== call.id) refuse("invalidConnectionID");
    await this.#control.do(command, params);
    await this.look(account);
  }

  /**
   * Dials. Only within `exclusively`.
   *
   * @param {Account} account
   * @param {string} number
   */
  async dial(account, number) {
    account.dialled = undefined;
    // A "#" begins something else in a URI.
    const user = number.replaceAll("#", "%23");
    await Promise.all([
      this.#control.do("uafind", account.aor),
      this.#control.do("dial", user),
    ]);
    await this.look(account);
    return { call: account.dialled ?? refuse("generic") };
  }

  /** @param {Account} account @param {import("./menu.js").Row} row */
  async #identify(account, { row, peer }) {
    const found = await this.#select(account, row);
    if (!found?.id) return;
    const { id, direction } = found;
    const call =
      account.calls.get(id) ??
      account.add({ id, direction, peer, state: "dialling" });
    if (call) call.row = row;
  }

  /** Makes a call the current one. @param {Account} account @param {number} [row] */
  async #select({ aor }, row) {
    const [, selected, status] = await Promise.all([
      this.#control.do("uafind", aor),
      this.#control.do("line", `${row}`),
      this.#control.do("callstat"),
    ]);
    return selected.startsWith("setting") ? callIn(status) : undefined;
  }

  /** What nobody waits for. @param {() => Promise<unknown>} work */
  #later(work) {
    // It fails with the link alone, whose end is told by itself.
    this.exclusively(work).catch(() => {});
  }
}

/** @param {Account} account @param {unknown} summary RFC 3842 */
function heedMessages(account, summary) {
  const waiting = /Messages-Waiting:\s*(yes|no)/i.exec(`${summary}`)?.[1];
  if (waiting) account.messageWaiting = waiting.toLowerCase() === "yes";
}
