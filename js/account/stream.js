/** A message holds a list of devices at the most: what is longer is none. */
const MAX_MESSAGE = 1024 * 1024;
/** In ms, after which a connection is dead: the service beats every 25 s. */
const SILENCE = 60_000;
/** Between two attempts, in ms: none, then a second, then twice as long each time. */
const MAX_PAUSE = 30_000;
/** What will not be better later. */
const FINAL =
  /^e(CredentialsRejected|DeviceNotAuthorised|Forbidden|NotFound|InvalidState)$/;

/**
 * @typedef {object} Ends
 * @property {(signal: AbortSignal) => Promise<Response>} open
 * @property {(event: string, data: string) => void} heard
 * @property {() => void} missed it listens again: something may have been missed
 * @property {(error: any) => void} failed it listens no more
 */

/** Server-sent events (WHATWG HTML §9.2) by fetch: EventSource would show the token in a URL. */
export class Stream {
  #ends;
  /** @type {AbortController | undefined} */
  #stopping;

  /** @param {Ends} ends */
  constructor(ends) {
    this.#ends = ends;
  }

  /** Listens from now on. */
  start() {
    if (this.#stopping) return;
    this.#stopping = new AbortController();
    this.#run(this.#stopping.signal);
  }

  stop() {
    this.#stopping?.abort();
  }

  /** @param {AbortSignal} stopped */
  async #run(stopped) {
    let pause = 0;
    for (let again = false; !stopped.aborted; again = true) {
      try {
        await this.#listen(stopped, again, () => (pause = 0));
      } catch (/** @type {any} */ error) {
        if (!stopped.aborted && FINAL.test(error.code)) {
          this.#stopping = undefined;
          return this.#ends.failed(error);
        }
      }
      await wait(pause, stopped);
      pause = Math.min(MAX_PAUSE, Math.max(1000, 2 * pause));
    }
  }

  /**
   * Resolves when the service ends it.
   *
   * @param {AbortSignal} stopped
   * @param {boolean} again
   * @param {() => void} lives
   */
  async #listen(stopped, again, lives) {
    const silent = new AbortController();
    const watch = () => setTimeout(() => silent.abort(), SILENCE);
    let timer = watch();
    try {
      const signal = AbortSignal.any([stopped, silent.signal]);
      const { body } = await this.#ends.open(signal);
      if (again) this.#ends.missed();
      await read(body, (messages) => {
        lives();
        clearTimeout(timer);
        timer = watch();
        for (const { event, data } of messages) this.#ends.heard(event, data);
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * @param {ReadableStream<Uint8Array> | null} body
 * @param {(messages: { event: string, data: string }[]) => void} heard at each sign of life
 */
async function read(body, heard) {
  const decoder = /** @type {any} */ (new TextDecoderStream());
  const reader = body?.pipeThrough(decoder).getReader();
  let text = "";
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { done: true };
    if (done) return;
    // A CR at the end may be half of a line's end.
    text = (text + value).replace(/\r\n|\r(?!$)/g, "\n");
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    if (text.length > MAX_MESSAGE) throw new RangeError("a message too long");
    heard(blocks.map(message).filter(({ data }) => data));
  }
}

/** @param {string} block */
function message(block) {
  const values = (/** @type {string} */ field) =>
    block
      .split("\n")
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1).replace(/^ /, ""));
  return {
    event: values("event").at(-1) ?? "message",
    data: values("data").join("\n"),
  };
}

/**
 * @param {number} pause in ms, more or less: not all come back at once
 * @param {AbortSignal} stopped
 * @returns {Promise<void>}
 */
const wait = (pause, stopped) =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, pause * (0.7 + 0.6 * Math.random()));
    stopped.addEventListener("abort", done);
  });
