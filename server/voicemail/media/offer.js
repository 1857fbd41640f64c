import { isIP, isIPv6 } from "node:net";
import { STATIC } from "./g711.js";

/**
 * Descriptions of plain RTP, as desk phones write them: an offer of G.711 and its answer
 * (RFC 3264).
 *
 * @typedef {object} Offered
 * @property {string} address of the far end
 * @property {number} port
 * @property {number} type the first of its payload types that is known here
 */

/** @param {string} sdp @returns {string[]} what holds for all of it, then its media */
const parts = (sdp) => sdp.split(/^(?=m=)/m);

/** @param {string} part of one medium */
const line = (part) => part.split(/\r?\n/)[0].slice(2).split(" ");

/**
 * @param {string} sdp
 * @returns {Offered | undefined} undefined: no sound that can be taken
 */
export function readOffer(sdp) {
  const [session, ...media] = parts(sdp);
  for (const part of media) {
    const offered = readMedium(part, session);
    if (offered) return offered;
  }
  return undefined;
}

/** Whether it is one of a browser, with ICE and DTLS. @param {string} sdp */
export const isOfBrowser = (sdp) =>
  /^m=audio \d+ UDP\/TLS\/RTP\/SAVPF? /m.test(sdp);

/**
 * @param {string} part
 * @param {string} session
 * @returns {Offered | undefined}
 */
function readMedium(part, session) {
  const [kind, port, protocol, ...types] = line(part);
  if (kind !== "audio" || !/^RTP\/AVPF?$/.test(protocol)) return undefined;
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) return undefined;
  const type = types.map(Number).find((one) => Object.hasOwn(STATIC, one));
  const connection = /^c=IN IP[46] ([^\s/]+)/m;
  const [, address] = connection.exec(part) ?? connection.exec(session) ?? [];
  if (type === undefined || !address || !isIP(address)) return undefined;
  return { address, port: Number(port), type };
}

/**
 * @param {string} sdp the offer
 * @param {{ address: string, port: number, id: number, version: number }} own
 */
export function writeAnswer(sdp, { address, port, id, version }) {
  const where = `IN ${isIPv6(address) ? "IP6" : "IP4"} ${address}`;
  const [session, ...media] = parts(sdp);
  let isTaken = false;
  const answers = media.flatMap((part) => {
    const [kind, , protocol, ...types] = line(part);
    const offered = isTaken ? undefined : readMedium(part, session);
    if (!offered) return [`m=${[kind, 0, protocol, ...types].join(" ")}`];
    isTaken = true;
    const { type } = offered;
    return [
      `m=audio ${port} ${protocol} ${type}`,
      `a=rtpmap:${type} ${STATIC[type]}/8000`,
      "a=ptime:20",
      `a=${mirrored(part, session)}`,
    ];
  });
  return [
    "v=0",
    `o=- ${id} ${version} ${where}`,
    "s=-",
    `c=${where}`,
    "t=0 0",
    ...answers,
    "",
  ].join("\r\n");
}

/** The direction that answers the one of an offer (RFC 3264 §6.1). @param {string[]} texts */
function mirrored(...texts) {
  const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m;
  const [offered] = texts.flatMap((text) => direction.exec(text)?.[1] ?? []);
  if (offered === "sendonly") return "recvonly";
  return offered === "recvonly" ? "sendonly" : (offered ?? "sendrecv");
}
