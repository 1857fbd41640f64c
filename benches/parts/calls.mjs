// From call() to the first packet of the far end's audio: pages in Chromium, both ends of one
// library, one Kamailio. The far end answers at once. Then the same with a STUN server that does not
// answer, as behind a firewall.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { World } from "../../tests/real-calls/support/world.mjs";
import { interleave } from "../lib/rounds.mjs";

const [rounds, roundsWithout] = process.argv.slice(2).map(Number);
/** @type {import("../../tests/real-calls/support/pages.mjs").Stack[]} */
const stacks = ["graceline", "jssip", "sipjs"];
const names = ["Graceline", "JsSIP", "SIP.js"];

const silent = createSocket("udp4").bind(0, "127.0.0.1");
await once(silent, "listening");
const deaf = [{ urls: `stun:127.0.0.1:${silent.address().port}` }];

try {
  console.log(
    JSON.stringify({
      figures: await measure(rounds, []),
      withoutStun: await measure(roundsWithout, deaf),
    }),
  );
} finally {
  silent.close();
}

/**
 * @param {number} rounds
 * @param {RTCIceServer[]} iceServers
 */
async function measure(rounds, iceServers) {
  const world = await World.start(...stacks);
  try {
    /** @type {Record<string, () => Promise<number>>} */
    const contestants = {};
    for (const [index, stack] of stacks.entries()) {
      const [caller, callee] = await Promise.all(
        [2001, 2002].map((user) =>
          world.user(stack, `${user + 2 * index}`, { iceServers }),
        ),
      );
      await callee.do.answerAll();
      contestants[names[index]] = async () => {
        const call = await caller.do.call(callee.uri);
        const milliseconds = await caller.do.firstAudio(call);
        await caller.do.event(call, "connected");
        await caller.do.hangup(call);
        await caller.do.event(call, "ended");
        await callee.do.event((await callee.do.count()) - 1, "ended");
        return milliseconds;
      };
    }
    return await interleave(rounds, contestants);
  } finally {
    await world.stop();
  }
}
