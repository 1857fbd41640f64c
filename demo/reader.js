// The chosen message, whole, as text.

import { capital, clock, icon, make } from "./element.js";

export class Reader {
  #root;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.show(null);
  }

  /** @param {import("./ladder.js").Entry | null} entry */
  show(entry) {
    const title = make(
      "h2",
      "",
      entry ? entry.reading.title : "How to read the diagram",
    );
    title.id = "reader-title";
    if (!entry) {
      this.#root.replaceChildren(title, legend());
      this.#root.removeAttribute("data-key");
      return;
    }
    const { reading, name, up, at, key } = entry;
    const server = capital(entry.server);
    const way = up ? `${name} → ${server}` : `${server} → ${name}`;
    this.#root.dataset.key = key;
    this.#root.replaceChildren(
      title,
      make(
        "p",
        "reader__way",
        way,
        make("span", "mono faint", ` ${clock(at, true)}`),
      ),
      ...(reading.caption
        ? [make("p", "reader__caption", `“${reading.caption}”`)]
        : []),
      ...(reading.document ? [csta(reading.document)] : []),
      text(reading),
    );
  }
}

/** What the message is about comes before how it is sent. @param {string} document */
function csta(document) {
  const pre = make("pre", "reader__text mono", document);
  pre.tabIndex = 0;
  pre.setAttribute("aria-label", "CSTA in the message");
  return pre;
}

/** @param {import("./message.js").Reading} reading */
function text(reading) {
  const pre = make(
    "pre",
    "reader__text mono",
    make("span", "reader__line reader__start", reading.start),
  );
  pre.tabIndex = 0;
  pre.setAttribute("aria-label", "Text of the message");
  for (const [name, value] of reading.heads) {
    const known = make("span", "reader__name", name ? `${name}: ` : "");
    pre.append(make("span", "reader__line", known, value));
  }
  if (reading.rest)
    pre.append(make("span", "reader__line reader__body", reading.rest));
  return pre;
}

/**
 * Samples of what the diagram is drawn with.
 * @type {[sample: string, className: string, text: string][]}
 */
const LEGEND = [
  ["sample-request", "", "A request, over the one WebSocket of that phone"],
  ["sample-answer", "", "An answer"],
  [
    "sample-answer",
    "legend__refusal",
    "A refusal: the phone has to ask its user, or give up",
  ],
  ["sample-lifeline", "", "This phone believes that it has the line"],
  ["sample-event", "", "What the phone told its app: a status or an event"],
];

function legend() {
  const list = make("dl", "legend");
  for (const [sample, className, text] of LEGEND) {
    const picture = icon(sample, className);
    picture.setAttribute("viewBox", "0 0 64 16");
    list.append(make("dt", "", picture), make("dd", "", text));
  }
  return list;
}
