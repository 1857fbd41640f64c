/** What must hold, whatever anybody sends. */

/**
 * @typedef {object} Violation
 * @property {string} kind
 * @property {string} text
 */

/** @typedef {import("./world.mjs").World} World */

const VICTIMS = /** @type {const} */ (["alice", "bob", "carol"]);

/**
 * Victims keep their connections and their rights, and are reached.
 * @param {{ name: string, closed?: boolean, status?: number, heard?: boolean }[]} beats
 * @returns {Violation[]}
 */
export function judgeServed(beats) {
  return beats.flatMap(({ name, closed, status, heard }) => {
    if (closed) return [{ kind: "closed", text: `${name}'s connection` }];
    if (status !== 200)
      return [{ kind: "rights", text: `${name} writes and gets ${status}` }];
    return heard ? [] : [{ kind: "unheard", text: `what ${name} wrote` }];
  });
}

/**
 * Victims hear nothing that its sender had no right to say to them.
 * @param {World} world
 * @param {Set<string>} calls Call-IDs of a victim's calls with mallory
 * @param {boolean} byUser whether mallory sent anything, or strangers alone
 * @returns {Violation[]}
 */
export function judgeHeard(world, calls, byUser) {
  /** @type {Violation[]} */
  const violations = [];
  for (const name of VICTIMS) {
    const { received, transcript, socket } = world.clients[name];
    const say = (/** @type {string} */ kind, /** @type {string} */ text) =>
      violations.push({ kind, text: `${name} heard\n${text}` });
    for (const message of received) {
      if (isReply(message.text)) continue;
      if (message.header("Call-ID").startsWith("beat-")) continue;
      if (!byUser) say("stranger heard", message.text);
      else if (!isAckToRefusal(message, received))
        judgeRequest(world, message, calls, say);
    }
    const own = sent(transcript);
    for (const { direction, text } of transcript.entries) {
      if (direction !== "received" || !isReply(text)) continue;
      const id = /^(?:call-id|i)[ \t]*:[ \t]*(.*)$/im.exec(text)?.[1].trim();
      if (world.calls.has(id ?? "")) judgeReply(world, text, say);
      else if (!own.has(id ?? "")) say("reply out of nowhere", text);
    }
    if (socket.rest?.length > 0) say("rest", `${socket.rest}`);
  }
  for (const name of /** @type {const} */ (["mallory", "mallet"])) {
    for (const { text } of world.clients[name].received)
      if (/^(?:proxy-)?authorization[ \t]*:[^]*0123456789abcdef/im.test(text))
        violations.push({
          kind: "credentials passed",
          text: `${name} heard\n${text}`,
        });
  }
  return violations;
}

/** The version is not sensitive to case (RFC 3261 §7.1). @param {string} text */
const isReply = (text) => /^SIP\/2\.0 /i.test(text);

/** Call-IDs that a client used itself. @param {import("../../interop/support/transcript.mjs").Transcript} transcript */
function sent(transcript) {
  const ids = new Set();
  for (const { direction, text } of transcript.entries)
    if (direction === "sent")
      ids.add(/^Call-ID: (.*)$/m.exec(text)?.[1].trim());
  return ids;
}

/**
 * What speaks for the network, or takes the receiver's will: mallory's word for it is worth nothing.
 */
const NETWORK =
  /^(?:p-asserted-identity|p-preferred-identity|remote-party-id|diversion|alert-info|call-info|identity|y|(?:www|proxy)-authenticate|service-route|x-graceline-[a-z-]+)[ \t]*:/im;

/**
 * @param {World} world
 * @param {import("../../interop/support/sip-message.mjs").SipMessage} message
 * @param {Set<string>} calls
 * @param {(kind: string, text: string) => void} say
 */
function judgeRequest(world, { method, text }, calls, say) {
  const { mallory } = world.clients;
  const [head] = text.split("\r\n\r\n");
  for (const from of readings(head, "from|f"))
    if (!isUser(from, mallory)) return say("forged identity", text);
  if (method === "NOTIFY") return say("NOTIFY from a user", text);
  const to = readings(head, "to|t").some((value) => /;\s*tag\s*=/i.test(value));
  const [id] = readings(head, "call-id|i");
  if (to && !calls.has(id)) return say("in no dialog of theirs", text);
  judgeNetwork(head, mallory, say, text);
  if (/^(?:proxy-)?authorization[ \t]*:/im.test(head))
    say("credentials passed", text);
  if (isAmbiguous(text)) say("ambiguous", text);
}

/**
 * Victims refuse all calls, and hear the ACK to that.
 * @param {import("../../interop/support/sip-message.mjs").SipMessage} message
 * @param {import("../../interop/support/sip-message.mjs").SipMessage[]} received
 */
