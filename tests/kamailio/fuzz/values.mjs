/**
 * What the generator puts into messages: plain values and odd ones. A word in braces is a fact of
 * the running servers (a port, a name, a signed Route), known only when the message is sent: see
 * facts() in world.mjs. They are what an attacker may know or guess, ports of victims included.
 */

export const METHODS = /** @type {[number, string][]} */ ([
  [8, "MESSAGE"],
  [5, "NOTIFY"],
  [4, "INVITE"],
  [3, "REFER"],
  [3, "SUBSCRIBE"],
  [2, "INFO"],
  [2, "OPTIONS"],
  [2, "BYE"],
  [1, "UPDATE"],
  [1, "PRACK"],
  [1, "PUBLISH"],
  [1, "ACK"],
  [1, "CANCEL"],
  [1, "message"],
  [1, "X-ODD"],
]);

export const VICTIMS = ["alice", "bob", "carol"];

/** Ports at which somebody would hear what was never meant for them. */
const TRAPS = ["127.0.0.1:{trap}", "127.0.0.1:{trap}", "localhost:{trap}"];

/** Whoever listens: as host and port. */
export const ADDRESSES = [
  ...TRAPS,
  "{here.cluster}",
  "{there.cluster}",
  "{here.public}",
  "{there.public}",
  "{alice.flow}",
  "{bob.flow}",
  "{carol.flow}",
  "x.invalid",
];

/** Connections, in nathelper's form: address, port, and the number of a transport. */
const CONNECTIONS = [
  "127.0.0.1~{trap}~1",
  "127.0.0.1~{trap}~2",
  "127.0.0.1~{trap}~5",
  "{alice.alias}",
  "{bob.alias};connection={bob.connection}",
  "{carol.alias};connection={carol.connection}",
  "{alice.alias};connection={alice.connection}",
  "{mallory.alias}",
];

const LINES = [
  "{alice.line}",
  "{bob.line}",
  "{carol.line}",
  "{mallet.line}",
  "{mallory.line}",
  "00.00",
];

/** The parameter itself in other spellings. */
const NAMES = [
  ...[
    "alias",
    "alias",
    "alias",
    "alias",
    "ALIAS",
    "%61lias",
    "alias ",
    "Alias",
  ],
  ...["received", "maddr", "connection"],
];

/** Next hops, as the value of a parameter. */
export const HOPS = [
  "sip%3A127.0.0.1%3A{trap}%3Btransport%3Dtcp",
  "sip%3A{alice.flow}%3Btransport%3Dws%3Bconnection%3D{alice.connection}",
  "sip%3A{bob.flow}%3Btransport%3Dws%3Bconnection%3D{bob.connection}",
];

/**
 * Parameters of a URI, with which it leads elsewhere.
 * @param {import("./random.mjs").Random} random
 */
export function parameters(random) {
  return random.weighted([
    [6, () => ""],
    [4, () => `;${random.pick(NAMES)}=${random.pick(CONNECTIONS)}`],
    [3, () => `;line=${random.pick(LINES)}`],
    [4, () => `;alias=${random.pick(CONNECTIONS)};line=${random.pick(LINES)}`],
    [1, () => `;line=${random.pick(LINES)};alias=${random.pick(CONNECTIONS)}`],
    [1, () => `;alias=1.2.3.4~5~5;alias=${random.pick(CONNECTIONS)}`],
    [1, () => `;to=${random.pick(HOPS)}`],
    [1, () => `;received=${random.pick(HOPS)}`],
    [1, () => ";maddr=127.0.0.1"],
    [1, () => ";transport=tcp"],
    [1, () => ";transport=ws"],
    [1, () => ";lr"],
    [1, () => ";gr=urn:uuid:00000000-0000-4000-8000-000000000001"],
    [1, () => "?Route=%3Csip:127.0.0.1:{trap}%3E"],
    [1, () => ";ob;method=NOTIFY"],
  ])();
}

/**
 * A URI that a request is for, or that a header names.
 * @param {import("./random.mjs").Random} random
 */
