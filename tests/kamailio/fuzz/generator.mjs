import {
  ADDRESSES,
  EXTRAS,
  FOREIGN,
  FRAMINGS,
  HOPS,
  METHODS,
  VICTIMS,
  claimed,
  nodeClaim,
  parameters,
  uri,
} from "./values.mjs";

/**
 * One thing that happens: a message that somebody sends, or what others do between.
 * @typedef {object} Step
 * @property {"stranger" | "guest" | "mallory" | "mallet" | "alice"} by
 *   a stranger has no account; a guest proves by digest to be mallory, without a binding; mallory is
 *   registered, mallet too, on the other node. The last two, and alice, who is one of the victims,
 *   also do what is not odd at all: `does`
 * @property {"ws" | "tcp" | "udp" | "frames" | "cluster" | "peer"} [via] of strangers and guests;
 *   `frames`: a WebSocket, frame by frame; `cluster`: TCP to the port that is for the nodes; `peer`:
 *   from the address of a node
 * @property {"here" | "there"} [node]
 * @property {"call mallory" | "write to mallory"} [does] instead of a message
 * @property {string} [start] line
 * @property {[string, string][]} [headers]
 * @property {string} [body]
 * @property {string} [raw] instead of all three
 */

/** @typedef {import("./random.mjs").Random} Random */

/**
 * A few steps that belong together.
 * @param {Random} random
 * @returns {Step[]}
 */
export function makeCase(random) {
  /** @type {[number, (random: Random) => Step[]][]} */
  const kinds = [
    [6, stranger],
    [1, frames],
    [7, user],
    [2, registration],
    [2, guest],
    [3, callee],
    [3, caller],
  ];
  return random.weighted(kinds)(random);
}

/** @param {Random} random */
function stranger(random) {
  const sender = place("stranger", random);
  /** @type {[number, () => Partial<Step>][]} */
  const kinds = [
    [5, () => stray(random)],
    [5, () => request(random.weighted(METHODS), random)],
    [sender.via === "peer" ? 5 : 0, () => asNode(random)],
    [1, () => ({ raw: random.pick(FOREIGN) })],
    [1, () => registering(random)],
  ];
  return several(2, random, () => ({ ...sender, ...random.weighted(kinds)() }));
}

/** @param {Random} random */
const frames = (random) =>
  several(3, random, () => ({
    by: /** @type {const} */ ("stranger"),
    via: /** @type {const} */ ("frames"),
    node: /** @type {const} */ ("here"),
    raw: frame(random),
  }));

/** @param {Random} random */
const user = (random) =>
  several(2, random, () => ({
    by: /** @type {const} */ ("mallory"),
    ...random.weighted([
      [8, () => request(random.weighted(METHODS), random)],
      [1, () => stray(random)],
    ])(),
  }));

/** Odd Contacts are stored: what do those who write to them afterwards reach? @param {Random} random */
const registration = (random) => [
  { by: /** @type {const} */ ("mallory"), ...registering(random) },
  {
    by: /** @type {const} */ ("mallet"),
    does: /** @type {const} */ ("write to mallory"),
  },
];

/** @param {Random} random */
function guest(random) {
  const sender = place("guest", random);
  return several(1, random, () => ({
    ...sender,
    ...random.weighted([
      [5, () => request(random.weighted(METHODS), random)],
      [1, () => registering(random)],
    ])(),
  }));
}

/** A victim calls, and gets odd answers. @param {Random} random */
const callee = (random) => [
  {
    by: /** @type {const} */ ("alice"),
    does: /** @type {const} */ ("call mallory"),
  },
  ...several(3, random, () => ({
    by: /** @type {const} */ ("mallory"),
    ...random.weighted([
      [4, () => answer(random)],
      [1, () => inside("invite", random)],
    ])(),
  })),
];

/** Of two that are in a call with each other, and know what the nodes signed for them. @param {Random} random */
const caller = (random) =>
  several(2, random, () => ({
    by: /** @type {const} */ ("mallory"),
    ...inside("call", random),
  }));

