// One device of the user: a phone with an account, which is let in, sleeps, and may be locked out.

import { Account } from "../js/account/index.js";
import { Phone, PhoneError } from "../js/index.js";
import { phoneHead } from "./caller.js";
import { DevicePush } from "./device-push.js";
import { button, find, icon, live, make, say } from "./element.js";
import { Talks } from "./talks.js";
import { tabStorage } from "./tab-storage.js";
import { STATUS } from "./wording.js";

/**
 * @typedef {import("../js/account/index.js").Device} Device
 * @typedef {{ key: string, name: string, class: "web" | "mobile" | "deskphone", place: string,
 *   tone: string, chord: number[], sleeps?: boolean, WebSocket?: any }} Kind
 * @typedef {"in" | "limit" | "replaced" | "asleep" | "woken" | "elsewhere" | "everywhere" |
 *   "lockedOut" | "rings"} Deed
 *
 * @typedef {object} Ground
 * @property {import("./server.js").Config} config
 * @property {import("./devices-server.js").Owner} owner
 * @property {import("./voice.js").Voice} voice
 * @property {import("./talks.js").Person[]} others whom the user knows
 * @property {(deed: Deed, device: DevicePhone) => void} did
 * @property {() => void} changed
 */

const storage = tabStorage();

const SIMULATED =
  "Simulated: this browser has no push service that it reaches, so the demo's server stands in for one. What is sent is the same.";

export class DevicePhone {
  #kind;
  #ground;
  #phone;
  #push;
  #isAsleep = false;
  /** It may not log in, until it is let in again. */
  isOut = false;
  /** Id at the account service, once it was let in. */
  #id = "";

