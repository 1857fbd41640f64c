/**
 * What a page of the call tests does, whichever SIP stack it holds: the tests command it through
 * `globalThis.driver`, with JSON in and out, and see its calls by number, in the order in which
 * they began. Also kept: what passed on the WebSocket, to be printed when a test fails.
 */

import { hearKeys } from "./tones.js";

/**
 * A call of some stack. Where a method is missing, the stack cannot do it.
 * @typedef {object} StackCall
 * @property {() => unknown} answer
 * @property {(status: number) => unknown} reject
 * @property {(target: string) => unknown} deflect while it rings (Graceline)
 * @property {() => unknown} hangup
 * @property {() => unknown} hold resolves when the far end agreed
 * @property {() => unknown} resume
 * @property {(tones: string) => unknown} dtmf
 * @property {(target: string) => unknown} transfer resolves when the transfer has succeeded
 * @property {(other: StackCall) => unknown} transferTo
 * @property {() => unknown} restartIce resolves when the far end agreed
 * @property {() => Promise<RTCStatsReport>} stats
 */

/**
 * A logged-in user.
 * @typedef {object} Line
 * @property {(target: string) => void} call reports the call like an incoming one
 * @property {any[]} [offers] calls of the page load before that could be taken up again
 * @property {(offer: number) => void} [takeUp] reports the call that does
 * @property {() => string[]} [statuses] what the phone has been, in order (Graceline)
 * @property {() => string | undefined} [deskState] of the desk phone that it drives (Graceline)
 * @property {() => readonly any[]} [elsewhere] calls of the user's other devices (Graceline)
 * @property {() => { new: number } | null} [voicemail] what waits for the user (Graceline)
 * @property {(id: string) => void} [pickUp] reports the call that takes one over (Graceline)
 */

/** @typedef {{ url: string | string[], user: string, domain: string, password: string, iceServers?: RTCIceServer[], replaces?: boolean, force?: boolean, desk?: object, device?: string, instanceId?: string, watches?: boolean }} Account */

/** Packets that prove speech: half a second of it. */
const ENOUGH_PACKETS = 25;
/**
 * How long a key is held down. A browser that the machine gives no time drops what it should
 * have played meanwhile, so that of a tone of the usual 100 ms nothing may be left.
 */
export const KEY_MS = 400;
/** Energy (squares of the amplitude, times seconds) below which a second is silence. */
const SILENCE = 1e-3;
const PROBE_MS = 50;
/** Between two looks for a gap in the audio, which comes every 20 ms. */
const GAP_PROBE_MS = 20;
/** What is no gap yet: the machine was busy. */
const GAP_MS = 300;

/** @type {Entry[]} */
const calls = [];
/** @type {Set<() => void>} */
const watchers = new Set();
/** @type {string[]} */
const wire = [];
/** WebSockets that the page has closed. */
let closings = 0;
/** @type {Line | undefined} */
let line;
let began = performance.now();
let answering = false;

/** One call and what was heard of it. */
class Entry {
  events = [];
  /** Keys whose tones were heard, while listening. @type {Set<string>} */
  keys = new Set();
  /** @type {MediaStream | undefined} */
  stream;

  /**
   * @param {StackCall} call
   * @param {"incoming" | "outgoing"} direction
   */
  constructor(call, direction) {
    this.call = call;
    this.direction = direction;
  }

  /**
   * @param {"ringing" | "connected" | "held" | "resumed" | "dtmf" | "error" | "ended"} name
   * @param {object} [details] plain data
   */
  report(name, details = {}) {
    const at = performance.now() - began;
    this.events.push({ name, at, ...details });
    note(`call ${calls.indexOf(this)}: ${name} ${JSON.stringify(details)}`);
    if (name === "ended") this.ended?.(JSON.stringify(details));
    for (const watcher of [...watchers]) watcher();
  }

  /**
   * Plays the far end's audio: Chromium counts the energy of what is played alone.
   * @param {MediaStream} stream
   */
  play(stream) {
    this.stream = stream;
    const element = document.createElement("audio");
    element.srcObject = stream;
    element.autoplay = true;
    document.body.append(element);
  }

