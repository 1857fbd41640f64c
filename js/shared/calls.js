import { Calls } from "../call/calls.js";
import { fault } from "../errors/error.js";
import { emit } from "../phone/events.js";
import { checkCall, checkTarget } from "../phone/options.js";
import { SharedCall, crossing } from "./call.js";

/**
 * @typedef {object} Way to the host
 * @property {(method: string, argument?: any) => Promise<any>} ask
 * @property {(method: string, ...args: any[]) => void} tell
 */

/** A tab's view of the calls of a shared phone. */
export class SharedCalls {
  /** @type {Map<number, SharedCall>} */
  #calls = new Map();
  #phone;
  #settings;
  /** Makes media as a phone of this tab's own would. */
  #maker;
  #index = 0;
  #last = 0;

  /**
   * @param {import("../phone/phone.js").Phone} phone
   * @param {any} settings
   * @param {Way} way
   */
  constructor(phone, settings, way) {
    this.#phone = phone;
    this.#settings = settings;
    this.way = way;
    // What the core needs for calls is the host's matter.
    const link = /** @type {any} */ ({ prepare() {} });
    this.#maker = new Calls(phone, settings, link);
  }

  /** @returns {SharedCall[]} those that have not ended, oldest first */
  get list() {
    return [...this.#calls.values()];
  }

  /** @param {number} index by which the host tells this tab from others */
  follow(index) {
    this.#index = index;
  }

  /**
   * @param {string} target
   * @param {any} [options]
   * @param {{ resume?: boolean, pickUp?: string }} [how] if it is no new one
   */
  call(target, options = {}, how = {}) {
    const to = checkTarget(target);
    const { signal, ...wanted } = checkCall(options, this.#settings.log);
    // Numbers of tabs are odd, beyond those that the host gives itself.
    const id = (this.#index * 0x10000 + (this.#last++ & 0xffff)) * 2 + 1;
    const isDesk = this.#phone.mode === "DeskPhone";
    const facts = {
      ...{ direction: "outgoing", state: "calling", heldBy: null, headers: [] },
      ...{
        remote: { uri: to, displayName: "" },
        callInfo: null,
        media: "here",
      },
      ...{ startTime: null, muted: { audio: false, video: false } },
    };
    const call = this.#add(id, facts, !isDesk, wanted);
    const asked = { id, target: to, options: crossing(wanted), ...how };
    queueMicrotask(() => {
      if (call.state === "ended") return;
      this.way.ask("call", asked).catch((error) => this.#fail(call, error));
    });
    const giveUp = () => call.hangup().catch(() => {});
    signal?.addEventListener("abort", giveUp);
    call.once("ended", () => signal?.removeEventListener("abort", giveUp));
    if (signal?.aborted) giveUp();
    return call;
  }

  /** Loads ahead what a call would wait for. */
  prepare() {
    this.#maker.prepare();
  }

  /** @param {any} error why there is no host */
  drop(error) {
    for (const call of this.#calls.values()) this.#fail(call, error);
  }

  /** Those that another host may go on with. @returns {import("./lines.js").Survivor[]} */
  get survivors() {
    return this.list.flatMap((call) => call.survivor ?? []);
  }

  /**
   * The host is gone: what another one cannot go on with is over.
   *
   * @param {any} error
   */
  survive(error) {
    for (const call of this.#calls.values())
      if (!call.survivor) this.#fail(call, error);
  }

  /**
   * @param {number} id of a call that nobody goes on with
   * @param {any} error
   */
  lose(id, error) {
    const call = this.#calls.get(id);
    if (call) this.#fail(call, error);
  }

  // ---- for a call

  /** @param {any} context */
  createMedia(context) {
    return this.#maker.createMedia(context);
  }

  /** @param {any} options of an answer */
  checked(options) {
    return checkCall(options, this.#settings.log);
  }

  // ---- what the host says

  /**
   * @param {number} id
   * @param {any} facts
   * @param {string} how
   * @param {boolean} here
   * @param {number} [from]
   */
  introduce(id, { replaces, ...facts }, how, here, from) {
    if (this.#calls.has(id)) return;
    const replaced = this.#calls.get(replaces) ?? null;
    const call = this.#add(id, { ...facts, replaces: replaced }, here);
    if (how === "transferred")
      emit(this.#phone, how, { from: this.#calls.get(Number(from)), call });
    else emit(this.#phone, how, { call });
  }

  /** @param {import("../index.js").RemoteParty} remote */
  offer(remote) {
    const resume = (/** @type {any} */ options) =>
      this.call(remote.uri, options, { resume: true });
    emit(this.#phone, "resumable", { remote, resume });
  }

  /**
   * @param {string} method
   * @param {[number, ...any[]]} args of which the first names the call
   */
  heard(method, [id, ...args]) {
    const call = this.#calls.get(id);
    if (!call && method === "media") throw fault("callOver");
    return call?.heard(method, args);
  }

  /**
   * @param {number} id
   * @param {any} facts
   * @param {boolean} here
   * @param {any} [wanted]
   */
  #add(id, facts, here, wanted) {
    const call = new SharedCall(this, id, facts, here, wanted);
    this.#calls.set(id, call);
    this.#look();
    return call;
  }

  /** @param {SharedCall} call */
  forget(call) {
    this.#calls.delete(call.id);
    this.#look();
  }

  /** Whoever looks at the phone's calls hears of it after those who make and end them. */
  #look() {
    queueMicrotask(() => this.#phone.look());
  }

  /**
   * @param {SharedCall} call
   * @param {any} error
   */
  #fail(call, error) {
    if (call.state === "ended") return;
    const ended = { cause: "failed", reason: error.message };
    const facts = { state: "ended" };
    call.heard("call", [
      "state",
      { state: "ended", heldBy: null, early: false },
      facts,
    ]);
    call.heard("call", ["error", error, facts]);
    call.heard("call", ["ended", ended, facts]);
  }
}
