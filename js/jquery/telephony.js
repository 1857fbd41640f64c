/** The conversations of a page: which call is whose container, and what a failure is called. */

import { fault } from "../errors/error.js";
import { Conversation } from "./conversation.js";
import { Devices } from "./devices.js";
import { textOf } from "./arguments.js";

/**
 * @typedef {import("./station.js").Station} Station
 * @typedef {any} Selection  a jQuery selection
 */

/** The mailbox, as the rules of an account name it. */
const MAILBOX = "voicemail";

/** Written as people write numbers. */
const NUMBER = /^\+?[\d\s().-]+$/;

export class Telephony {
  #station;
  #containers;
  /** @type {Map<number, Conversation>} */
  #conversations = new Map();
  #hasMailbox = false;
  /** Our own picture, where it is shown; without a stream while the camera is opened. */
  #preview = /** @type {Map<HTMLVideoElement, MediaStream | undefined>} */ (
    new Map()
  );

  /**
   * @param {Station} station
   * @param {import("./containers.js").Containers} containers
   */
  constructor(station, containers) {
    this.#station = station;
    this.#containers = containers;
    this.devices = new Devices(() => station.tell("mmDeviceChange.cwic", {}));
  }

  /** Hears of the calls of a phone. @param {any} phone */
  follow(phone) {
    phone.on("incoming", (/** @type {any} */ { call }) => {
      this.#adopt(call, this.#containers.get());
    });
    for (const name of ["transferred", "call"])
      phone.on(name, (/** @type {any} */ { call }) => {
        this.#adopt(call, this.#containers.get());
      });
    this.#hasMailbox = false;
    phone.on("voicemail", () => {
      this.#hasMailbox = true;
      for (const conversation of this.#conversations.values())
        conversation.update();
    });
    void this.devices.refresh();
  }

  /**
   * @param {any} which  an id, or an object that has one
   * @returns {Conversation | undefined}
   */
  find(which) {
    const id = which && typeof which === "object" ? which.id : which;
    return this.#conversations.get(Number(textOf(id) || NaN));
  }

  /** Whom a page means. @param {string} recipient */
  dialled(recipient) {
    return NUMBER.test(recipient)
      ? recipient.replace(/[\s().-]/g, "")
      : recipient;
  }

  /**
   * @param {Selection} selection
   * @param {string} recipient
   * @param {Record<string, any>} settings  of startConversation
   * @returns {Conversation | undefined}
   */
  originate(selection, recipient, settings) {
    const container = this.#containers.get(settings.container ?? selection);
    try {
      const target = this.dialled(recipient);
      const call = this.#station.call(target, this.#wanted(settings));
      this.#holdOthers(call);
      const conversation = this.#adopt(call, container, settings.error);
      this.#show(conversation, settings);
      return conversation;
    } catch (failure) {
      this.#station.fail(
        container,
        settings.error,
        failure,
        "eCreateCallFailed",
      );
      return undefined;
    }
  }

  /**
   * @param {Conversation} conversation
   * @param {Selection} selection
   * @param {Record<string, any>} settings  of startConversation
   */
  async answer(conversation, selection, settings) {
    // The one that it rings in stays, if the page attached it.
    if (
      settings.container ||
      !this.#containers.isAttached(conversation.container)
    )
      conversation.moveTo(
        this.#containers.get(settings.container ?? selection),
      );
    this.#show(conversation, settings);
    this.#holdOthers(conversation.call);
    await this.#attempt(conversation, settings.error, () =>
      conversation.call.answer(this.#wanted(settings)),
    );
  }

  /**
   * What the page asks of a call. A failure is an event of the container.
   *
   * @param {Conversation} conversation
   * @param {() => Promise<unknown>} act
   */
  async update(conversation, act) {
    await this.#attempt(conversation, undefined, act);
    conversation.update();
  }

  /** @param {Conversation} conversation */
  end(conversation) {
    const { call } = conversation;
    return this.#attempt(conversation, undefined, () =>
      call.state === "incoming" ? call.reject() : call.hangup(),
    );
  }

  /** A call that rings goes to the mailbox. @param {Conversation} conversation */
  divert(conversation) {
    return this.#attempt(conversation, undefined, () =>
      conversation.call.deflect(MAILBOX),
    );
  }

  /** @param {Conversation} conversation @param {string} direction */
  setVideo(conversation, direction) {
    const video =
      /^Send/.test(direction) && this.devices.constraints("Capture");
    return this.update(conversation, () => conversation.call.setVideo(video));
  }

  /**
   * @param {Conversation} conversation
   * @param {any} to  another call, or whom to call
   */
  transfer(conversation, to) {
    return this.update(conversation, () => conversation.call.transfer(to));
  }

  /**
   * Both become one call, which goes on as the first.
   *
   * @param {Conversation} conversation
   * @param {Conversation} other
   */
  join(conversation, other) {
    return this.update(conversation, () =>
      conversation.call.conference(other.call),
    );
  }

  /**
   * 11.0 asks the number first; then the page, or its user by the button, completes the transfer.
   *
   * @param {Conversation} conversation
   * @param {string} number
   * @param {any} [completeButton]
   */
  consult(conversation, number, completeButton) {
    const asked = this.originate(this.#containers.get(), number, {});
    asked?.call.once("connected", () => {
      const completeTransfer = () =>
        void this.transfer(conversation, asked.call);
      if (completeButton) {
        const button = this.#containers.get(completeButton);
        button.one("click", completeTransfer);
        // Its next click may be for another transfer.
        for (const { call } of [asked, conversation])
          call.once("ended", () => button.off("click", completeTransfer));
      }
      this.#station.tell("callTransferInProgress.cwic", { completeTransfer });
    });
  }

  /**
   * @param {"Recording" | "Playout" | "Capture"} use
   * @param {string} id
   */
  choose(use, id) {
    this.devices.choose(use, id);
    for (const conversation of this.#conversations.values()) {
      const { call } = conversation;
      if (!call.localStream) continue;
      const kind = use === "Capture" ? "video" : "audio";
      if (use === "Playout")
        void this.update(conversation, () => conversation.playOn(id));
      else if (
        call.localStream
          .getTracks()
          .some((/** @type {any} */ track) => track.kind === kind)
      )
        void this.update(conversation, () => call.setDevice(kind, id));
    }
  }

  /**
   * @param {Conversation} conversation
   * @param {any} which
   * @param {Window} [page]
   */
  showRemote(conversation, which, page) {
    const video = this.#containers.video(which, page);
    if (!video) return false;
    const show = () => (video.srcObject = conversation.call.remoteStream);
    conversation.call.on("track", show);
    show();
    return true;
  }

  /** @param {any} which @param {Window} [page] */
  hideVideo(which, page) {
    const video = this.#containers.video(which, page);
    if (!video) return false;
    video.srcObject = null;
    stop(this.#preview.get(video));
    this.#preview.delete(video);
    return true;
  }

  hidePreviews() {
    for (const video of [...this.#preview.keys()]) this.hideVideo(video);
  }

  /**
   * Our own picture, before and during a call.
   *
   * @param {Selection} selection
   * @param {any} which
   * @param {Window} [page]
   */
  async showPreview(selection, which, page) {
    const element = this.#containers.video(which, page);
    try {
      if (!element) throw fault("wrongArguments", { what: "addPreviewWindow" });
      this.hideVideo(element);
      this.#preview.set(element, undefined);
      const video = this.devices.constraints("Capture");
      const stream = await navigator.mediaDevices.getUserMedia({ video });
      // The page has taken the window away meanwhile, or asked twice.
      if (!this.#preview.has(element) || this.#preview.get(element))
        return stop(stream);
      this.#preview.set(element, stream);
      element.srcObject = stream;
    } catch (failure) {
      if (element) this.#preview.delete(element);
      this.#station.fail(selection, undefined, failure, "eNoWindowExists");
    }
  }

  /**
   * @param {any} call
   * @param {Selection} container
   * @param {unknown} [callback]
   */
  #adopt(call, container, callback) {
    const station = this.#station;
    /** @type {(name: string, conversation: Conversation) => void} */
    const tell = (name, { container, data }) =>
      this.#containers.tell(name, station.target, container, data);
    const hasMailbox = () => this.#hasMailbox;
    const line = { user: station.user, tell, hasMailbox };
    const conversation = new Conversation(call, line, this.#containers);
    this.#conversations.set(call.id, conversation);
    conversation.moveTo(container);
    call.on("error", (/** @type {any} */ failure) => {
      const early = !call.startTime;
      this.#station.fail(
        conversation.container,
        early ? callback : undefined,
        failure,
        early ? "eCreateCallFailed" : "eCallOperationFailed",
        { conversation: conversation.data },
      );
    });
    call.once("connected", () => {
      // Now the browser tells what the devices are called.
      void this.devices.refresh();
      const { Playout } = this.devices.chosen;
      if (Playout)
        void this.#attempt(conversation, undefined, () =>
          conversation.playOn(Playout),
        );
    });
    call.once("ended", () => this.#conversations.delete(call.id));
    conversation.begin();
    return conversation;
  }

  /**
   * @param {Conversation} conversation
   * @param {unknown} callback
   * @param {() => Promise<unknown>} act
   */
  async #attempt(conversation, callback, act) {
    try {
      await act();
    } catch (failure) {
      this.#station.fail(
        conversation.container,
        callback,
        failure,
        "eCallOperationFailed",
        {
          conversation: conversation.data,
        },
      );
    }
  }

  /**
   * A desk phone has one active call: so had CWIC. A real one sees to that by itself.
   *
   * @param {any} active
   */
  #holdOthers(active) {
    if (active.media === "deskPhone") return;
    for (const conversation of this.#conversations.values()) {
      const { call } = conversation;
      if (call !== active && call.state === "connected")
        void this.#attempt(conversation, undefined, () => call.hold());
    }
  }

  /** @param {Conversation} conversation @param {Record<string, any>} settings */
  #show(conversation, { remoteVideoWindow, window: page }) {
    if (remoteVideoWindow)
      this.showRemote(conversation, remoteVideoWindow, page);
  }

  /** @param {Record<string, any>} settings */
  #wanted({ videoDirection = "Inactive" }) {
    const audio = this.devices.constraints("Recording");
    if (videoDirection === "Inactive") return { audio, video: false };
    if (videoDirection === "RecvOnly") return { audio };
    return { audio, video: this.devices.constraints("Capture") };
  }
}

/** Lets the camera go. @param {MediaStream} [stream] */
function stop(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}
