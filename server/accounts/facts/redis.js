import { FactsRefusal } from "./refusal.js";

const CHANGES = "graceline:account";
/** `{ who, devices?, kind, key, from: { uri, displayName }, at }` */
const WAKE = "graceline:wake";

/**
 * The facts in Redis, behind the functions of deploy/kamailio/policy.
 *
 * @param {import("ioredis").Redis} redis
 * @returns {Promise<import("./facts.js").Facts>}
 */
export async function redisFacts(redis) {
  // A connection that listens can do nothing else.
  const listening = redis.duplicate();
  // The other one tells what is wrong.
  listening.on("error", () => {});
  await listening.connect();
  /** @param {string} channel @param {(told: any) => void} listener */
  const hear = (channel, listener) => {
    listening.on("message", (from, message) => {
      if (from === channel) listener(JSON.parse(message));
    });
    return listening.subscribe(channel);
  };
  return {
    async call(verb, who, args = {}) {
      const reply = await redis.fcall(
        `graceline_account_${verb}`,
        1,
        `graceline:account:${who}`,
        JSON.stringify(args),
      );
      const { ok, refused, ...details } = JSON.parse(`${reply}`);
      if (refused) throw new FactsRefusal(refused, details);
      return ok;
    },
    onChange: (listener) => hear(CHANGES, listener),
    onWake: (listener) =>
      hear(WAKE, ({ who, devices, ...news }) =>
        listener({ who, devices, news }),
      ),
    onGap: (listener) => void listening.on("close", listener),
    close: async () => listening.disconnect(),
  };
}