  /** Resolves when it listens for the tones of keys. */
  async listen() {
    this.keys.clear();
    this.deafen?.();
    this.deafen = await hearKeys(this.stream, (key) => {
      if (this.keys.has(key)) return;
      this.keys.add(key);
      note(`call ${calls.indexOf(this)}: heard the key ${key}`);
      for (const watcher of [...watchers]) watcher();
    });
  }
}

/**
 * Makes the page ready for commands.
 * @param {(account: Account, begin: typeof beginCall) => Promise<Line>} connect logs in
 */
export function serve(connect) {
  Object.assign(globalThis, {
    driver: {
      ...commands,
      /** @param {Account} account */
      async register(account) {
        line = await connect(account, beginCall);
      },
    },
  });
}

/**
 * To be called by the stack for each call, when it begins.
 * @param {StackCall} call
 * @param {"incoming" | "outgoing"} direction
 */
function beginCall(call, direction) {
  const entry = new Entry(call, direction);
  calls.push(entry);
  note(`call ${calls.length - 1}: ${direction}`);
  // Only then has the stack told its page of the call.
  if (answering && direction === "incoming")
    queueMicrotask(() => call.answer());
  for (const watcher of [...watchers]) watcher();
  return entry;
}

const commands = {
  /**
   * Starts a call and gives its number.
   * @param {string} target
   */
  call(target) {
    began = performance.now();
    line.call(target);
    return calls.length - 1;
  },

  /** How many calls of the page load before could be taken up again. */
  offers: () => line.offers.length,

  /**
   * Takes one of them up again and gives the number of the new call.
   * @param {number} offer
   */
  takeUp(offer) {
    began = performance.now();
    line.takeUp(offer);
    return calls.length - 1;
  },

  /**
   * Resolves with the calls of the user's other devices, when they are in these states.
   * @param {string[]} states
   */
  elsewhere: (states) =>
    until(`calls elsewhere: ${states}`, () => {
      const list = line.elsewhere();
      const are = `${list.map(({ state }) => state)}` === `${states}`;
      return are ? list : undefined;
    }),

  /**
   * Resolves when so many new messages wait for the user.
   * @param {number} fresh
   */
  voicemail: (fresh) =>
    until(`${fresh} new messages`, () =>
      line.voicemail()?.new === fresh ? fresh : undefined,
    ),

  /**
   * Takes over the call that another device of the user has, and gives its number here.
   * @param {string} id
   */
  pickUp(id) {
    line.pickUp(id);
    return calls.length - 1;
  },

  /** From now on takes every incoming call as soon as it comes. */
  answerAll() {
    answering = true;
  },

  /** How many calls there have been. */
  count: () => calls.length,

  /**
   * Resolves with the number of the next call, from a number on.
   * @param {number} from
   * @param {"incoming" | "outgoing"} direction
   */
  next: (from, direction) =>
    until(`an ${direction} call`, () => {
      const index = calls.findIndex(
        (entry, index) => index >= from && entry.direction === direction,
      );
      return index < 0 ? undefined : index;
    }),

  answer: (call) => act(call, "answer"),
  reject: (call, status) => act(call, "reject", status),
  deflect: (call, target) => act(call, "deflect", target),
  hangup: (call) => act(call, "hangup"),
  hold: (call) => act(call, "hold"),
  resume: (call) => act(call, "resume"),
  dtmf: (call, tones) => act(call, "dtmf", tones),
  transfer: (call, target) => act(call, "transfer", target),
  transferTo: (call, other) => act(call, "transferTo", calls[other].call),
  restartIce: (call) => act(call, "restartIce"),

  /**
   * Resolves with an event of a call, past or to come.
   * @param {number} call
   * @param {string} name
   * @param {number} [nth] from 1
   * @param {number} [milliseconds]
   */
  event: (call, name, nth = 1, milliseconds = undefined) =>
    until(
      `event ${nth} "${name}" of call ${call}`,
      () => calls[call].events.filter((event) => event.name === name)[nth - 1],
      milliseconds,
    ),

  /** @param {number} call */
  events: (call) => calls[call].events,

  /**
   * Resolves once enough audio that is not silence has come and gone since this was called.
   * @param {number} call
   */
  async talks(call) {
    const before = await measure(call);
    const deadline = performance.now() + 10_000;
    for (;;) {
      const now = await measure(call);
      const grown = difference(before, now);
      if (
        grown.received >= ENOUGH_PACKETS &&
        grown.sent >= ENOUGH_PACKETS &&
        grown.energy >= SILENCE
      )
        return grown;
      if (performance.now() > deadline)
        throw new Error(
          `no audio both ways within 10 s: ${JSON.stringify(grown)}`,
        );
      await passing(PROBE_MS);
    }
  },

  /**
   * Resolves once a call has received its first packet of audio, with the time since `call` (or
   * since the page was loaded), in milliseconds.
   * @param {number} call
   */
  async firstAudio(call) {
    const deadline = performance.now() + 60_000;
    for (;;) {
      if (calls[call].events.some(({ name }) => name === "ended"))
        throw new Error("the call has ended");
      const { received } = await measure(call).catch(() => ({ received: 0 }));
      if (received > 0) return performance.now() - began;
      if (performance.now() > deadline) throw new Error("no audio in 60 s");
      await passing(1);
    }
  },

  /**
   * Resolves once so much of what is said has gone, in seconds: a packet has 20 ms of it.
   * @param {number} call
   * @param {number} seconds
   */
  async says(call, seconds) {
    const deadline = performance.now() + 20_000;
    while (
      (await measure(call).catch(() => ({ sent: 0 }))).sent <
      50 * seconds
    ) {
      if (performance.now() > deadline)
        throw new Error(`${seconds} s were not said within 20 s`);
      await passing(PROBE_MS);
    }
  },

  /**
   * Resolves once next to nothing has arrived for a second: no packets, or, where they are to come,
   * no sound in them. That is longer than the pause between two beeps of Chromium's microphone.
   * @param {number} call
   * @param {"packets" | "sound"} what
   */
  async quiet(call, what) {
    let grown;
    for (let second = 0; second < 5; second += 1) {
      const before = await measure(call);
      await passing(1000);
      grown = difference(before, await measure(call));
      if (what === "packets" ? grown.received === 0 : grown.energy < SILENCE)
        return;
    }
    throw new Error(`not quiet within 5 s: ${JSON.stringify(grown)}`);
  },

  /**
   * Resolves once a call's media have looked for a new path since they had these credentials.
   * @param {number} call
   * @param {string} ufrag
   */
  async restarted(call, ufrag) {
    const deadline = performance.now() + 20_000;
    while ((await measure(call)).ufrag === ufrag) {
      if (performance.now() > deadline)
        throw new Error("no restart of ICE within 20 s");
      await passing(PROBE_MS);
    }
  },

  /**
   * Resolves with the longest span of milliseconds in which no audio arrived, once it has arrived
   * again for half a second after one that counts, or nothing happened for a time; with null if no
   * audio arrives at the end of that time, or the call ended.
   * @param {number} call
   * @param {number} milliseconds
   */
  async gap(call, milliseconds) {
    const deadline = performance.now() + milliseconds;
    let received = -1;
    let since = performance.now();
    let longest = 0;
    let flowing = 0;
    for (;;) {
      if (calls[call].events.some(({ name }) => name === "ended")) return null;
      const now = performance.now();
      const grown = (await measure(call)).received;
      if (grown !== received) {
        const gap = now - since;
        if (gap > GAP_MS) flowing = now;
        longest = Math.max(longest, gap);
        [received, since] = [grown, now];
        if (longest > GAP_MS && now - flowing > 500) return Math.round(longest);
      }
      if (now > deadline)
        return now - since > GAP_MS ? null : Math.round(longest);
      await passing(GAP_PROBE_MS);
    }
  },

  /** What the phone has been until now. */
  statuses: () => line.statuses(),

  /** Resolves when the phone is registered. */
  ready: () =>
    until(
      "a registration",
      () => line.statuses().at(-1) === "eReady" || undefined,
      40_000,
    ),

  /**
   * Resolves when the desk phone that the page drives is in a state.
   * @param {string} state
   */
  desk: (state) =>
    until(`the desk phone: ${state}`, () =>
      line.deskState() === state ? true : undefined,
    ),

  /** Resolves when one more WebSocket of the page is closed, or given up. */
  closed() {
    const known = closings;
    return until(
      "a closed WebSocket",
      () => closings > known || undefined,
      20_000,
    );
  },

  /**
   * What comes and goes within a span of time.
   * @param {number} call
   * @param {number} milliseconds
   */
  async observe(call, milliseconds) {
    const before = await measure(call);
    await passing(milliseconds);
    return difference(before, await measure(call));
  },

  /**
   * Totals of a call's media, and the credentials of its ICE session.
   * @param {number} call
   */
  measure,

  /**
   * Begins to listen for the tones of keys in what a call plays.
   * @param {number} call
   */
  async listen(call) {
    await calls[call].listen();
  },

  /**
   * Resolves once a key has been heard since `listen`.
   * @param {number} call
   * @param {string} key
   */
  async heard(call, key) {
    await until(`the tone of the key ${key}`, () =>
      calls[call].keys.has(key) ? true : undefined,
    );
    calls[call].deafen();
  },

  /** What passed on the WebSocket, and what happened to the calls. */
  wire: () => wire,
};

