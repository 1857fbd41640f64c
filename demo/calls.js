// Three phones in one page that call each other, or one of them alone:
// calls.html?phone=2001.

import { Caller } from "./caller.js";
import { find, say } from "./element.js";
import { callInfoHeader } from "./security.js";
import { listen } from "./server.js";
import { Voice } from "./voice.js";

/** Who they are, and the chord (Hz) that each plays. @type {Record<string, { name: string, chord: number[] }>} */
const PEOPLE = {
  2001: { name: "Ann", chord: [262, 330] },
  2002: { name: "Bob", chord: [196, 247] },
  2003: { name: "Carol", chord: [392, 494] },
};

const asked = new URLSearchParams(location.search).get("phone") ?? "";
const alone = Object.hasOwn(PEOPLE, asked) ? asked : undefined;

const voice = new Voice();
const told = /** @type {HTMLSelectElement} */ (find(document, "#told"));
/** @type {Caller[]} */
let callers = [];

find(document, "#voice").addEventListener("change", (event) => {
  if (event.target instanceof HTMLInputElement)
    voice.kind = /** @type {"tones" | "microphone"} */ (event.target.value);
});

listen({
  config(config) {
    if (callers.length) {
      // A server started anew has a new registrar, to which this page may not connect.
      if (callers[0]?.url !== config.url) location.reload();
      return;
    }
    callers = config.users.flatMap((user, index) => {
      const person = PEOPLE[user.name];
      if (!person) return [];
      const tone = "abc".charAt(index);
      const { password, name: number } = user;
      const who = { ...person, number, password, tone };
      if (alone && alone !== number) return [];
      if (alone) introduce(person.name);
      return [new Caller(who, config, voice, () => callInfoHeader(told.value))];
    });
    const everybody = Object.entries(PEOPLE).map(([number, { name }]) => ({
      name,
      number,
    }));
    for (const caller of callers) caller.meet(everybody);
    find(document, "#stage").append(...callers.map(({ root }) => root));
  },
  bindings() {},
  reachable(yes) {
    const trouble = find(document, "#trouble");
    trouble.hidden = yes;
    say(trouble, yes ? "" : "The demo server cannot be reached.");
  },
});

/** What a page of one phone is for. @param {string} name */
function introduce(name) {
  document.body.classList.add("alone");
  document.title = `Graceline: ${name}'s phone`;
  say(find(document, "#title"), `${name}'s phone, by itself.`);
  say(
    find(document, "#lede"),
    "Reload this page while you are in a call: the other side waits, and the phone offers to take the call up again.",
  );
}
