// What the pages about one user's devices share: both servers, the devices and their list, Bob who
// calls, and starting over.

import { Caller } from "./caller.js";
import { DeviceList } from "./device-list.js";
import { DevicePhone } from "./device-phone.js";
import { startOver, watchOwner } from "./devices-server.js";
import { find, say } from "./element.js";
import { listen } from "./server.js";
import { Steps } from "./steps.js";
import { Voice } from "./voice.js";

const BOB = { name: "Bob", number: "2002", chord: [196, 247], tone: "bob" };

export class OwnerPage {
  steps = new Steps(find(document, "#steps"), find(document, "#steps-said"));
  /** @type {DevicePhone[]} */
  phones = [];
  #page;
  #story;
  /** @type {import("./server.js").Config | undefined} */
  #config;
  /** @type {import("./devices-server.js").Owner | undefined} */
  #owner;

  /**
   * @param {"devices" | "number"} page
   * @param {object} story
   * @param {import("./steps.js").Step[]} story.steps
   * @param {import("./device-phone.js").Kind[]} story.kinds in the order in which they stand
   * @param {(deed: import("./device-phone.js").Deed, device: DevicePhone) => void} story.did
   * @param {(owner: import("./devices-server.js").Owner, domain: string, bob: Caller) => void} [story.shown]
   *   once the phones are there
   */
  constructor(page, story) {
    this.#page = page;
    this.#story = story;
    this.steps.begin(story.steps);
    listen({
      config: (news) => {
        // A server started anew has a new registrar, to which this page may not connect.
        if (this.#config && this.#config.url !== news.url) location.reload();
        this.#config ??= news;
        this.#begin();
      },
      bindings() {},
      reachable: (yes) =>
        this.trouble(yes ? "" : "The demo server cannot be reached."),
    });
    watchOwner(page, {
      owner: (news) => {
        this.#owner ??= news;
        this.#begin();
      },
      push: (push) => {
        for (const phone of this.phones) phone.pushed(push);
      },
    });
    find(document, "#over").addEventListener("click", () => this.#startOver());
  }

  /** @param {string} text */
  trouble(text) {
    const place = find(document, "#trouble");
    place.hidden = !text;
    say(place, text);
  }

  /** Once both servers have told where they are. */
  #begin() {
    const [config, owner] = [this.#config, this.#owner];
    if (!config || !owner || this.phones.length) return;
    const { kinds, did, shown } = this.#story;
    const voice = new Voice();
    /** @type {DeviceList | undefined} */
    let list;
    const ground = {
      ...{ config, owner, voice, did, others: [BOB] },
      changed: () => list?.lookAgain(),
    };
    this.phones = kinds.map((kind) => new DevicePhone(kind, ground));
    find(document, "#stage").append(...this.phones.map(({ root }) => root));
    list = new DeviceList(find(document, "#list"), this.phones);
    const { password = "" } =
      config.users.find(({ name }) => name === BOB.number) ?? {};
    const bob = new Caller({ ...BOB, password }, config, voice);
    bob.meet([{ name: owner.name, number: owner.user }]);
    find(document, "#bob").append(bob.root);
    shown?.(owner, config.domain, bob);
  }

  async #startOver() {
    try {
      await Promise.all(this.phones.map((phone) => phone.close()));
      await startOver(this.#page);
      location.reload();
    } catch (/** @type {any} */ error) {
      this.trouble(error.message);
    }
  }
}
