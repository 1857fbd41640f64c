import { FactsRefusal } from "./refusal.js";

const CHANGES = "graceline:account";
/**
 * Who is to be woken: a list, whose entries one copy takes each, and a channel that rings
 * when there is one more; so none is lost while no copy runs. An entry is
 * `{ who, devices?, unheard?, kind, key, from: { uri, displayName }, at, answered? }`.
 */
const WAKES = "graceline:wakes";
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
  // What was taken from the list is lost if its answer is given up: here none is, however late it comes.
  const taking = redis.duplicate({ commandTimeout: undefined });
  taking.on("error", () => {});
  await taking.connect();
  /** @param {string} channel @param {(message: string) => void} listener */
  const hear = (channel, listener) => {
    listening.on("message", (from, message) => {
      if (from === channel) listener(message);
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
    onChange: (listener) =>
      hear(CHANGES, (message) => listener(JSON.parse(message))),
    async onWake(listener) {
      const takeAll = async () => {
        for (let text; (text = await taking.rpop(WAKES));) {
          const { who, devices, unheard, ...news } = JSON.parse(text);
          listener({ who, devices, unheard, news });
        }
      };
      // What is left because Redis went is taken when it is back.
      const take = () => void takeAll().catch(() => {});
      taking.on("ready", take);
      await hear(WAKE, take);
      take();
    },
    onGap: (listener) => void listening.on("close", listener),
    close: async () => {
      listening.disconnect();
      taking.disconnect();
    },
  };
}