  /** @param {Kind} kind @param {Ground} ground */
  constructor(kind, ground) {
    this.#kind = kind;
    this.#ground = ground;
    const { config, owner, voice, others } = ground;
    const { user, name, password } = owner;
    const { domain } = config;
    this.name = kind.name;
    this.root = card(kind, user);
    this.account = new Account({ ...owner.account, user, domain, password });
    this.#phone = new Phone({
      ...{ connections: config.url, user, domain, password, storage },
      ...{ device: kind.key, displayName: name, WebSocket: kind.WebSocket },
      userAgent: `Graceline-Demo (${kind.name})`,
      // A desk phone knows nothing of accounts: it is let in by others.
      ...(kind.class !== "deskphone" && {
        ...{ account: this.account, deviceClass: kind.class },
      }),
    });
    this.#push = new DevicePush(
      this.#phone,
      this.account,
      (news) => this.#woken(news),
      () => this.#show(),
    );
    this.talks = new Talks(this.#phone, {
      ...{ list: find(this.root, ".talks"), voice, chord: kind.chord },
      say: (text) => this.say(text),
      ended: (_, end) => this.#ended(end),
    });
    this.talks.others = others;
    this.#phone.on("incoming", () => ground.did("rings", this));
    this.#phone.on("status", () => this.#show());
    this.#phone.on("eDeviceNotAuthorised", () => this.#lockedOut());
    this.#phone.on("eConnectionTerminated", ({ message }) => this.say(message));
    this.#phone.on("error", ({ message }) => this.say(message));
    this.#show();
  }

  get phone() {
    return this.#phone;
  }

  get instanceId() {
    return this.#phone.instanceId;
  }

  get ready() {
    return this.#phone.ready;
  }

  /** What its user is to know. @param {string} text */
  say(text) {
    say(find(this.root, ".caller__notice"), text);
  }

  /** What the account service knows of it. @param {Device} [device] */
  seen(device) {
    if (!this.isOut || device?.state === "revoked") return;
    this.isOut = false;
    this.say("It may log in again.");
    this.#show();
  }

  /** @param {{ id: string, body: string }} push */
  pushed(push) {
    return this.#push.heard(push);
  }

  async close() {
    await this.#phone.close();
    this.account.close();
  }

  // ---- what its user does

  /** @param {string} [replaces] id of a device that goes for it */
  async #logIn(replaces) {
    this.#ask();
    this.say("");
    const { class: kind, name } = this.#kind;
    const { instanceId } = this.#phone;
    try {
      // The phone would do that by itself, under the name of browser and system.
      const device = { instanceId, class: kind, name, replaces };
      this.#id = (await this.account.authorise(device)).id;
      await this.#register();
      this.#ground.did(replaces ? "replaced" : "in", this);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** @param {boolean} [forceRegistration] */
  async #register(forceRegistration = false) {
    await this.#phone.registerPhone({ forceRegistration });
    this.#isAsleep = false;
    this.isOut = false;
    this.#show();
  }

  /** @param {any} error */
  #refused(error) {
    if (PhoneError.is(error, "eDeviceLimitReached")) {
      this.#ground.did("limit", this);
      return this.#ask(
        `${this.#ground.owner.name} may have ${error.details.limit} mobile devices. Which one goes, so that this one can come?`,
        error.details.devices.map((/** @type {Device} */ { id, name }) => ({
          text: name,
          act: () => this.#logIn(id),
        })),
      );
    }
    if (PhoneError.is(error, "eDeviceAlreadyRegistered"))
      return this.#ask(
        `${this.#ground.owner.name} is logged in on another web page. Log in here and log out there?`,
        [{ text: "Log in here", act: () => this.#register(true) }],
      );
    if (!PhoneError.is(error, "eDeviceNotAuthorised"))
      return this.say(error.message);
    this.#lockedOut();
  }

  async #logOut() {
    await this.#phone.unregisterPhone();
    this.say("");
  }

  async #sleep() {
    this.say("");
    await this.#push.enable(this.#id);
    this.#isAsleep = true;
    await this.#phone.unregisterPhone();
    this.#show();
    this.#ground.did("asleep", this);
  }

  // ---- what happens to it

  /** @param {import("./device-push.js").News} [news] */
  async #woken(news) {
    if (!this.#isAsleep || news?.kind === "withdraw") return;
    const { displayName = "", uri = "" } = news?.from ?? {};
    const who = displayName || uri;
    this.say(`Woken by a push${who && `: ${who} calls`}.`);
    this.#ground.did("woken", this);
    // With the browser's own push the phone does so by itself.
    await this.#register().catch((error) => this.#refused(error));
  }

  /** @param {import("../js/index.js").CallEvents["ended"]} end */
  #ended({ cause }) {
    if (cause === "answeredElsewhere") this.#ground.did("elsewhere", this);
    if (cause === "rejected") this.#ground.did("everywhere", this);
  }

  #lockedOut() {
    this.isOut = true;
    this.#isAsleep = false;
    this.say(
      "Locked out from another device. It stays out until it is let in again, in the list below.",
    );
    this.#ask();
    this.#ground.did("lockedOut", this);
  }

  // ---- what it looks like

  /**
   * A question on the device's screen; without one, none.
   * @param {string} [question]
   * @param {{ text: string, act: () => unknown }[]} [choices]
   */
  #ask(question = "", choices = []) {
    const place = find(this.root, ".device__question");
    const had = place.contains(document.activeElement);
    const trouble = (/** @type {unknown} */ error) => this.#refused(error);
    place.replaceChildren(
      ...(question
        ? [
            make("p", "", question),
            make(
              "div",
              "offer__choices",
              ...choices.map(({ text, act }) => button(text, act, trouble)),
              button("Not now", () => this.#ask(), trouble, "button--quiet"),
            ),
          ]
        : []),
    );
    if (had && !question) find(this.root, ".device__deeds button").focus();
    this.#show();
  }

  #show() {
    const { status, ready } = this.#phone;
    const isIdle = !ready && status === "eIdle";
    const asleep = this.#isAsleep && isIdle;
    const shown = this.isOut && isIdle ? "eDeviceNotAuthorised" : status;
    const { text = "", look = "" } = asleep
      ? { text: "Asleep", look: "asleep" }
      : (STATUS[shown] ?? {});
    this.root.dataset.look = look;
    say(find(this.root, ".status__text"), text);
    const note = find(this.root, ".device__push");
    note.hidden = !asleep;
    say(
      note,
      `Its page is as if closed; a call wakes it by push. ${this.#push.isSimulated ? SIMULATED : "By this browser's own push service."}`,
    );
    this.#showDeeds();
    this.#ground.changed();
  }

  #showDeeds() {
    const place = find(this.root, ".device__deeds");
    const asked = !!find(this.root, ".device__question").childElementCount;
    place.hidden = asked;
    const { ready, registration } = this.#phone;
    const wanted = ready
      ? ["Log out", ...(this.#kind.sleeps ? ["Let it sleep"] : [])]
      : registration
        ? []
        : ["Log in"];
    const shown = [...place.children].map((one) => one.firstChild?.textContent);
    if (`${shown}` === `${wanted}`) return;
    const had = place.contains(document.activeElement);
    place.replaceChildren(...wanted.map((text) => this.#deed(text)));
    if (had) place.querySelector("button")?.focus();
  }

  /** @param {string} text */
  #deed(text) {
    const act = {
      "Log in": () => this.#logIn(),
      "Log out": () => this.#logOut(),
      "Let it sleep": () => this.#sleep(),
    }[text];
    const main = text === "Log in" ? "button--main" : "";
    const trouble = (/** @type {unknown} */ error) => this.#refused(error);
    const element = button(text, () => act?.(), trouble, main);
    element.append(make("span", "hidden", ` ${this.name}`));
    return element;
  }
}

/** @param {Kind} kind @param {string} number */
function card({ key, name, class: kind, place, tone }, number) {
  const question = live("div", "device__question");
  const push = make("p", "device__push faint");
  push.hidden = true;
  const root = make(
    "section",
    `phone caller device phone--${tone} panel`,
    phoneHead(name, `${place}, `, make("span", "mono", number)),
    icon(`device-${key}`, "device__picture"),
    live("p", "notice caller__notice"),
    push,
    question,
    make("ul", "talks"),
    make("div", "device__deeds"),
  );
  root.id = `device-${key}`;
  root.dataset.class = kind;
  root.setAttribute("aria-label", name);
  return root;
}
