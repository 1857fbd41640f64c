/**
 * Graceline in Vue 3. `vue` is yours; nothing else is needed.
 *
 * ```vue
 * <script setup>
 * import { CallAudio, useIncoming, usePhone } from "graceline/vue";
 * const { status, refused, registerPhone, calls } = usePhone({
 *   connections: "wss://sip.example.com/", user: "2001", domain: "example.com", password,
 * });
 * const ringing = useIncoming();
 * </script>
 * <template>
 *   <p>{{ status }}</p>
 *   <button v-if="refused" @click="registerPhone({ forceRegistration: true })">Log in here</button>
 *   <button v-if="ringing" @click="ringing.answer()">Answer {{ ringing.remote.uri }}</button>
 *   <CallAudio v-for="call in calls" :key="call.id" :call="call" />
 * </template>
 * ```
 */
import type { DefineComponent, MaybeRefOrGetter, Ref, ShallowRef } from "vue";
import type { Call, Phone, PhoneOptions } from "../index.js";
import type { CallAudio as AttachedAudio } from "../sounds/index.js";
import type { CallView, PhoneView } from "../frameworks/views.js";

export type { CallView, PhoneView };

/** What is shown of a phone, each as a ref, and what can be done with its login. */
export type PhoneRefs = {
  readonly [Name in Exclude<keyof PhoneView, Actions>]: Readonly<
    Ref<PhoneView[Name]>
  >;
} & Pick<PhoneView, Actions>;

type Actions = "registerPhone" | "unregisterPhone";

/**
 * The phone of a component: made and logged in when that is mounted, closed when it is not.
 * On a server nothing is done.
 *
 * @param options another phone takes the place of this one where they say something else.
 *   Null: no phone, as long as nobody has given a password, say. Left out: the phone that
 *   another component has made.
 * @param how `register: false`: it is not logged in by itself
 */
export function usePhone(
  options?: MaybeRefOrGetter<PhoneOptions | null>,
  how?: { register?: boolean },
): PhoneRefs;

/** A call as it is now; null where there is none. */
export function useCall(
  call: MaybeRefOrGetter<Call | null | undefined>,
): Readonly<ShallowRef<CallView | null>>;

/**
 * The call that rings here, the oldest of several, or null.
 *
 * @param phone default: the one that `usePhone` has made in this page
 */
export function useIncoming(
  phone?: MaybeRefOrGetter<Phone | null>,
): Readonly<ShallowRef<Call | null>>;

/**
 * The sound of a call: an `<audio>`. Emits `blocked` where the browser plays nothing before
 * the user does something on the page, after which it begins by itself, and then `released`;
 * `audio.release()` is for a button that says so.
 */
export const CallAudio: DefineComponent<{
  /** Whose far end is heard. */
  call?: Call | null;
  /** The output device, where the browser lets choose. */
  sinkId?: string;
  onBlocked?: (audio: AttachedAudio) => void;
  onReleased?: () => void;
}>;
