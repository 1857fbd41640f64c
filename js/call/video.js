// Pictures switched on and off within a call. Loaded when that is asked for first.

import { fault, learn } from "../errors/error.js";
import { media as catalogue } from "../errors/media.js";

learn(catalogue);

/**
 * @param {import("./media.js").CallMedia} media
 * @param {boolean | MediaTrackConstraints} video
 * @param {() => Promise<void>} offer
 * @param {() => boolean} isHeld
 */
export async function setVideo(media, video, offer, isHeld) {
  await media.do("setVideo", video);
  media.answer = "";
  try {
    await offer();
  } catch (error) {
    await media.handler?.rollback();
    throw error;
  }
  const { answer } = media;
  if (!(video && answer) || takesPictures(answer, isHeld())) return;
  await media.do("setVideo", false);
  throw fault("noPictures");
}

/**
 * Whether an answer has room for our pictures: an open section (RFC 3264 §6) into
 * which we may send, unless nobody may because of a hold.
 *
 * @param {string} answer
 * @param {boolean} held
 */
const takesPictures = (answer, held) =>
  answer
    .split(/^(?=m=)/m)
    .some(
      (section) =>
        /^m=video (?!0 )/.test(section) &&
        (held || !/^a=(sendonly|inactive)/m.test(section)),
    );
