// A screen in the place of the camera. Loaded when that is asked for first.

import { fault, learn } from "../errors/error.js";
import { media } from "../errors/media.js";

learn(media);

/** @typedef {import("../index.js").Call} Call */

/** What ends the screen of a call. @type {WeakMap<object, () => Promise<void>>} */
const shown = new WeakMap();

/**
 * @param {Call} call
 * @param {DisplayMediaStreamOptions | false} [options]
 */
export async function shareScreen(call, options) {
  if (!options && options !== undefined) return shown.get(call)?.();
  if (!call.startTime || !call.here || call.state === "ended")
    throw fault("callState", { state: call.state });
  const [screen] = (await choose(options)).getVideoTracks();
  await shown.get(call)?.();
  const [camera] = call.localStream?.getVideoTracks() ?? [];
  // The call stops what it has opened itself, once something else takes its place.
  const kept = camera?.clone();
  const leave = () => {
    screen.onended = null;
    shown.delete(call);
    call.off("ended", over);
    screen.stop();
  };
  const over = () => {
    leave();
    kept?.stop();
  };
  const end = async () => {
    leave();
    if (!kept) return call.setVideo(false);
    await call.replaceTrack(kept);
    call.once("ended", () => kept.stop());
  };
  try {
    await call.replaceTrack(screen);
    if (!camera) await call.setVideo(true);
  } catch (error) {
    over();
    throw error;
  }
  call.on("ended", over);
  shown.set(call, end);
  // By the browser's own button.
  screen.onended = () => void end().catch(() => {});
}

/** @param {DisplayMediaStreamOptions} [options] */
async function choose(options) {
  try {
    return await navigator.mediaDevices.getDisplayMedia({
      video: true,
      ...options,
    });
  } catch (cause) {
    throw fault("noScreen", {}, cause);
  }
}
