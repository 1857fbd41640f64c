/**
 * @typedef {object} Tone
 * @property {number[]} frequencies Hz, together
 * @property {number[]} cadence seconds of sound and of silence in turn, over and over
 */
/** @typedef {import("./index.js").SoundName} SoundName */

/**
 * What networks let callers hear: frequencies, then the cadence. After tables that go back to
 * ITU-T E.180 Supplement 2, and not compared with it: where those name no call waiting or
 * congestion tone (France, the Netherlands) they have a likely one.
 *
 * @type {Record<import("./index.js").Country, Record<Exclude<SoundName, "ring">, string>>}
 */
const COUNTRIES = {
  international: {
    ringback: "425 1 4",
    busy: "425 .5 .5",
    congestion: "425 .25 .25",
    callWaiting: "425 .4 9",
  },
  at: {
    ringback: "420 1 5",
    busy: "420 .4 .4",
    congestion: "420 .2 .2",
    callWaiting: "420 .04 1.95",
  },
  au: {
    ringback: "413+438 .4 .2 .4 2",
    busy: "425 .375 .375",
    congestion: "425 .375 .375",
    callWaiting: "425 .2 .2 .2 4.4",
  },
  ch: {
    ringback: "425 1 4",
    busy: "425 .5 .5",
    congestion: "425 .2 .2",
    callWaiting: "425 .2 .2 .2 4",
  },
  de: {
    ringback: "425 1 4",
    busy: "425 .48 .48",
    congestion: "425 .24 .24",
    callWaiting: "425 .2 .2 .2 5",
  },
  es: {
    ringback: "425 1.5 3",
    busy: "425 .2 .2",
    congestion: "425 .2 .2 .2 .2 .2 .6",
    callWaiting: "425 .175 .175 .175 3.5",
  },
  fi: {
    ringback: "425 1 4",
    busy: "425 .3 .3",
    congestion: "425 .2 .2",
    callWaiting: "425 .15 .15 .15 8",
  },
  fr: {
    ringback: "440 1.5 3.5",
    busy: "440 .5 .5",
    congestion: "440 .25 .25",
    callWaiting: "440 .3 10",
  },
  gb: {
    ringback: "400+450 .4 .2 .4 2",
    busy: "400 .375 .375",
    congestion: "400 .4 .35 .225 .525",
    callWaiting: "400 .1 4",
  },
  it: {
    ringback: "425 1 4",
    busy: "425 .5 .5",
    congestion: "425 .2 .2",
    callWaiting: "425 .2 .6 .2 10",
  },
  nl: {
    ringback: "425 1 4",
    busy: "425 .5 .5",
    congestion: "425 .25 .25",
    callWaiting: "425 .5 9.5",
  },
  no: {
    ringback: "425 1 4",
    busy: "425 .5 .5",
    congestion: "425 .2 .2",
    callWaiting: "425 .2 .6 .2 10",
  },
  se: {
    ringback: "425 1 5",
    busy: "425 .25 .25",
    congestion: "425 .25 .75",
    callWaiting: "425 .2 .5 .2 9.1",
  },
  us: {
    ringback: "440+480 2 4",
    busy: "480+620 .5 .5",
    congestion: "480+620 .25 .25",
    callWaiting: "440 .3 10",
  },
};

/** The bell is no tone of the network, and E.180 says nothing of it: only its cadence is the country's. */
const BELL = [523, 659];

export const countries = Object.keys(COUNTRIES);
export const names = ["ring", ...Object.keys(COUNTRIES.international)];

/**
 * @param {import("./index.js").Country} country
 * @param {SoundName} name
 * @returns {Tone}
 */
export function toneOf(country, name) {
  const tones = COUNTRIES[country];
  const [together, ...cadence] =
    tones[name === "ring" ? "ringback" : name].split(" ");
  const frequencies = name === "ring" ? BELL : together.split("+").map(Number);
  return { frequencies, cadence: cadence.map(Number) };
}

/** Seconds in which a tone comes and goes: what does so at once, clicks. */
const EDGE = 0.005;

/**
 * One round of a tone, to be played in a loop.
 *
 * @param {Tone} tone
 * @param {number} rate samples in a second
 */
export function render({ frequencies, cadence }, rate) {
  const total = cadence.reduce((sum, part) => sum + part, 0);
  const samples = new Float32Array(Math.round(total * rate));
  let begin = 0;
  cadence.forEach((duration, i) => {
    const end = begin + duration;
    const isSound = i % 2 === 0;
    for (let at = Math.ceil(begin * rate); isSound && at < end * rate; at++) {
      const time = at / rate;
      const edge = Math.min(time - begin, end - time, EDGE) / EDGE;
      for (const frequency of frequencies)
        samples[at] +=
          (edge * Math.sin(2 * Math.PI * frequency * time)) /
          frequencies.length;
    }
    begin = end;
  });
  return samples;
}