const isAckToRefusal = ({ method, branch }, received) =>
  method === "ACK" &&
  received.some((one) => one.method === "INVITE" && one.branch === branch);

/** @param {World} world @param {string} text @param {(kind: string, text: string) => void} say */
function judgeReply(world, text, say) {
  const [head] = text.split("\r\n\r\n");
  if (/^SIP\/2\.0 40[17] /i.test(text)) return say("challenge passed", text);
  judgeNetwork(head, world.clients.mallory, say, text);
  if (isAmbiguous(text)) say("ambiguous", text);
}

/**
 * @param {string} head
 * @param {import("../../interop/support/sip-client.mjs").SipClient} user who may be asserted
 * @param {(kind: string, text: string) => void} say
 * @param {string} text
 */
function judgeNetwork(head, user, say, text) {
  const rest = lines(head).filter((line) => {
    const asserted = /^p-asserted-identity[ \t]*:(.*)$/i.exec(line);
    return !asserted || !isUser(asserted[1], user);
  });
  const line = rest.find((one) => NETWORK.test(one));
  if (line) say("speaks for the network", text);
}

/** Lines as the most lenient of readers would take them. @param {string} head */
const lines = (head) => head.split(/\r\n|\r|\n|\0/);

/**
 * All values that somebody might read of a header.
 * @param {string} head
 * @param {string} names
 */
const readings = (head, names) =>
  lines(head).flatMap((line) => {
    const value = new RegExp(`^[ \\t]*(?:${names})[ \\t]*:(.*)$`, "i").exec(
      line,
    );
    return value ? [value[1].trim()] : [];
  });

/**
 * Whether a From names this user, and nobody else, in every reading.
 * @param {string} value
 * @param {import("../../interop/support/sip-client.mjs").SipClient} user
 */
function isUser(value, { user, domain }) {
  const bare = value.replace(/"(?:[^"\\]|\\.)*"/g, "");
  const uris = bare.match(/sips?:[^\s<>,;?]+/gi) ?? [];
  return (
    uris.length === 1 &&
    unescape(uris[0])
      .replace(/^sips?:/i, "")
      .toLowerCase() === `${user}@${domain}`
  );
}

/** @param {string} text */
const unescape = (text) =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** Whether two parsers could see different messages. @param {string} text */
function isAmbiguous(text) {
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end);
  const lengths = readings(head, "content-length|l");
  const size = Buffer.byteLength(text.slice(end + 4));
  return (
    end < 0 ||
    /\r(?!\n)|(?<!\r)\n|\0|\n[ \t]/.test(head) ||
    lengths.length > 1 ||
    lengths.some((length) => length !== `${size}`)
  );
}

/**
 * The log has no secrets, and nothing in it says that a node is in trouble.
 * @param {World} world
 * @returns {Violation[]}
 */
export function judgeLog(world) {
  const text = world.readLog();
  const violations = [];
  const secret =
    world.secrets.find((one) => text.includes(one)) ??
    /response="(?!0{32})[0-9a-f]{32,64}"/.exec(text)?.[0];
  if (secret) violations.push({ kind: "secret in the log", text });
  if (
    /segfault|core dumped|signal 11|CRITICAL:|BUG:|no more (?:shared|private|pkg|shm)/i.test(
      text,
    )
  )
    violations.push({ kind: "trouble in the log", text });
  return violations;
}

/**
 * Redis has what the victims registered, and nothing that is not theirs or mallory's.
 * @param {World} world
 * @param {Record<string, string>} before what the victims had
 * @returns {Promise<Violation[]>}
 */
export async function judgeBindings(world, before) {
  const violations = [];
  const keys = await world.cluster.redis.command(["--raw", "KEYS", "*"]);
  for (const key of keys.split("\n").filter(Boolean)) {
    const aor = /^graceline:(?:[a-z-]+:)?(.*@.*)$/.exec(
      key.replace(/^(graceline:)messages:(.*):[^:]*$/, "$1$2"),
    )?.[1];
    const known = aor
      ? world.accounts.includes(aor)
      : key.startsWith("graceline:");
    if (!known) violations.push({ kind: "a key in Redis", text: key });
  }
  const now = await bound(world);
  for (const [name, text] of Object.entries(before))
    if (now[name] !== text)
      violations.push({
        kind: "bindings",
        text: `${name}: ${text}\n${now[name]}`,
      });
  return violations;
}

/** Where the victims are, as Redis has it. @param {World} world */
export async function bound(world) {
  /** @type {Record<string, string>} */
  const all = {};
  for (const name of VICTIMS) {
    const list = await world.bindings(name);
    all[name] = JSON.stringify(
      list.map(({ uri, flow, node, call_id }) => [uri, flow, node, call_id]),
    );
  }
  return all;
}
