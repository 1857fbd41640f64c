import {
  defineComponent,
  h,
  onMounted,
  onScopeDispose,
  shallowReactive,
  shallowRef,
  toRefs,
  toValue,
  watch,
} from "vue";
import { ringing, sourceOf } from "../frameworks/calls.js";
import {
  IDLE,
  Session,
  current,
  followCurrent,
  keyOf,
  steady,
} from "../frameworks/session.js";
import { CallAudio as Audio } from "../sounds/audio.js";

/** @typedef {import("../index.js").PhoneOptions} PhoneOptions */

/**
 * @param {any} [options]
 * @param {{ register?: boolean }} [how]
 */
export function usePhone(options, { register = true } = {}) {
  /** @type {Session | null} */
  let session = null;
  let unfollow = () => {};
  const state = shallowReactive({ ...IDLE });
  const show = () => void Object.assign(state, session?.view ?? IDLE);
  /** @param {Session | null} next */
  const become = (next) => {
    unfollow();
    session = next;
    unfollow = session?.follow(show) ?? (() => {});
    show();
  };
  // Not on a server, where nothing is mounted.
  onMounted(() => {
    if (options === undefined) {
      const look = () => become(current());
      onDispose(followCurrent(look));
      return look();
    }
    const latest = () => /** @type {PhoneOptions} */ (toValue(options));
    watch(
      () => keyOf(latest()),
      (key) => {
        session?.end();
        become(key ? new Session(steady(latest), register) : null);
      },
      { immediate: true },
    );
    onDispose(() => session?.end());
  });
  /** @type {(() => void)[]} */
  const endings = [];
  const onDispose = (/** @type {() => void} */ end) => void endings.push(end);
  onScopeDispose(() => {
    for (const end of endings) end();
    become(null);
  });
  const { registerPhone, unregisterPhone, ...shown } = toRefs(state);
  return {
    ...shown,
    registerPhone: (/** @type {any} */ login) => registerPhone.value(login),
    unregisterPhone: () => unregisterPhone.value(),
  };
}

/**
 * What a source that may be another one shows.
 *
 * @template T
 * @param {() => import("../frameworks/calls.js").Source<T>} find
 */
function useSource(find) {
  const shown = shallowRef(/** @type {T | null} */ (null));
  watch(
    find,
    ({ read, follow }, _, onCleanup) => {
      const show = () => void (shown.value = read());
      show();
      onCleanup(follow(show));
    },
    { immediate: true },
  );
  return shown;
}

/** @param {any} call */
export const useCall = (call) => useSource(() => sourceOf(toValue(call)));

/** @param {any} [phone] */
export function useIncoming(phone) {
  const { phone: page } = usePhone();
  return useSource(() => ringing(phone ? toValue(phone) : page.value));
}

export const CallAudio = defineComponent({
  name: "CallAudio",
  props: { call: Object, sinkId: String },
  emits: ["blocked", "released"],
  setup(props, { emit }) {
    const element = shallowRef(/** @type {HTMLAudioElement | null} */ (null));
    watch(
      () => [props.call, element.value],
      ([call, element], _, onCleanup) => {
        if (!call || !element) return;
        const audio = new Audio(
          /** @type {import("../index.js").Call} */ (call),
          /** @type {HTMLAudioElement} */ (element),
        );
        audio.on("blocked", () => emit("blocked", audio));
        audio.on("released", () => emit("released"));
        onCleanup(() => audio.detach());
      },
      { flush: "post" },
    );
    watch(
      () => /** @type {const} */ ([props.sinkId, element.value]),
      ([id, element]) => id !== undefined && element?.setSinkId?.(id),
      { flush: "post" },
    );
    return () => h("audio", { ref: element, autoplay: true });
  },
});