/** What only a living call can do. */
const inCall = ["hold", "resume", "restartIce"];

/**
 * @param {number} call
 * @param {keyof StackCall} action
 * @param {any[]} args
 */
async function act(call, action, ...args) {
  note(`call ${call}: ${action}()`);
  const entry = calls[call];
  const work = Promise.resolve(entry.call[action](...args));
  if (!inCall.includes(action)) return void (await work);
  const ended = new Promise((_, reject) => {
    entry.ended = (why) => reject(new Error(`the call has ended: ${why}`));
  });
  await Promise.race([work, ended]);
}

/** @param {number} call */
async function measure(call) {
  const totals = { sent: 0, received: 0, energy: 0, ufrag: "" };
  for (const entry of (await calls[call].call.stats()).values()) {
    if (entry.type === "outbound-rtp" && entry.kind === "audio")
      totals.sent += entry.packetsSent;
    if (entry.type === "inbound-rtp" && entry.kind === "audio") {
      totals.received += entry.packetsReceived;
      totals.energy += entry.totalAudioEnergy ?? 0;
    }
    if (entry.type === "local-candidate")
      totals.ufrag = entry.usernameFragment ?? "";
    if (entry.type === "transport")
      totals.ufrag = entry.iceLocalUsernameFragment ?? totals.ufrag;
  }
  return totals;
}

