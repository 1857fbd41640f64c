// What people are told of a phone and of its calls.

/** By status of the phone. @type {Record<string, { text: string, look: string }>} */
export const STATUS = {
  eIdle: { text: "Off", look: "off" },
  eRegistering: { text: "Logging in", look: "busy" },
  eReady: { text: "Ready", look: "ready" },
  eRecoveryPending: { text: "Reconnecting", look: "recovering" },
  eConnectionTerminated: { text: "Logged out", look: "taken" },
  eDeviceNotAuthorised: { text: "Locked out", look: "taken" },
};

const nobody = () => "Nobody is there.";
/** By status of the answer. @type {Record<number, (who: string) => string>} */
const FAILURES = {
  404: nobody,
  480: nobody,
  // Of a call that was to be taken up again (RFC 3891 §3).
  420: (who) => `${who}'s phone cannot take a call up again.`,
  481: (who) => `${who} is not in that call any more.`,
};

/** By cause. @type {Record<string, (who: string, reason: string, status?: number) => string>} */
const ENDINGS = {
  local: () => "",
  remote: (who) => `${who} hung up.`,
  // 487: of an incoming call, whose caller did not decline.
  rejected: (who, _, status) =>
    status === 487
      ? "Declined on another device."
      : status === 486
        ? `${who} is busy.`
        : `${who} declined.`,
  failed: (who, reason, status) =>
    FAILURES[status ?? 0]?.(who) ?? `The call failed. ${reason}`,
  cancelled: (who) => `You missed a call from ${who}.`,
  answeredElsewhere: () => "Answered on another device.",
  eConnectionTerminated: () => "You were logged out by another client.",
};

/**
 * Why a call has ended.
 * @param {string} who was at the other end
 * @param {import("../js/index.js").CallEvents["ended"]} end
 */
export const ending = (who, { cause, reason, status }) =>
  ENDINGS[cause]?.(who, reason, status) ?? "";