/** A WebSocket's frame (RFC 6455 §5.2), odd in its bits, its length or its text. @param {Random} random */
function frame(random) {
  const text = random.pick(FOREIGN);
  const payload = Buffer.from(random.chance(0.5) ? text : "x".repeat(200));
  const first = random.chance(0.6)
    ? 0x80 | random.pick([0, 1, 2, 8, 9, 10])
    : random.below(256);
  const masked = random.chance(0.8) ? 0x80 : 0;
  const said = random.chance(0.6)
    ? payload.length
    : random.pick([0, 1, 125, 126, 127, 65_535, 65_536, 2 ** 31, 2 ** 48]);
  const head =
    said < 126 && random.chance(0.9)
      ? Buffer.from([first, masked | said])
      : said < 65_536 && random.chance(0.9)
        ? Buffer.from([first, masked | 126, said >> 8, said & 255])
        : Buffer.concat([
            Buffer.from([first, masked | 127]),
            long(random, said),
          ]);
  const mask = Buffer.from([random.below(256), 0, 0, 255]);
  const bytes = payload.map((byte, at) =>
    masked ? byte ^ mask[at % 4] : byte,
  );
  const whole = Buffer.concat([head, masked ? mask : Buffer.alloc(0), bytes]);
  const end = random.chance(0.2) ? random.below(whole.length) : whole.length;
  return whole.subarray(0, end).toString("hex");
}

/** @param {Random} random @param {number} value */
function long(random, value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  if (random.chance(0.3)) bytes[0] = 0xff;
  return bytes;
}

/**
 * @template T
 * @param {number} most
 * @param {Random} random
 * @param {() => T} make
 * @returns {T[]}
 */
const several = (most, random, make) =>
  Array.from({ length: 1 + random.below(most) }, make);

/**
 * @template {Step["by"]} T
 * @param {T} by
 * @param {Random} random
 */
const place = (by, random) => ({
  by,
  via: random.weighted(
    /** @type {[number, Step["via"]][]} */ ([
      [3, "ws"],
      [3, "tcp"],
      [2, "udp"],
      [by === "stranger" ? 1 : 0, "cluster"],
      [by === "stranger" ? 1 : 0, "peer"],
    ]),
  ),
  node: random.pick(/** @type {const} */ (["here", "there"])),
});

// Messages ---------------------------------------------------------------------------------------

/**
 * @param {string} method
 * @param {Random} random
 */
function request(method, random) {
  const target = uri(random);
  const headers = head(method, random, {
    from: random.chance(0.75) ? "<{mallory.aor}>" : claimed(random),
    to: random.chance(0.8) ? `<${target}>` : `<${uri(random)}>`,
  });
  if (method === "NOTIFY" && random.chance(0.7))
    headers.push(["Event", "service-control"]);
  return odd(random, `${method} ${target} SIP/2.0`, headers);
}

/** A request within a dialog, as its sender or as somebody else. @param {"call" | "invite"} dialog @param {Random} random */
function inside(dialog, random) {
  const method = random.weighted(METHODS);
  const target = random.chance(0.3)
    ? `{${dialog}.target}`
    : `sip:x@y.invalid${parameters(random)}`;
  const swapped = random.chance(0.2);
  const [mine, theirs] = swapped ? ["to", "from"] : ["from", "to"];
  const headers = head(method, random, {
    from: `${random.chance(0.7) ? "<{mallory.aor}>" : claimed(random)};tag={${dialog}.${mine}}`,
    to: `<${random.chance(0.5) ? `{${dialog}.aor}` : uri(random)}>;tag={${dialog}.${theirs}}`,
    callId: random.chance(0.95) ? `{${dialog}.id}` : "{new}",
    tagged: true,
  });
  if (random.chance(0.9)) headers.push(["Route", `{${dialog}.route}`]);
  if (method === "NOTIFY")
    headers.push(["Event", random.pick(["refer", "service-control", "talk"])]);
  return odd(random, `${method} ${target} SIP/2.0`, headers);
}

