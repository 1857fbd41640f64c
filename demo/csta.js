// A CSTA document in words, and with its lines indented.

/**
 * What a document says. `$name` is the text of the first element of that name.
 * @type {Record<string, string>}
 */
const WORDS = {
  RequestSystemStatus: "is the telephone system there?",
  RequestSystemStatusResponse: "the telephone system: $systemStatus",
  SystemStatus: "the telephone system: $systemStatus",
  GetCSTAFeatures: "what can be done with this phone?",
  GetCSTAFeaturesResponse: "all this",
  MonitorStart: "tell me what happens at the phone",
  MonitorStartResponse: "you will be told",
  MonitorStop: "tell me no more",
  SnapshotDevice: "which calls does it have?",
  SnapshotDeviceResponse: "these",
  GetForwarding: "is it forwarded?",
  GetForwardingResponse: "its forwarding",
  GetDoNotDisturb: "is it not to be disturbed?",
  GetDoNotDisturbResponse: "do not disturb: $doNotDisturbOn",
  GetMessageWaitingIndicator: "is there a message waiting?",
  GetMessageWaitingIndicatorResponse: "message waiting: $messageWaitingOn",
  MakeCall: "dial $calledDirectoryNumber",
  MakeCallResponse: "it dials",
  AnswerCall: "answer",
  ClearConnection: "hang up",
  HoldCall: "hold",
  RetrieveCall: "resume",
  ConsultationCall: "hold, and dial $consultedDevice",
  AlternateCall: "the other call, please",
  TransferCall: "join both, and leave",
  ConferenceCall: "all three together",
  SingleStepTransferCall: "send the caller to $transferredTo",
  GenerateDigits: "press $charactersToSend",
  ServiceInitiatedEvent: "the handset is off",
  OriginatedEvent: "the phone has dialled",
  DeliveredEvent: "it rings",
  EstablishedEvent: "they talk",
  HeldEvent: "on hold",
  RetrievedEvent: "off hold",
  ConnectionClearedEvent: "somebody has hung up",
  FailedEvent: "it cannot go on: $cause",
  TransferedEvent: "the call has other ends now",
  ConferencedEvent: "they are three now",
  DivertedEvent: "it rings elsewhere",
  BackInServiceEvent: "the phone is there",
  OutOfServiceEvent: "the phone is not there",
  CSTAErrorCode: "no",
};

/**
 * @param {string} xml
 * @returns {{ name: string, caption: string, text: string } | null} null: it is none
 */
export function readCsta(xml) {
  if (!xml) return null;
  const root = new DOMParser().parseFromString(xml, "text/xml").documentElement;
  if (root.querySelector("parsererror")) return null;
  const name = root.localName;
  const words = Object.hasOwn(WORDS, name) ? (WORDS[name] ?? "") : "";
  const caption = words.replace(/\$(\w+)/g, (_, element) =>
    textOf(root, element),
  );
  return { name, caption, text: indented(root) };
}

/** @param {Element} root @param {string} name */
const textOf = (root, name) =>
  root
    .getElementsByTagNameNS("*", name)[0]
    ?.textContent?.trim()
    .replace(/^tel:/, "") ?? "?";

/**
 * @param {Element} element
 * @param {string} [indent]
 * @returns {string}
 */
function indented(element, indent = "") {
  const attributes = [...element.attributes].map(
    ({ name, value }) => ` ${name}="${value}"`,
  );
  const start = `${indent}<${element.nodeName}${attributes.join("")}`;
  const end = `</${element.nodeName}>`;
  const children = [...element.children];
  const text = element.textContent?.trim() ?? "";
  if (children.length)
    return [
      `${start}>`,
      ...children.map((child) => indented(child, `${indent}  `)),
      indent + end,
    ].join("\n");
  return text ? `${start}>${text}${end}` : `${start}/>`;
}
