/**
 * A page for the jQuery plug-in that needs no jQuery: its session, on a fake phone, telling a
 * story line by line.
 */

import { createMethods } from "../../js/jquery/methods.js";
import { Session } from "../../js/jquery/session.js";
import { FakePhone } from "./fake-phone.mjs";

/** The registrar of these stories. */
export const URL_A = "ws://127.0.0.1:8080/";

/** Everything that happens is a line of `story`: events, and what callbacks tell. */
export class CwicPage {
  /** @type {string[]} */
  story = [];
  /** @type {any[]} */
  events = [];
  /** @type {any[]} */
  logged = [];
  /** @type {{ line: string, resolve: () => void }[]} */
  waiting = [];

  constructor(settings = {}, Phone = /** @type {any} */ (FakePhone)) {
    this.session = new Session({
      Phone,
      jquery: "3.7.1",
      whenReady: (start) => queueMicrotask(start),
      // No elements here: what becomes of them is tried in a browser.
      containers: /** @type {any} */ ({
        get: () => "container",
        isAttached: () => true,
        bind: () => {},
        free: () => {},
        video: () => ({}),
        tell: (
          /** @type {string} */ name,
          /** @type {any} */ root,
          /** @type {any} */ container,
          /** @type {any} */ conversation,
        ) => this.tell(`${name} ${conversation.state}`),
      }),
      forgetData: () => this.tell("data cleared"),
      trigger: (target, name, properties) => {
        this.events.push({ target, name, ...properties });
        const { phone, code } = /** @type {any} */ (properties);
        this.tell(`${name} ${phone?.status ?? code}`);
      },
    });
    this.session.init("#phone", {
      log: (/** @type {any[]} */ ...entry) => this.logged.push(entry),
      ...settings,
    });
  }

  /** @param {string} line */
  tell(line) {
    this.story.push(line);
    const due = this.waiting.filter((waiter) => waiter.line === line);
    this.waiting = this.waiting.filter((waiter) => waiter.line !== line);
    for (const { resolve } of due) resolve();
  }

  /** Until this line is told, then the story so far; the next one starts anew. @param {string} line */
  async until(line) {
    if (!this.story.includes(line)) {
      await new Promise((resolve) =>
        this.waiting.push({ line, resolve: () => resolve(undefined) }),
      );
    }
    return this.story.splice(0);
  }

  /** Arguments of a login that tell the story. */
  login(changes = {}) {
    return {
      user: "2001",
      password: "secret",
      cucm: URL_A,
      success: (/** @type {any} */ registration) => {
        this.registered = registration;
        this.tell("success");
      },
      error: (/** @type {any} */ error) => {
        this.error = error;
        this.tell(`error ${error.code}`);
      },
      ...changes,
    };
  }

  /** `$(…).cwic(method, …)` on a selection of one element. @param {string} method @param {...any} args */
  cwic(method, ...args) {
    const methods = createMethods(this.session, { unbind: () => {} });
    return methods.get(method)?.apply(this.selection, args);
  }

  selection = { length: 1, data: () => undefined };

  register(changes = {}) {
    return this.session.registerPhone("#login", this.login(changes));
  }
}

/** A page that has a registered phone. */
export async function readyPage(settings = {}, changes = {}) {
  const page = new CwicPage(settings);
  page.register(changes);
  await page.until("system.cwic eReady");
  return page;
}

/** Another client of the device that a page gets by default. */
export async function rival() {
  const phone = new FakePhone({
    ...{
      connections: [URL_A],
      user: "2001",
      domain: "127.0.0.1",
      device: "ecp2001",
    },
    password: "secret",
  });
  await phone.registerPhone({ forceRegistration: true });
  return phone;
}