/** @param {Random} random */
function registering(random) {
  const contacts = several(2, random, () =>
    random.weighted([
      [6, () => `<sip:m@y.invalid${parameters(random)}>;expires=60`],
      [2, () => `<sip:m@${random.pick(ADDRESSES)}${parameters(random)}>`],
      [1, () => `sip:m@y.invalid;alias=127.0.0.1~{trap}~2;expires=60`],
      [1, () => `<sip:m@y.invalid>;alias=127.0.0.1~{trap}~2`],
      [1, () => `"a\\" <sip:{alice.user}@y.invalid>;x="b" <${uri(random)}>`],
      [1, () => "<{alice.contact}>"],
      [1, () => "*"],
      [
        1,
        () =>
          '<sip:m@y.invalid>;+u.sip!devicename.ccm.cisco.com="!!";+sip.instance="<urn:uuid:$ci>"',
      ],
    ])(),
  );
  const headers = head("REGISTER", random, {
    from: "<{mallory.aor}>",
    to: random.chance(0.85) ? "<{mallory.aor}>" : claimed(random),
    contact: false,
  });
  for (const contact of contacts) headers.push(["Contact", contact]);
  if (random.chance(0.2))
    headers.push(["Path", `<sip:${random.pick(ADDRESSES)};lr>`]);
  if (random.chance(0.3))
    headers.push(["Expires", random.pick(["0", "60", "x"])]);
  return odd(random, "REGISTER sip:{domain} SIP/2.0", headers);
}

/** As a node would speak to another, without the proof. @param {Random} random */
function asNode(random) {
  const made = request(random.weighted(METHODS), random);
  const claim = nodeClaim(random.pick(HOPS));
  return {
    ...made,
    headers: /** @type {[string, string][]} */ ([
      ["X-Graceline-Node", claim],
      ...made.headers,
    ]),
  };
}

/** A reply to nothing. Its second Via is where a relay of it would go. @param {Random} random */
function stray(random) {
  const method = random.weighted(METHODS);
  const headers = head(method, random, {
    from: random.chance(0.5) ? claimed(random) : "<{alice.aor}>;tag=z",
    to: `<${uri(random)}>;tag=y`,
    vias: 1 + random.below(3),
  });
  return odd(random, statusLine(random), headers);
}

/** A reply to the INVITE that a victim sent. @param {Random} random */
function answer(random) {
  /** @type {[string, string][]} */
  const headers = [
    ["Via", "{invite.via}"],
    ["From", "{invite.From}"],
    ["To", "{invite.To};tag={invite.from}"],
    ["Call-ID", "{invite.id}"],
    ["CSeq", random.chance(0.9) ? "{invite.CSeq}" : "1 MESSAGE"],
  ];
  if (random.chance(0.8)) headers.push(["Record-Route", "{invite.route}"]);
  if (random.chance(0.8))
    headers.push(["Contact", `<sip:m@y.invalid${parameters(random)}>`]);
  if (random.chance(0.2)) headers.splice(1, 0, ["Via", via(random)]);
  return odd(random, statusLine(random), headers);
}

/** @param {Random} random */
const statusLine = (random) =>
  random.pick([
    "SIP/2.0 200 OK",
    "SIP/2.0 200 OK",
    "SIP/2.0 180 Ringing",
    "SIP/2.0 183 Session Progress",
    "SIP/2.0 302 Moved Temporarily",
    "SIP/2.0 401 Unauthorized",
    "SIP/2.0 407 Proxy Authentication Required",
    "SIP/2.0 486 Busy Here",
    "SIP/2.0 603 Decline",
    "SIP/2.0 699 X\rSIP/2.0 200 OK",
    "SIP/2.0 999 X",
    "sip/2.0 200 OK",
  ]);

// Headers ----------------------------------------------------------------------------------------

/**
 * What every message has.
 * @param {string} method
 * @param {Random} random
 * @param {object} says
 * @param {string} says.from
 * @param {string} says.to
 * @param {string} [says.callId]
 * @param {number} [says.vias]
 * @param {boolean} [says.contact]
 * @param {boolean} [says.tagged] whether From has its tag
 * @returns {[string, string][]}
 */
