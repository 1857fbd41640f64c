/** CWIC's methods for calls, video windows and devices. Their arguments are checked as CWIC does. */

import { textOf } from "./arguments.js";

/**
 * @typedef {import("./session.js").Session} Session
 * @typedef {import("./conversation.js").Conversation} Conversation
 * @typedef {any} Selection  a jQuery selection
 */

/** What a string may ask of a call. @type {Record<string, (call: any) => Promise<void>>} */
const UPDATES = {
  hold: (call) => call.hold(),
  resume: (call) => call.resume(),
  mute: (call) => call.mute(),
  muteaudio: (call) => call.mute("audio"),
  mutevideo: (call) => call.mute("video"),
  unmute: (call) => call.unmute(),
  unmuteaudio: (call) => call.unmute("audio"),
  unmutevideo: (call) => call.unmute("video"),
};

/** @param {Session} session */
export function conversationMethods(session) {
  const { telephony } = session;

  /** @type {(target: Selection, what: string) => Selection} */
  const wrong = (target, what) =>
    session.refuse(target, "wrongArguments", { what });

  /** @type {(target: Selection, which: any) => Selection} */
  const unknown = (target, which) =>
    session.refuse(target, "noSuchCall", { id: idOf(which) });

  /** What an object may ask of a call, in CWIC's order. @type {Record<string, (conversation: Conversation, update: any, target: Selection) => unknown>} */
  const changes = {
    transferCall: (conversation, { transferCall, completeButton }, target) => {
      const other = telephony.find(transferCall);
      const number = !Object(transferCall).id && textOf(transferCall);
      // A call's id in 3.0.4, a number in 11.0: what is not meant as a number is never dialled.
      if (session.settings.compatibility === 11 && number)
        return telephony.consult(conversation, number, completeButton);
      if (!other || other === conversation)
        return unknown(target, transferCall);
      return telephony.transfer(conversation, other.call);
    },
    transferTo: (conversation, { transferTo }, target) =>
      textOf(transferTo)
        ? telephony.transfer(
            conversation,
            telephony.dialled(textOf(transferTo)),
          )
        : wrong(target, "transferTo"),
    joinCall: (conversation, { joinCall }, target) => {
      if (conversation.call.media !== "deskPhone")
        return session.refuse(target, "noJoin");
      const other = telephony.find(joinCall);
      if (!other || other === conversation) return unknown(target, joinCall);
      return telephony.join(conversation, other);
    },
    videoDirection: (conversation, { videoDirection }) =>
      telephony.setVideo(conversation, videoDirection),
    addRemoteVideoWindow: (conversation, update, target) =>
      telephony.showRemote(
        conversation,
        update.addRemoteVideoWindow,
        update.window,
      ) || wrong(target, "addRemoteVideoWindow"),
    removeRemoteVideoWindow: (_conversation, update, target) =>
      telephony.hideVideo(update.removeRemoteVideoWindow, update.window) ||
      wrong(target, "removeRemoteVideoWindow"),
  };

  /** @type {(method: string, use: "Recording" | "Playout" | "Capture") => (this: Selection, id: unknown) => unknown} */
  const setDevice = (method, use) =>
    function (argument) {
      const id = textOf(argument);
      if (!id) return wrong(this, method);
      telephony.choose(use, id);
      return { error: "eNoError" };
    };

  return {
    /** @this {Selection} @param {any} [argument] */
    startConversation(argument) {
      const settings = argument ?? this.data("cwic") ?? {};
      const { error: callback } = settings;
      if (this.length === 0)
        return session.refuse(this, "emptySelection", { callback });
      if (settings.id !== undefined) {
        const conversation = telephony.find(settings);
        if (!conversation) return unknown(this, settings);
        telephony.answer(conversation, this, settings);
        return this;
      }
      const participant = textOf(settings) || settings.participant;
      const recipient = textOf(participant) || textOf(participant?.recipient);
      // An id where a number was to be: whoever answers a call by it would dial it.
      if (typeof settings === "number" && telephony.find(settings))
        return session.refuse(this, "recipientIsCall", { id: settings });
      if (!recipient) return session.refuse(this, "noRecipient", { callback });
      telephony.originate(this, recipient, Object(settings));
      return this;
    },

    /** @this {Selection} @param {any} [update] @param {unknown} [which] */
    updateConversation(update, which) {
      if (this.length === 0) return this;
      const id = which ?? this.data("cwic");
      if (!idOf(id)) return session.refuse(this, "nothingToUpdate");
      const text = typeof update === "string";
      const act = text && UPDATES[update.toLowerCase()];
      const change = !text && Object.keys(changes).find((key) => update?.[key]);
      if (!act && !change)
        return session.refuse(this, "unknownUpdate", {
          update: text ? update : "",
        });
      const conversation = telephony.find(id);
      if (!conversation) return unknown(this, id);
      if (act) telephony.update(conversation, () => act(conversation.call));
      else if (change) changes[change]?.(conversation, update, this);
      return this;
    },

    /** @this {Selection} @param {...unknown} args  [iDivert], [id or conversation] */
    endConversation(...args) {
      if (this.length === 0) return this;
      const iDivert = args[0] === true;
      const which =
        (typeof args[0] === "boolean" ? args[1] : args[0]) ?? this.data("cwic");
      if (!idOf(which)) return session.refuse(this, "nothingToEnd");
      const conversation = telephony.find(which);
      if (iDivert && !conversation?.data.capabilities.canImmediateDivert)
        return session.refuse(this, "noDivert", {
          context: { conversation: which },
        });
      if (!conversation) return unknown(this, which);
      if (iDivert) telephony.divert(conversation);
      else telephony.end(conversation);
      return this;
    },

    /** @this {Selection} @param {unknown} [keys] never logged @param {unknown} [which] */
    sendDTMF(keys, which) {
      const digits = textOf(keys);
      const id = which ?? this.data("cwic");
      if (!digits || !idOf(id)) {
        return wrong(this, "sendDTMF");
      }
      const conversation = telephony.find(id);
      if (!conversation) return unknown(this, id);
      telephony.update(conversation, () => conversation.call.sendDtmf(digits));
      return this;
    },

    /** @this {Selection} @param {any} [options] */
    createVideoWindow(options = {}) {
      const { id, success, onload, window: page } = options;
      if (!id || this.length === 0) return wrong(this, "createVideoWindow");
      session.host.containers.addVideo(this, id, page);
      queueMicrotask(() => {
        session.invoke("createVideoWindow", success, id);
        // CWIC's way of old: the name of a global function.
        if (typeof onload === "string")
          session.invoke(
            "onload",
            /** @type {any} */ (page ?? globalThis)[onload],
            id,
          );
      });
      return this;
    },

    /** @this {Selection} @param {any} [options] */
    addPreviewWindow(options = {}) {
      const { previewWindow, window: page } = options;
      if (previewWindow) telephony.showPreview(this, previewWindow, page);
      return this;
    },

    /** @this {Selection} @param {any} [options] */
    removePreviewWindow(options = {}) {
      const { previewWindow, window: page } = options;
      if (previewWindow) telephony.hideVideo(previewWindow, page);
      return this;
    },

    getMultimediaDevices: () => ({
      multimediadevices: telephony.devices.list(),
    }),

    setRecordingDevice: setDevice("setRecordingDevice", "Recording"),
    setPlayoutDevice: setDevice("setPlayoutDevice", "Playout"),
    setCaptureDevice: setDevice("setCaptureDevice", "Capture"),
  };
}

/** @param {any} which  an id, or an object that has one */
function idOf(which) {
  return which && typeof which === "object" ? which.id : which;
}
