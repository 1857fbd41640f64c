// What callers have said who were sent to voicemail.

import { find, make, say } from "../../../demo/element.js";
import { PhoneError } from "../../../js/account/index.js";
import { ask } from "./dialog.js";
import { nameOf, lengthOf, when } from "./words.js";

/** @typedef {import("../../../js/account/index.js").VoicemailMessage} Message */

export class Messages {
  #parts;
  #list = find(document, "#messages");
  /** What plays: the list is not put anew under it. @type {HTMLAudioElement | undefined} */
  #playing;

  /** @param {import("./parts.js").Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Shows what there is now, if there is a voicemail. */
  async refresh() {
    const { account, complain } = this.#parts;
    try {
      this.#show(await account.voicemails());
    } catch (error) {
      if (!PhoneError.is(error, "eNotSupported")) complain(error);
    }
  }

  /** @param {Message[]} messages */
  #show(messages) {
    find(document, "#voicemail-part").hidden = false;
    const fresh = messages.filter((message) => message.new).length;
    say(find(document, "#voicemail-count"), fresh ? `${fresh} new` : "");
    const rows = new Map([...this.#list.children].map((row) => [row.id, row]));
    this.#list.replaceChildren(
      ...messages.map((message) => {
        const known = rows.get(rowId(message));
        const isPlaying =
          known && this.#playing && known.contains(this.#playing);
        return isPlaying ? known : this.#row(message);
      }),
    );
    if (!messages.length)
      this.#list.append(make("li", "empty", "No messages."));
  }

  /** @param {Message} message */
  #row(message) {
    const { account, complain, domain } = this.#parts;
    const who = nameOf(message.from, domain);
    const time = make("time", "", when(message.at));
    time.dateTime = message.at;
    const audio = make("audio", "message__sound");
    audio.controls = true;
    audio.preload = "none";
    audio.src = message.url;
    audio.setAttribute("aria-label", `Message from ${who}`);
    audio.addEventListener("play", () => {
      this.#playing = audio;
      if (message.new) account.heard(message.id).catch(complain);
    });
    for (const name of ["ended", "error"])
      audio.addEventListener(name, () => (this.#playing = undefined));
    const remove = make("button", "button button--quiet", "Delete");
    remove.type = "button";
    remove.setAttribute("aria-label", `Delete: message from ${who}`);
    remove.addEventListener("click", () => this.#delete(message));
    const name = make("h3", "call__who", who);
    if (message.new) name.append(" ", make("span", "badge", "new"));
    const row = make(
      "li",
      "message",
      make(
        "div",
        "call__text",
        name,
        make("p", "call__facts faint", time, ` · ${lengthOf(message.seconds)}`),
      ),
      audio,
      remove,
    );
    row.id = rowId(message);
    return row;
  }

  /** @param {Message} message */
  #delete({ id, from }) {
    const { account, domain, speak } = this.#parts;
    ask({
      title: `Delete the message from ${nameOf(from, domain)}?`,
      text: "It cannot be brought back.",
      action: "Delete",
      danger: true,
      perform: async () => {
        await account.deleteVoicemail(id);
        this.#playing = undefined;
        await this.refresh();
        speak("The message is deleted.");
      },
    });
  }
}

/** @param {Message} message */
const rowId = ({ id }) => `message-${id}`;
