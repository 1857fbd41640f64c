// The registrar as a person sees it: who holds the line, for how long, and how
// often that changed.

import { capital, clock, find, make, say, shortInstance } from "./element.js";

/**
 * @typedef {import("./server.js").Binding} Binding
 * @typedef {{ key: "a" | "b" | "", name: string }} Holder
 * @typedef {{ binding: Binding, holder: Holder, seenAt: number, isNew: boolean }} Row
 */

/** Seconds that the strip looks back. */
const STRIP = 60;
const SVG = "http://www.w3.org/2000/svg";

export class RegistrarPanel {
  /** Times that the registration passed from one client to another. */
  handovers = 0;

  #list = find(document, "#bindings");
  #text = find(document, "#handovers");
  #strip = find(document, "#strip");
  /** @type {Row[]} */
  #rows = [];
  /** @type {{ key: string, from: number, to: number }[]} */
  #past = [];
  #lastHolder = "";
  #nameOf;

  /** @param {(binding: Binding) => Holder} nameOf */
  constructor(nameOf) {
    this.#nameOf = nameOf;
    this.forget();
    setInterval(() => this.#tick(), 1000);
  }

  /** @param {string} text */
  describe(text) {
    say(find(document, "#registrar-url"), text);
  }

  /** Counts from nought again. */
  forget() {
    this.handovers = 0;
    this.#lastHolder = "";
    this.#past = [];
    this.#tell();
    this.#list.replaceChildren();
    this.#fill();
    this.#tick();
  }

  /**
   * What the registrar has now; the newest binding is where calls ring.
   * @param {Binding[]} bindings
   * @returns {Holder | null} who has the line
   */
  show(bindings) {
    const seenAt = Date.now();
    const before = new Set(this.#rows.map(identify));
    this.#rows = bindings
      .map((binding) => ({ binding, holder: this.#nameOf(binding), seenAt }))
      .map((row) => ({ ...row, isNew: !before.has(identify(row)) }));
    const newest = [...this.#rows].sort(
      (x, y) => y.binding.since - x.binding.since,
    )[0];
    const id = newest ? identify(newest) : "";
    if (id && this.#lastHolder && id !== this.#lastHolder) this.handovers += 1;
    if (id) this.#lastHolder = id;
    this.#remember(newest ? newest.holder.key || "other" : "none", seenAt);
    this.#tell();
    this.#fill();
    this.#tick();
    return newest?.holder ?? null;
  }

  #tell() {
    const times = this.handovers === 1 ? "1 time" : `${this.handovers} times`;
    const count = make("strong", "history__count", times);
    this.#text.replaceChildren(
      make("span", "", "Registration changed hands "),
      count,
    );
    this.#text.classList.toggle("history__text--busy", this.handovers > 3);
  }

  #fill() {
    const rows = this.#rows.map(({ binding, holder, isNew }) => {
      const since = binding.since ? `since ${clock(binding.since)}` : "";
      const row = make(
        "li",
        `binding binding--${holder.key || "other"}`,
        make("span", "binding__name", capital(holder.name)),
        make("span", "binding__since faint", since),
        make(
          "span",
          "binding__contact mono",
          binding.contact.replace(/^<|>$/g, ""),
        ),
        make("span", "binding__left faint"),
      );
      row.classList.toggle("binding--new", isNew);
      row.title = `${binding.userAgent}, instance ${shortInstance(binding.instanceId || "unknown")}`;
      return row;
    });
    const empty = make(
      "li",
      "binding binding--none faint",
      "Nobody. The line is free.",
    );
    this.#list.replaceChildren(...(rows.length ? rows : [empty]));
  }

  #tick() {
    const now = Date.now();
    this.#rows.forEach(({ binding, seenAt }, index) => {
      const left = Math.max(
        0,
        Math.round(binding.expires - (now - seenAt) / 1000),
      );
      const text = this.#list.children[index]?.querySelector(".binding__left");
      if (text) say(text, `${left} s left`);
    });
    this.#draw(now);
  }

  /**
   * @param {string} key
   * @param {number} now
   */
  #remember(key, now) {
    const last = this.#past.at(-1);
    if (last) last.to = now;
    if (last?.key !== key) this.#past.push({ key, from: now, to: now });
    this.#past = this.#past.filter((part) => part.to > now - STRIP * 1000);
  }

  /** @param {number} now */
  #draw(now) {
    const last = this.#past.at(-1);
    if (last) last.to = now;
    const start = now - STRIP * 1000;
    this.#strip.replaceChildren(
      ...this.#past.map(({ key, from, to }) => {
        const part = document.createElementNS(SVG, "rect");
        const x = Math.max(0, (from - start) / 1000);
        part.setAttribute("class", `history__part history__part--${key}`);
        part.setAttribute("x", String(x));
        part.setAttribute(
          "width",
          String(Math.max(0.25, (to - start) / 1000 - x)),
        );
        part.setAttribute("height", "10");
        return part;
      }),
    );
  }
}

/**
 * The client behind a binding: one of our two by its key, since a registrar may
 * not know the instance of a phone that has never forced.
 * @param {{ binding: Binding, holder: Holder }} row
 */
function identify({ binding, holder }) {
  return holder.key || `${binding.instanceId} ${binding.contact}`;
}