export function uri(random) {
  const victim = () => random.pick(VICTIMS);
  const base = random.weighted([
    [8, () => `{${victim()}.aor}`],
    [6, () => "sip:x@y.invalid"],
    [3, () => `sip:x@${random.pick(ADDRESSES)}`],
    [2, () => `sip:{${victim()}.user}@${random.pick(ADDRESSES)}`],
    [2, () => `sip:${random.pick(ADDRESSES)}`],
    [2, () => "{mallet.aor}"],
    [1, () => "{mallory.aor}"],
    [1, () => `{${victim()}.contact}`],
    [1, () => "sip:{domain}"],
    [1, () => `sips:{${victim()}.user}@{domain}`],
    [1, () => `SIP:{${victim()}.user}@EXAMPLE.TEST`],
    [1, () => `sip:%32{${victim()}.user}@{domain}`],
    [1, () => `sip:{${victim()}.user}%00@{domain}`],
    [1, () => `sip:{${victim()}.user}%0d%0aX:y@{domain}`],
    [1, () => `sip:{${victim()}.user}@{domain}:{trap}`],
    [1, () => `sip:{${victim()}.user}:pw@{domain}`],
    [1, () => `sip:{${victim()}.user}!!@{domain}`],
    [1, () => `sip:{${victim()}.user};x@{domain}`],
    [1, () => "tel:{alice.user}"],
    [1, () => "sip:[::1]:{trap}"],
    [1, () => "urn:service:sos"],
  ])();
  return base + parameters(random);
}

/**
 * One who may be claimed to be the sender.
 * @param {import("./random.mjs").Random} random
 */
export function claimed(random) {
  const victim = random.pick(VICTIMS);
  return random.pick([
    `<{${victim}.aor}>`,
    `"Boss" <{${victim}.aor}>`,
    `{${victim}.aor}`,
    "<sip:{domain}>",
    "<sip:boss@elsewhere.test>",
    `<{mallory.aor}>, <{${victim}.aor}>`,
    `"<{mallory.aor}>" <{${victim}.aor}>`,
    `"x" <{mallory.aor}> <{${victim}.aor}>`,
    `<sip:{mallory.user}@{domain}@{domain}>`,
    `<sip:{mallory.user}%40{domain}@elsewhere.test>`,
    "Anonymous <sip:anonymous@anonymous.invalid>",
  ]);
}

/**
 * Headers that speak for the network, or make the receiver do something.
 * @type {((random: import("./random.mjs").Random) => [string, string])[]}
 */
export const EXTRAS = [
  (random) => ["P-Asserted-Identity", claimed(random)],
  (random) => ["p-asserted-IDENTITY", claimed(random)],
  (random) => ["P-Preferred-Identity", claimed(random)],
  (random) => ["Remote-Party-ID", `${claimed(random)};party=calling`],
  (random) => ["Diversion", `${claimed(random)};reason=deflection`],
  () => ["Alert-Info", "<http://127.0.0.1:{trap}/ring.wav>"],
  () => ["Call-Info", "<sip:x>;answer-after=0"],
  () => ["Privacy", "id"],
  () => ["Identity", "AAAA"],
  (random) => ["Event", random.pick(EVENTS)],
  (random) => ["o", random.pick(EVENTS)],
  (random) => ["Refer-To", `<${uri(random)}>`],
  (random) => ["Referred-By", claimed(random)],
  () => ["Replaces", "{call.id};to-tag={call.to};from-tag={call.from}"],
  (random) => ["Record-Route", `<sip:${random.pick(ADDRESSES)};lr>`],
  (random) => ["Path", `<sip:${random.pick(ADDRESSES)};lr>`],
  (random) => ["Service-Route", `<sip:${random.pick(ADDRESSES)};lr>`],
  () => ["Proxy-Authorization", CREDENTIALS],
  () => ["Authorization", CREDENTIALS],
  () => ["Proxy-Authorization", 'Digest realm="elsewhere.test", username="x"'],
  () => ["Proxy-Authenticate", CHALLENGE],
  () => ["WWW-Authenticate", CHALLENGE],
  () => ["Require", "path, gruu"],
  () => ["Proxy-Require", "x"],
  () => ["Reason", 'SIP;cause=200;text="cisco-alarm:111"'],
  (random) => ["X-Graceline-Node", nodeClaim(random.pick(HOPS))],
  () => ["X-Graceline-Holder", '"x";contact="x";since=1;agent="x"'],
  () => ["P-Registrar-Error", "x"],
  () => ["Subscription-State", "active;expires=60"],
  () => ["Content-Type", "text/plain"],
  () => ["Max-Forwards", "0"],
  () => ["Max-Forwards", "1"],
  () => ["Expires", "4294967296"],
  () => ["Content-Encoding", "gzip"],
  () => ["Supported", "X-cisco-sessionpersist, path, outbound"],
  () => ["X-Long", "{long}"],
  () => ["X-Log", "%0a 0(1) ALERT: forged $(var(secret)) $var(nonce) %s%n"],
];

