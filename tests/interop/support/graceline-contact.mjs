import { createHash, randomBytes, randomUUID } from "node:crypto";

/**
 * A Contact as the generic profile writes it, with the claim in its user part.
 */
export class GracelineContact {
  /**
   * @param {object} options
   * @param {string} [options.user]
   * @param {string} [options.domain]
   * @param {string} [options.device]
   * @param {string} [options.instanceId] `urn:uuid:…`
   * @param {string} [options.load] load token, 8 hex digits
   * @param {number} [options.claim] seconds
   * @param {boolean} [options.forced]
   */
  constructor({
    user = "2001",
    domain = "example.test",
    device = "CSFALICE",
    instanceId = `urn:uuid:${randomUUID()}`,
    load = randomBytes(4).toString("hex"),
    claim = 0x6920_0000,
    forced = false,
  } = {}) {
    const time = claim.toString(16).padStart(10, "0");
    this.device = device;
    this.instanceId = instanceId;
    this.userPart = `g1-${deviceTag(user, domain, device)}-${tag("instance", user, domain, instanceId)}-${load}-${time}${forced ? "f" : "u"}`;
    this.uri = `sip:${this.userPart}@${randomBytes(6).toString("hex")}.invalid;transport=ws`;
  }

  /** To register it. */
  get binding() {
    return `<${this.uri}>;+sip.instance="<${this.instanceId}>";+u.sip!devicename.ccm.cisco.com="${this.device}"`;
  }

  /** To remove it, by its bare URI. */
  get removal() {
    return `<${this.uri}>;expires=0`;
  }
}

/**
 * The tag by which every client of a device recognises the others.
 * @param {string} user
 * @param {string} domain
 * @param {string} device
 */
export const deviceTag = (user, domain, device) =>
  tag("device", user, domain, device);

/**
 * @param {string} kind
 * @param {string} user
 * @param {string} domain
 * @param {string} value
 */
function tag(kind, user, domain, value) {
  const aor = `${user}@${domain}`.toLowerCase();
  return createHash("sha256")
    .update(`${kind}\n${aor}\n${value}`)
    .digest("hex")
    .slice(0, 12);
}
