/**
 * What the control of a desk phone may have to say: it is loaded with it.
 *
 * @type {import("./catalogue.js").Catalogue}
 */
export const desk = {
  eInvalidArgument: {
    deskArgument: ["The desk phone takes no such number or value[: {reason}]."],
    noGateway: [
      "This phone does not know the gateway of a desk phone.",
      "Name it as the option remoteControl: { gateway }.",
    ],
  },
  eInvalidState: {
    deskState: ["Not possible with the desk phone now[: {reason}]."],
    inCall: [
      "The phone is in a call.",
      "End it, then switch to the desk phone.",
    ],
  },
  eDeviceAlreadyRegistered: {
    deskHeld: [
      "Another client controls this desk phone.",
      "Ask the user, then call registerPhone({ forceRegistration: true }).",
    ],
  },
  eServerRejected: {
    deskRefused: [
      "The desk phone cannot be controlled: the gateway refused[: {reason}][ ({status})].",
      "Ask the administrator of the telephone system whether this user may control this line.",
    ],
    serviceRefused: [
      "The desk phone or its switch refused[: {reason}][ ({status})].",
    ],
  },
  eTimeout: {
    deskSilent: [
      "The gateway of the desk phone did not answer in time.",
      "Try again, or ask the administrator whether it is running.",
    ],
  },
  eAborted: {
    deskGivenUp: ["That was given up[: {reason}]."],
  },
  eNotSupported: {
    notOffered: ["The desk phone does not offer this[: {reason}]."],
    notRemote: ["A page cannot do this with a call of a desk phone: {method}."],
    noAppearances: ["The gateway does not list the phones of a line."],
  },
  eOutOfService: {
    deskOut: [
      "The desk phone, or the way to it, is out of service[: {reason}].",
      "It can be used again as soon as it is back.",
    ],
  },
  eDeviceNotChosen: {
    notChosen: [
      "The line {line} is on several phones, and none was chosen.",
      "Ask the user which of details.appearances it is, and give its device to registerPhone.",
    ],
  },
  eCallFailed: {
    deskCallFailed: ["The call of the desk phone failed[: {reason}]."],
  },
};
