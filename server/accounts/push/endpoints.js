import { lookup } from "node:dns";
import { BlockList, isIP } from "node:net";
import { isLoopback } from "../../../js/phone/options.js";
import { invalid } from "../problem.js";

/** The push services of the browsers. */
export const BROWSERS = [
  "fcm.googleapis.com",
  "*.push.services.mozilla.com",
  "*.notify.windows.com",
  "*.push.apple.com",
];

/** Addresses that are not of the public internet (IANA's special-purpose registries). */
const inside = new BlockList();
for (const [net, prefix] of /** @type {[string, number][]} */ ([
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
]))
  inside.addSubnet(net, prefix, "ipv4");
/** Of IPv6 the one block that is given out, without what leads elsewhere inside of it. */
const outside6 = new BlockList();
outside6.addSubnet("2000::", 3, "ipv6");
for (const [net, prefix] of /** @type {[string, number][]} */ ([
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
]))
  inside.addSubnet(net, prefix, "ipv6");

/** @param {string} address */
export function isPublic(address) {
  const version = isIP(address);
  if (version === 4) return !inside.check(address, "ipv4");
  return (
    version === 6 &&
    outside6.check(address, "ipv6") &&
    !inside.check(address, "ipv6")
  );
}

/**
 * Where pushes may go: endpoints are written by clients, and this service is inside the
 * operator's network. An entry is a host, `*.` before it for those below, which is reached
 * by https at a public address; or an origin, which is taken as it is.
 */
export class Endpoints {
  #hosts;
  #loopback;

  /**
   * @param {string[]} hosts
   * @param {boolean} loopback whether any loopback one is taken, too
   */
  constructor(hosts, loopback) {
    this.#hosts = hosts;
    this.#loopback = loopback;
  }

  /** @param {string} endpoint throws what is wrong with it */
  check(endpoint) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (!url || url.username || url.password || url.hash || !this.#has(url))
      throw invalid(
        "/endpoint",
        "must be of a push service that the administrator allows (--push-hosts)",
      );
  }

  /** @param {URL} url */
  #has(url) {
    return this.#isTrusted(url) || this.#isListed(url);
  }

  /** @param {URL} url */
  #isTrusted({ origin, hostname }) {
    if (this.#hosts.includes(origin)) return true;
    return this.#loopback && isLoopback(hostname);
  }

  /** @param {URL} url */
  #isListed({ protocol, port, hostname }) {
    if (protocol !== "https:" || port || isIP(hostname)) return false;
    return this.#hosts.some((host) =>
      host.startsWith("*.")
        ? hostname.endsWith(host.slice(1))
        : hostname === host,
    );
  }

  /**
   * How the name in an endpoint becomes an address, for `request` of node:http: only to
   * public ones, checked on what is connected to, so that a name that changes its mind in
   * between leads nowhere.
   *
   * @param {string} endpoint
   * @returns {import("node:net").LookupFunction | undefined}
   */
  lookupFor(endpoint) {
    if (this.#isTrusted(new URL(endpoint))) return undefined;
    return (hostname, options, done) =>
      lookup(hostname, { ...options, all: true }, (error, found) => {
        const addresses = found?.filter(({ address }) => isPublic(address));
        if (error || !addresses.length)
          return done(error ?? new Error("it has no public address"), "");
        if (options.all) return done(null, addresses);
        return done(null, addresses[0].address, addresses[0].family);
      });
  }
}
