import { ofAnother } from "../problem.js";
import { deviceView } from "../views.js";

/**
 * How devices are woken.
 *
 * @param {import("../index.js").Parts} parts
 * @returns {Record<string, import("../http.js").Handler>}
 */
export function pushOperations({ facts, endpoints, push }) {
  /**
   * @param {import("../http.js").Asked} asked
   * @param {object | null} subscription
   */
  const set = async ({ session, params }, subscription) => {
    const { id } = params;
    const args = { id, push: subscription };
    return deviceView(
      await facts("push_set", session.who, args),
      session.device,
    );
  };

  return {
    getPushKey: async () => ({ publicKey: (await push.keys()).publicKey }),

    subscribeToPush: async (asked) => {
      const { session, params, body } = asked;
      const { endpoint, keys } = body;
      // Who could set it for another device would be told who calls that.
      if (session.device && session.device !== params.id) throw ofAnother();
      endpoints.check(endpoint);
      return set(asked, { endpoint, ...keys });
    },

    unsubscribeFromPush: (asked) => set(asked, null),
  };
}

/** Times that one user's devices are woken a minute: more is somebody's prank. */
const MOST = 60;

/**
 * Wakes those devices of a user that sleep: authorised, subscribed, not registered, or not
 * there though they seem to be.
 *
 * @param {Pick<import("../index.js").Parts, "facts" | "push" | "store">} parts
 * @param {import("../facts/facts.js").Wanted} wanted
 */
export async function wake({ facts, push, store }, wanted) {
  const { who, devices: ids, unheard, news } = wanted;
  const key = `wakes of ${who}`;
  if ((await store.counted(key)).count >= MOST) return;
  await store.count(key, 60);
  /** @type {import("../facts/facts.js").Device[]} */
  const devices = await facts("devices", who);
  const asleep = devices.filter(
    (device) =>
      device.state === "authorised" &&
      (!device.registered || unheard?.includes(device.id)) &&
      (!ids || ids.includes(device.id)),
  );
  for (const { id, push: wokenBy } of asleep)
    if (wokenBy) await push.send(who, id, wokenBy, news);
}
