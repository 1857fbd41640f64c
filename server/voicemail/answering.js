import { tone } from "./media/player.js";
import { Tape } from "./media/tape.js";
import { RATE } from "./media/g711.js";

/** After it what is said counts. */
const BEEP = tone(1_000, 0.4);

/** Who dialled by mistake leaves no message, in samples. */
const SHORTEST = RATE;

/**
 * What `answer` is given instead of a microphone: the phone hands it on to the call's media
 * (see AnsweringMedia).
 */
class Line {
  /** @type {Promise<import("./media/handler.js").AnsweringMedia>} */
  media;
  /** @type {(media: import("./media/handler.js").AnsweringMedia) => void} */
  attach = () => {};

  constructor() {
    this.media = new Promise((resolve) => (this.attach = resolve));
  }

  getTracks() {
    return [];
  }
}

/**
 * Takes a call: greeting, tone, and then what the caller says, until one of the two ends it.
 *
 * @param {import("../../js/index.js").Call} call
 * @param {{ greeting: Int16Array, seconds: number }} settings
 * @returns {Promise<{ samples: Int16Array, at: number } | undefined>} undefined: nothing was
 *   said
 */
export async function answer(call, { greeting, seconds }) {
  const over = new AbortController();
  const ended = new Promise((resolve) =>
    call.once("ended", () => {
      over.abort();
      resolve(undefined);
    }),
  );
  const line = new Line();
  await call.answer({ stream: /** @type {any} */ (line), video: false });
  const media = await line.media;
  await media.play(greeting, over.signal);
  await media.play(BEEP, over.signal);
  if (over.signal.aborted) return undefined;
  const at = Date.now();
  const tape = new Tape(seconds);
  // A caller who is silent sends nothing: the time ends it all the same.
  const limit = setTimeout(() => call.hangup(), seconds * 1000);
  media.listen((packet) => {
    tape.add(packet);
    if (tape.isFull) call.hangup();
  });
  await ended;
  clearTimeout(limit);
  const { samples } = tape;
  return samples.length < SHORTEST ? undefined : { samples, at };
}

/**
 * Whose message it is to be: who sent the call here last, as the server has written it
 * (RFC 5806; the latest is on top).
 *
 * @param {import("../../js/index.js").Call} call
 * @returns {{ user: string, domain: string } | undefined}
 */
export function divertedBy({ headers }) {
  const [, value = ""] =
    headers.find(([name]) => name.toLowerCase() === "diversion") ?? [];
  const [, user, domain] =
    /<sips?:([^@;>]+)@([^;>:]+)(?:[;:][^>]*)?>/i.exec(value) ?? [];
  if (!domain) return undefined;
  try {
    return { user: decodeURIComponent(user), domain: domain.toLowerCase() };
  } catch {
    return undefined;
  }
}