/**
 * As one node says to another for which connection a request is, but for the proof.
 * @param {string} hop
 */
export const nodeClaim = (hop) => `{now};to=${hop};mac=${"0".repeat(64)}`;

const EVENTS = [
  "service-control",
  "SERVICE-CONTROL",
  "service-control;id=1",
  " service-control",
  "reg",
  "reg;id=1",
  "refer",
  "check-sync",
  "talk",
  "message-summary",
];

const CREDENTIALS =
  'Digest username="{mallory.user}", realm="{domain}", nonce="0", uri="sip:{domain}", response="00000000000000000000000000000000", algorithm=MD5';

const CHALLENGE = 'Digest realm="{domain}", nonce="0", algorithm=MD5';

/**
 * Ways to make two readers of one message disagree about where it ends or what a line is: headers
 * that are added, the body being one whole message more.
 * @type {[string, string][][]}
 */
export const FRAMINGS = [
  [["X", "y\r\n Content-Length: 0"]],
  [["X", "y\r\n Content-Length: 0"]],
  [["X", "y\r\n Content-Length: 0"]],
  [["X", "y\r\n\tContent-Length: 0"]],
  [["X", "y\r\n l: 0"]],
  [["Content-Length", "0"]],
  [["l", "0"]],
  [["Content-Length ", "0"]],
  [["Content-Length", "\r\n 0"]],
  [["content-length", "+0"]],
  [["Content-Length", "0, 9"]],
  [["X", "y\nContent-Length: 0"]],
  [["X", "y\rContent-Length: 0"]],
  [["X", "y\0\r\nContent-Length: 0"]],
  [["X", "y\r\n\r\n"]],
  [["X", "y\n\n"]],
  [["X", "y\n\r\n"]],
  [["X", "y\r\nFrom: <{alice.aor}>;tag=z"]],
  [["X", "y\nFrom: <{alice.aor}>;tag=z"]],
  [["X", "y\rFrom: <{alice.aor}>;tag=z"]],
  [["X", "y\0From: <{alice.aor}>;tag=z"]],
];

/** What is no SIP, for whatever would listen to it. */
export const FOREIGN = [
  "SET graceline:pwned yes\r\nFLUSHALL\r\n",
  "*3\r\n$3\r\nSET\r\n$5\r\npwned\r\n$3\r\nyes\r\n",
  "GET /RPC HTTP/1.1\r\nHost: {here.public}\r\nContent-Length: 0\r\n\r\n",
  'POST /RPC HTTP/1.1\r\nHost: x\r\nContent-Length: 47\r\n\r\n{"jsonrpc":"2.0","method":"core.kill","id":1}  ',
  "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n",
  "\r\n\r\n\r\n\r\n",
  "PUT sip:x HTTP/1.1\r\nVia: SIP/2.0/TCP 127.0.0.1:{trap}\r\nContent-Length: 0\r\n\r\n",
  "\0\0\0\0",
];