function head(method, random, { from, to, callId, vias, contact, tagged }) {
  const count =
    vias ??
    random.weighted([
      [8, 1],
      [1, 2],
      [1, 3],
    ]);
  /** @type {[string, string][]} */
  const headers = [["Via", "{via}"]];
  while (headers.length < count) headers.push(["Via", via(random)]);
  if (random.chance(0.1) && headers.length > 1)
    headers.splice(0, 2, ["v", `{via}, ${headers[1][1]}`]);
  headers.push(
    [random.chance(0.1) ? "f" : "From", tagged ? from : `${from};tag={tag}`],
    [random.chance(0.1) ? "t" : "To", to],
    ["Call-ID", callId ?? (random.chance(0.97) ? "{new}" : "{call.id}")],
    ["CSeq", `${random.chance(0.95) ? "{cseq}" : "2147483648"} ${method}`],
  );
  if (contact ?? random.chance(0.6))
    headers.push(["Contact", `<sip:m@y.invalid${parameters(random)}>`]);
  return headers;
}

/** @param {Random} random */
function via(random) {
  const transport = random.pick(["TCP", "TCP", "TCP", "UDP", "WS", "TLS"]);
  const address = random.weighted([
    [4, () => "127.0.0.1:{trap}"],
    [3, () => random.pick(["{here.cluster}", "{there.cluster}"])],
    [6, () => random.pick(ADDRESSES)],
  ])();
  const extra = random.pick([
    ...["", "", "", ";rport", ";rport={trap};received=127.0.0.1"],
    ...[";received=127.0.0.1", ";maddr=127.0.0.1", ";i=1", ";alias"],
  ]);
  return `SIP/2.0/${transport} ${address};branch=z9hG4bK{tag}${extra}`;
}

/**
 * Makes a message odd, in some ways or in none.
 * @param {Random} random
 * @param {string} start
 * @param {[string, string][]} headers
 */
function odd(random, start, headers) {
  const list = headers.slice();
  while (random.chance(0.3)) list.push(random.pick(EXTRAS)(random));
  if (random.chance(0.12))
    list.push(["Route", `<sip:${random.pick(ADDRESSES)};transport=tcp;lr>`]);
  if (random.chance(0.06)) list.push(random.pick(list));
  if (random.chance(0.05)) list.push(["From", `${claimed(random)};tag=z`]);
  if (random.chance(0.04)) list.splice(random.below(list.length), 1);
  if (random.chance(0.04)) {
    const at = random.below(list.length);
    list[at] = [list[at][0], list[at][1].replace(/[ ;]/, "\r\n $&")];
  }
  let body = random.chance(0.2) ? "v=0\r\n" : "";
  let trick = /** @type {[string, string][]} */ ([]);
  if (random.chance(0.25)) {
    trick = random.pick(FRAMINGS);
    body = smuggled(random);
  }
  /** @type {[string, string]} */
  const length = [
    "Content-Length",
    random.chance(0.95)
      ? "{length}"
      : random.pick(["0", "9", "99999", "-1", "x"]),
  ];
  if (random.chance(0.5)) list.push(length, ...trick);
  else list.push(...trick, length);
  return { start, headers: list, body };
}

/** A whole message, for whoever takes the body of another for one. @param {Random} random */
function smuggled(random) {
  const victim = random.pick(VICTIMS);
  const method = random.pick(["MESSAGE", "NOTIFY", "INVITE"]);
  return [
    `${method} sip:x@y.invalid;alias={${victim}.alias};connection={${victim}.connection} SIP/2.0`,
    "Via: SIP/2.0/TCP {here.cluster};branch=z9hG4bK{tag}",
    "Max-Forwards: 70",
    `From: ${claimed(random)};tag={tag}`,
    `To: <{${victim}.aor}>`,
    "Call-ID: {new}",
    `CSeq: 1 ${method}`,
    "Event: service-control",
    `X-Graceline-Node: ${nodeClaim(random.pick(HOPS))}`,
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}