const difference = (before, now) => ({
  sent: now.sent - before.sent,
  received: now.received - before.received,
  energy: now.energy - before.energy,
});

/**
 * @template T
 * @param {string} what
 * @param {() => T | undefined} probe tried after every event
 * @param {number} [milliseconds]
 * @returns {Promise<T>}
 */
function until(what, probe, milliseconds = 10_000) {
  return new Promise((resolve, reject) => {
    const attempt = () => {
      const value = probe();
      if (value === undefined) return;
      finish();
      resolve(value);
    };
    const finish = () => {
      clearTimeout(timer);
      watchers.delete(attempt);
    };
    const timer = setTimeout(() => {
      finish();
      reject(new Error(`waited ${milliseconds} ms for ${what}`));
    }, milliseconds);
    watchers.add(attempt);
    attempt();
  });
}

const passing = (milliseconds) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Writes down what a test that fails should show, and lets whoever waits look.
 * @param {string} text
 */
export function note(text) {
  wire.push(`[${Math.round(performance.now())}] ${text}`);
  for (const watcher of [...watchers]) watcher();
}

/** Before a stack is loaded: every WebSocket of the page writes down what passes. */
const Native = globalThis.WebSocket;
globalThis.WebSocket = class extends Native {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({ data }) => note(`<-- ${data}`));
    this.addEventListener("close", ({ code }) => note(`closed: ${code}`));
  }

  send(data) {
    note(`--> ${data}`);
    super.send(data);
  }

  close(...args) {
    closings += 1;
    for (const watcher of [...watchers]) watcher();
    super.close(...args);
  }
};
