import {
  createElement,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { NONE, ringing, sourceOf } from "../frameworks/calls.js";
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
/** @typedef {import("../index.js").Call} Call */

const nothing = () => null;

/**
 * @param {PhoneOptions | null} [options]
 * @param {{ register?: boolean }} [how]
 */
export function usePhone(options, { register = true } = {}) {
  const page = useSyncExternalStore(followCurrent, current, nothing);
  const [own, setOwn] = useState(/** @type {Session | null} */ (null));
  const latest = useRef(options);
  useEffect(() => void (latest.current = options));
  const key = keyOf(options);
  useEffect(() => {
    if (!key) return;
    const given = () => /** @type {PhoneOptions} */ (latest.current);
    const session = new Session(steady(given), register);
    setOwn(session);
    return () => {
      session.end();
      setOwn(null);
    };
  }, [key, register]);
  const session = options === undefined ? page : own;
  return useSyncExternalStore(
    session?.follow ?? NONE.follow,
    () => session?.view ?? IDLE,
    () => IDLE,
  );
}

/** @param {Call | null} [call] */
export function useCall(call) {
  const { follow, read } = sourceOf(call);
  return useSyncExternalStore(follow, read, nothing);
}

/** @param {import("../index.js").Phone | null} [phone] */
export function useIncoming(phone) {
  const page = usePhone().phone;
  const its = phone === undefined ? page : phone;
  const { follow, read } = useMemo(() => ringing(its), [its]);
  return useSyncExternalStore(follow, read, nothing);
}

/** @param {import("./index.js").CallAudioProps} props */
export function CallAudio({ call, sinkId, onBlocked, onReleased, ...rest }) {
  const element = useRef(/** @type {HTMLAudioElement | null} */ (null));
  const told = useRef({ onBlocked, onReleased });
  useEffect(() => void (told.current = { onBlocked, onReleased }));
  useEffect(() => {
    if (!call || !element.current) return;
    const audio = new Audio(call, element.current);
    const tell = () => audio.blocked && told.current.onBlocked?.(audio);
    tell();
    audio.on("blocked", tell);
    audio.on("released", () => told.current.onReleased?.());
    return () => audio.detach();
  }, [call]);
  useEffect(() => {
    if (sinkId !== undefined) element.current?.setSinkId?.(sinkId);
  }, [sinkId]);
  return createElement("audio", { autoPlay: true, ...rest, ref: element });
}
