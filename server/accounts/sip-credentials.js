import { hashHex, randomId, randomToken } from "./secrets.js";

const SECONDS = 60 * 60;
/** For good: the end of the last year of four digits. */
const NEVER = Date.UTC(9999, 11, 31);

/**
 * Digest name and password of a device, of which the SIP server keeps the hashes alone
 * (RFC 7616 §3.4.2).
 *
 * @param {import("./facts/facts.js").Facts["call"]} facts
 * @param {{ who: string, realm: string }} account
 * @param {string} device id
 * @param {number | null} [seconds] null: as long as there is the device
 */
export async function makeCredentials(
  facts,
  { who, realm },
  device,
  seconds = SECONDS,
) {
  const username = `device-${randomId()}`;
  const password = randomToken();
  const text = `${username}:${realm}:${password}`;
  await facts("credential_set", who, {
    name: username,
    device,
    ha1: hashHex("md5", text),
    ha1_sha256: hashHex("sha256", text),
    until: seconds === null ? NEVER : Date.now() + seconds * 1000,
  });
  return { username, password, realm, expiresIn: seconds };
}
