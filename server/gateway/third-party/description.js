/** Nobody is there (RFC 3725 §4.2): an address that gets neither RTP nor RTCP. */
const NOWHERE = "0.0.0.0";
/** RFC 863: discard. */
const DISCARD = 9;

/**
 * What a phone says of its media (RFC 8866), made into what another one can be told:
 * the streams in the order that it knows, in a session of its own.
 */
export class Description {
  #session;
  #media;

  /** @param {string | { session: string[], media: string[][] }} from */
  constructor(from) {
    const { session, media } = typeof from === "string" ? parts(from) : from;
    this.#session = session;
    this.#media = media;
  }

  /**
   * As an offer to who has said `before`: what was agreed keeps its place, what is not
   * there any more is refused (RFC 3264 §8).
   *
   * @param {Description | null} before
   */
  within(before) {
    if (!before) return this;
    const left = [...this.#media];
    const media = before.#media.map((section) => inPlaceOf(section, left));
    return this.#with([...media, ...left]);
  }

  /**
   * As the answer to `offer`: a stream for each of its streams (RFC 3264 §6).
   *
   * @param {Description} offer
   */
  answering(offer) {
    const left = this.#media.filter((section) => !isRefused(section));
    return this.#with(offer.#media.map((section) => inPlaceOf(section, left)));
  }

  /** With all streams there, and nothing in them. */
  inactive() {
    const media = this.#media.map(inactive);
    return new Description({
      session: this.#session.filter(isNoDirection),
      media,
    });
  }

  /** The same for a phone that nobody has talked to yet: nobody's address. */
  silence() {
    const { session, media } = this.inactive().#lines();
    const nowhere = (/** @type {string} */ line) =>
      line
        .replace(/^c=IN IP4 .*/, `c=IN IP4 ${NOWHERE}`)
        .replace(/^c=IN IP6 .*/, "c=IN IP6 ::")
        .replace(/^(m=\S+) [1-9]\d*/, `$1 ${DISCARD}`)
        .replace("a=setup:actpass", "a=setup:active");
    const isOfNobody = (/** @type {string} */ line) =>
      /^a=(candidate|rtcp|end-of-candidates)\b(?!-)/.test(line);
    const silent = (/** @type {string[]} */ lines) =>
      lines.filter((line) => !isOfNobody(line)).map(nowhere);
    return new Description({
      session: silent(session),
      media: media.map(silent),
    });
  }

  /** @param {Description} other */
  equals(other) {
    return this.text(0, 0) === other.text(0, 0);
  }

  /**
   * @param {number} id of the session that a phone knows
   * @param {number} version
   */
  text(id, version) {
    const origin = `o=- ${id} ${version} IN IP4 ${NOWHERE}`;
    const session = this.#session.map((line) =>
      line.startsWith("o=") ? origin : line,
    );
    return [...session, ...this.#media.flat(), ""].join("\r\n");
  }

  /** @param {string[][]} media */
  #with(media) {
    const bundled = media.filter((section) => !isRefused(section)).map(mid);
    const bundle = `a=group:BUNDLE ${bundled.join(" ")}`;
    const session = this.#session.map((line) =>
      line.startsWith("a=group:BUNDLE") ? bundle : line,
    );
    return new Description({ session, media });
  }

  #lines() {
    return { session: this.#session, media: this.#media };
  }
}

/** @param {string} sdp */
function parts(sdp) {
  const [session = [], ...media] = sdp
    .split(/^(?=m=)/m)
    .map((part) => part.split(/\r?\n/).filter(Boolean));
  return { session, media };
}

/**
 * What comes in the place of `section`: the first of its kind of those that are `left`,
 * which it is taken out of. Its name is that of the place (RFC 5888 §9.2).
 *
 * @param {string[]} section
 * @param {string[][]} left
 */
function inPlaceOf(section, left) {
  const index = left.findIndex((other) => kind(other) === kind(section));
  if (index < 0) return refused(section);
  const [taken] = left.splice(index, 1);
  const name = mid(section);
  if (!name) return taken;
  return [
    ...taken.filter((line) => !line.startsWith("a=mid:")),
    `a=mid:${name}`,
  ];
}

/** @param {string[]} section */
const mid = (section) =>
  section.find((line) => line.startsWith("a=mid:"))?.slice("a=mid:".length);

/** @param {string[]} section */
const kind = ([first]) => first.split(" ")[0];

/** @param {string[]} section */
const isRefused = ([first]) => /^m=\S+ 0 /.test(first);

/** @param {string[]} section */
const refused = ([first]) => [first.replace(/^(m=\S+) \d+(\/\d+)?/, "$1 0")];

/** @param {string} line */
const isNoDirection = (line) =>
  !/^a=(sendrecv|sendonly|recvonly|inactive)$/.test(line);

/** @param {string[]} section */
const inactive = (section) =>
  isRefused(section)
    ? section
    : [...section.filter(isNoDirection), "a=inactive"];
