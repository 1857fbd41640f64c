/**
 * What the media handler may have to say: it is loaded with it.
 *
 * @type {import("./catalogue.js").Catalogue}
 */
export const media = {
  eMediaFailed: {
    noDevices: [
      "This page has no access to a {device}.",
      "Serve it over https, or from localhost.",
    ],
    deviceForbidden: [
      "The {device} may not be used.",
      "Allow it for this site in the browser's address bar and in the system's settings, then try again.",
    ],
    deviceMissing: [
      "No {device} was found.",
      "Connect one and try again, or pass a stream.",
    ],
    deviceBusy: [
      "The {device} cannot be opened: another program may be using it.",
      "Close that one and try again.",
    ],
    deviceGone: [
      "The chosen {device} is not there any more.",
      "Choose another one.",
    ],
    noCodec: ["No codec of the far end is known here."],
    noPeerConnection: [
      "There is no RTCPeerConnection here.",
      'Pass a handler of your own as the option "media".',
    ],
    endedOpening: ["The call ended before its media was open."],
    mediaClosed: ["The call has ended."],
    noScreen: [
      "No screen was chosen, or the browser may show none.",
      "Try again from a click, and choose one.",
    ],
  },
  eInvalidState: {
    inConference: [
      "A call is in a conference already.",
      "Hold it, or hang it up, first.",
    ],
  },
  eCallFailed: {
    noPictures: ["The far end takes no pictures."],
  },
};
