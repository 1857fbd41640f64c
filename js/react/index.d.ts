/**
 * Graceline in React 18 and newer. `react` is yours; nothing else is needed.
 *
 * ```jsx
 * import { CallAudio, useCall, useIncoming, usePhone } from "graceline/react";
 *
 * function Softphone({ password }) {
 *   const { status, refused, registerPhone, calls } = usePhone({
 *     connections: "wss://sip.example.com/", user: "2001", domain: "example.com", password,
 *   });
 *   const ringing = useIncoming();
 *   if (refused)
 *     return <button onClick={() => registerPhone({ forceRegistration: true })}>Log in here</button>;
 *   return <>
 *     <p>{status}</p>
 *     {ringing && <button onClick={() => ringing.answer()}>Answer {ringing.remote.uri}</button>}
 *     {calls.map((call) => <CallAudio key={call.id} call={call} />)}
 *   </>;
 * }
 * ```
 */
import type { AudioHTMLAttributes, ReactElement } from "react";
import type { CallView, PhoneView } from "../frameworks/views.js";
import type { Call, Phone, PhoneOptions } from "../index.js";
import type { CallAudio as AttachedAudio } from "../sounds/index.js";

export type { CallView, PhoneView };

/**
 * The phone of a component: made and logged in when that is mounted, closed when it is not.
 * Under `StrictMode` it registers once. On a server nothing is done.
 *
 * @param options another phone takes the place of this one where they say something else;
 *   functions among them may be new ones at each render. Null: no phone, as long as nobody
 *   has given a password, say. Left out: the phone that another component has made.
 * @param how `register: false`: it is not logged in by itself
 */
export function usePhone(
  options?: PhoneOptions | null,
  how?: { register?: boolean },
): PhoneView;

/** A call as it is now; null where there is none. */
export function useCall(call: Call): CallView;
export function useCall(call: Call | null | undefined): CallView | null;

/**
 * The call that rings here, the oldest of several, or null.
 *
 * @param phone default: the one that `usePhone` has made in this page
 */
export function useIncoming(phone?: Phone | null): Call | null;

export interface CallAudioProps extends AudioHTMLAttributes<HTMLAudioElement> {
  /** Whose far end is heard. */
  call: Call | null | undefined;
  /** The output device, of `navigator.mediaDevices.enumerateDevices()`, where the browser lets choose. */
  sinkId?: string;
  /**
   * The browser plays nothing before the user does something on the page. It begins by
   * itself with the next click or key; `audio.release()` is for a button that says so.
   */
  onBlocked?: (audio: AttachedAudio) => void;
  /** It is heard after all. */
  onReleased?: () => void;
}

/** The sound of a call: an `<audio>`. */
export function CallAudio(props: CallAudioProps): ReactElement;
