/**
 * What only a server may say, each with a word ("boss") that must not arrive.
 * @type {[string, string][]}
 */
export const CLAIMS = [
  ["P-Asserted-Identity", '"Boss" <sip:boss@example.test>'],
  ["p-asserted-identity", "<tel:+1900>, <sip:boss@example.test>"],
  ["P-ASSERTED-IDENTITY", "<sip:boss@example.test>"],
  ["P-Preferred-Identity", "<sip:boss@example.test>"],
  [
    "Remote-Party-ID",
    '"Boss" <sip:boss@example.test>;party=calling;screen=yes',
  ],
  ["remote-party-id", "<sip:boss@example.test>"],
  ["P-Called-Party-ID", "<sip:boss@example.test>"],
  ["P-Asserted-Service", "boss"],
  ["Diversion", "<sip:boss@example.test>;reason=unconditional"],
  ["History-Info", "<sip:boss@example.test>;index=1"],
  ["Alert-Info", "<http://boss.invalid/ring.wav>;info=alert-autoanswer"],
  ["Call-Info", "<urn:x-cisco-remotecc:callinfo>;security=Boss"],
  ["call-info", "<sip:boss.invalid>;answer-after=0"],
  ["Answer-Mode", "Auto;boss"],
  ["Priv-Answer-Mode", "Auto;boss"],
  ["Path", "<sip:boss.invalid;lr>"],
  ["Service-Route", "<sip:boss.invalid;lr>"],
  ["X-Graceline-Holder", '"boss"'],
  ["x-graceline-node", "boss"],
];

/** A server that nobody came by. @type {[string, string]} */
export const FOREIGN_ROUTE = ["Record-Route", "<sip:boss.invalid;lr>"];

/** A challenge of somebody who is no registrar. */
export const CHALLENGE =
  'Digest realm="example.test", nonce="mine", algorithm=MD5';
