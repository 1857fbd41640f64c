/**
 * CWIC's methods for calls, video windows and devices. Their arguments are checked as CWIC
 * checks them; then, until calls exist, the answer is OperationNotSupported.
 */

/**
 * @typedef {import("./session.js").Session} Session
 * @typedef {any} Selection  a jQuery selection
 */

const UPDATES = /^(hold|resume|(un)?mute(audio|video)?)$/i;
const UPDATE_PROPERTIES = [
  "transferCall",
  "joinCall",
  "videoDirection",
  "addRemoteVideoWindow",
  "removeRemoteVideoWindow",
];

/** What the plug-in's own functions return when they cannot. */
const NOT_SUPPORTED = { error: "eOperationNotSupported" };

/** @param {Session} session */
export function conversationMethods(session) {
  /** @type {(target: Selection, detail: string, callback?: unknown) => Selection} */
  const refuse = (target, detail, callback) =>
    session.fail(
      target,
      callback,
      session.errors.entry("InvalidArguments"),
      detail,
    );

  /** @type {(target: Selection, what: string, callback?: unknown) => Selection} */
  const notYet = (target, what, callback) =>
    session.fail(
      target,
      callback,
      session.errors.entry("OperationNotSupported"),
      `${what} yet`,
      {
        nativeError: NOT_SUPPORTED.error,
      },
    );

  /** @type {(kind: string) => (this: Selection, id: unknown) => unknown} */
  const setDevice = (method) =>
    function (id) {
      if (typeof id !== "string" || !id)
        return refuse(this, `wrong arguments (${method})`);
      notYet(this, `${method}: devices cannot be chosen`);
      return NOT_SUPPORTED;
    };

  return {
    /** @this {Selection} @param {any} [argument] */
    startConversation(argument) {
      const conversation = argument ?? this.data("cwic") ?? {};
      const { error } = conversation;
      if (this.length === 0) {
        return refuse(
          this,
          "cannot start conversation with empty selection",
          error,
        );
      }
      if (conversation.id !== undefined) {
        return notYet(
          this,
          "startConversation: calls cannot be answered",
          error,
        );
      }
      const participant =
        typeof conversation === "string"
          ? conversation
          : conversation.participant;
      if (
        !(typeof participant === "string"
          ? participant
          : participant?.recipient)
      ) {
        return refuse(
          this,
          "cannot start conversation: undefined or empty recipient",
          error,
        );
      }
      return notYet(this, "startConversation: calls cannot be made", error);
    },

    /** @this {Selection} @param {unknown} [update] @param {unknown} [which] */
    updateConversation(update, which) {
      if (this.length === 0) return this;
      if (!conversationId(which ?? this.data("cwic"))) {
        return refuse(
          this,
          "cannot update conversation: undefined or empty conversation id",
        );
      }
      if (typeof update === "string" && !UPDATES.test(update)) {
        return refuse(
          this,
          `wrong arguments (update conversation) - ${update}`,
        );
      }
      if (typeof update !== "string" && !changesSomething(update)) {
        return refuse(this, "wrong arguments (update conversation)");
      }
      return notYet(this, "updateConversation: there are no calls");
    },

    /** @this {Selection} @param {...unknown} args  [iDivert], [id or conversation] */
    endConversation(...args) {
      if (this.length === 0) return this;
      const iDivert = args[0] === true;
      const which = typeof args[0] === "boolean" ? args[1] : args[0];
      const conversation = which ?? this.data("cwic");
      if (!conversationId(conversation)) {
        return refuse(
          this,
          "cannot end conversation: undefined or empty conversation id",
        );
      }
      if (
        iDivert &&
        typeof conversation === "object" &&
        !conversation.capabilities?.canImmediateDivert
      ) {
        return session.fail(
          this,
          null,
          session.errors.entry("MissingCapability"),
          "cannot iDivert - missing capability",
          { conversation },
        );
      }
      return notYet(this, "endConversation: there are no calls");
    },

    /** @this {Selection} @param {unknown} [digits] never logged @param {unknown} [which] */
    sendDTMF(digits, which) {
      if (
        typeof digits !== "string" ||
        !conversationId(which ?? this.data("cwic"))
      ) {
        return refuse(this, "wrong arguments (sendDTMF)");
      }
      return notYet(this, "sendDTMF: there are no calls");
    },

    /** @this {Selection} */
    createVideoWindow() {
      return notYet(this, "createVideoWindow: video is not available");
    },

    /** @this {Selection} @param {{ previewWindow?: unknown }} [options] */
    addPreviewWindow(options) {
      return options?.previewWindow
        ? notYet(this, "addPreviewWindow: video is not available")
        : this;
    },

    /** @this {Selection} @param {{ previewWindow?: unknown }} [options] */
    removePreviewWindow(options) {
      return options?.previewWindow
        ? notYet(this, "removePreviewWindow: video is not available")
        : this;
    },

    /** @this {Selection} */
    getMultimediaDevices() {
      notYet(this, "getMultimediaDevices: devices cannot be listed");
      return { multimediadevices: [], ...NOT_SUPPORTED };
    },

    setRecordingDevice: setDevice("setRecordingDevice"),
    setPlayoutDevice: setDevice("setPlayoutDevice"),
    setCaptureDevice: setDevice("setCaptureDevice"),
  };
}

/** @param {any} which  an id, or an object that has one */
function conversationId(which) {
  return which && typeof which === "object" ? which.id : which;
}

/** @param {any} update */
function changesSomething(update) {
  return (
    Boolean(update) && UPDATE_PROPERTIES.some((property) => update[property])
  );
}
