// The demo through the jQuery plug-in: what a page written for CWIC does, for
// two phones, and a list of all that the plug-in tells them.

import { clock, find, make, say } from "./element.js";
import { PhoneCard } from "./phone-card.js";
import { listen } from "./server.js";

/**
 * @typedef {import("./phone-card.js").Face} Face
 * @typedef {import("./server.js").Config} Config
 */

const DEVICE = "CSFDEMO";

const LONGEST_LIST = 80;

/** `event.phone.status` and how the phone looks. @type {Record<string, Partial<Face>>} */
const FACES = {
  eIdle: { look: "off", status: "Off", action: "Log in" },
  eRegistering: { look: "busy", status: "Logging in", action: "Cancel" },
  eReady: { look: "ready", status: "Ready", action: "Log out" },
  eRecoveryPending: {
    look: "recovering",
    status: "Reconnecting",
    action: "Log out",
  },
  eConnectionTerminated: {
    look: "taken",
    status: "Logged out",
    action: "Log in",
  },
  eDeviceNotAuthorised: {
    look: "taken",
    status: "Not authorised",
    action: "Log in",
  },
};

/** A page written for CWIC 3.0.4. Its jQuery has a phone of its own. */
class CwicPage {
  #$phone;
  #card;
  #name;
  /** @type {Config} */
  #config;
  #status = "eIdle";
  /** What was last said to the user, and whether it must not be missed. */
  #said = "";
  #alert = false;

  /**
   * @param {any} $ jQuery
   * @param {HTMLElement} root
   * @param {{ name: string, place: string }} who
   * @param {Config} config
   */
  constructor($, root, who, config) {
    this.#name = who.name;
    this.#config = config;
    this.#card = new PhoneCard(root, who);
    this.#card.onAction = () => this.#act();
    this.#$phone = $(root);
    this.#$phone.cwic("init", {
      ready: () => this.#show(),
      error: (/** @type {any} */ error) => this.#say(error.message, true),
      log: null,
      // Not CWIC's. The pages of one browser are one client; these two are not.
      domain: config.domain,
      phone: { storage: null, userAgent: `Graceline-Demo (${who.name})` },
    });
    this.#$phone.on("system.cwic", (/** @type {any} */ event) =>
      this.#onSystemEvent(event),
    );
    this.#$phone.on("error.cwic", (/** @type {any} */ event) =>
      this.#onError("error.cwic", event),
    );
  }

  #act() {
    if (/^e(Idle|DeviceNotAuthorised)$/.test(this.#status)) this.#logIn(false);
    else this.#logOut();
  }

  /** @param {boolean} forceRegistration */
  #logIn(forceRegistration) {
    const [user] = this.#config.users;
    this.#say("");
    this.#$phone.cwic("registerPhone", {
      user: user?.name,
      password: user?.password,
      cucm: `Demo ${this.#config.url}`,
      device: DEVICE,
      forceRegistration,
      success: (/** @type {any} */ registration) => {
        const { device, domain, instanceId } = registration;
        const line = `${registration.user}@${domain}`;
        this.#tell(`registerPhone success  ${device.name}`);
        this.#card.describe({ line, device: device.name, instanceId });
        this.#say(`Logged in. Calls to ${registration.user} ring here.`);
      },
      error: (/** @type {any} */ error) => {
        this.#onError("registerPhone error", error);
        if (error.details.includes("eDeviceAlreadyRegistered"))
          this.#ask(error);
      },
    });
  }

  /** @param {any} error */
  async #ask({ elsewhere }) {
    this.#say("Not logged in: the device is logged in elsewhere.");
    const yes = await this.#card.prompt.ask(
      elsewhere?.userAgent
        ? `There it is ${elsewhere.userAgent}.`
        : "The registrar does not say where.",
    );
    if (yes) this.#logIn(true);
  }

  #logOut() {
    if (!this.#alert) this.#say("");
    this.#$phone.cwic("unregisterPhone", {
      forceLogout: true,
      complete: () => this.#tell("unregisterPhone complete"),
    });
  }

  /** @param {any} event */
  #onSystemEvent({ phone }) {
    this.#tell(`system.cwic  ${phone.status}, ready: ${phone.ready}`);
    this.#status = phone.status;
    if (phone.status === "eConnectionTerminated") {
      this.#say(
        "You were logged out: another client took the phone over.",
        true,
      );
      this.#logOut();
    }
    this.#show();
  }

  /**
   * @param {string} how
   * @param {any} error
   */
  #onError(how, { code, message, details }) {
    this.#tell(`${how}  ${code}, ${message}: ${details[0]}`);
    this.#say(`${message} (code ${code}): ${details.slice(1).join(" ")}`, true);
  }

  /**
   * @param {string} text
   * @param {boolean} [alert]
   */
  #say(text, alert = false) {
    this.#said = text;
    this.#alert = alert;
    this.#show();
  }

  #show() {
    const face = FACES[this.#status] ?? { look: "off", status: this.#status };
    this.#card.show(
      /** @type {Face} */ ({
        action: "Log out",
        notice: this.#said || "Not logged in. Calls do not ring here.",
        alert: this.#alert,
        enabled: true,
        ...face,
      }),
    );
  }

  /** @param {string} what */
  #tell(what) {
    const row = make(
      "li",
      `told__row ${this.#name === "Phone A" ? "phone--a" : "phone--b"}`,
      make("span", "mono faint", clock(Date.now(), true)),
      make("span", "told__who", this.#name),
      make("span", "told__what mono", what),
    );
    const list = find(document, "#told");
    list.prepend(row);
    while (list.children.length > LONGEST_LIST) list.lastElementChild?.remove();
  }
}

const trouble = find(document, "#trouble");
let begun = false;

listen({
  config: (config) => {
    if (begun) return;
    begun = true;
    const { Graceline, jQueries } = /** @type {any} */ (window);
    // With one jQuery in the page nothing need be said: the plug-in finds it.
    for (const $ of jQueries) Graceline.jquery($);
    const a = { name: "Phone A", place: "in the office" };
    const b = { name: "Phone B", place: "at home" };
    new CwicPage(jQueries[0], find(document, "#phone-a"), a, config);
    new CwicPage(jQueries[1], find(document, "#phone-b"), b, config);
  },
  bindings: () => {},
  reachable: (yes) => {
    trouble.hidden = yes;
    say(trouble, yes ? "" : "The demo server cannot be reached.");
  },
});
