import { randomBytes } from "node:crypto";
import { embeddedDirectory } from "../../server/accounts/directory/embedded.js";
import { embeddedFacts } from "../../server/accounts/facts/embedded.js";
import { startService } from "../../server/accounts/index.js";
import { DEFAULTS, checks } from "../../server/accounts/options.js";
import { MemoryStore } from "../../server/accounts/store/memory.js";
import { checked } from "../phone/options.js";
import { Registrar, refuseWeak, settingsOf } from "./registrar.js";

/** The push services of phones, by their names at IANA (RFC 8599 §13). */
const MOBILE = ["apns", "fcm"];

/** @param {import("./index.js").AccountsOptions} options */
export async function startAccounts(options) {
  const given = checked(
    options,
    {
      registrar: (value) =>
        !(value instanceof Registrar) && "must be one of startRegistrar",
      ...checks,
    },
    options?.log,
    ["registrar"],
  );
  const { registrar, limits, sharedSlot, ...rest } = given;
  const { devices = "on", users, pushServices } = settingsOf(registrar);
  if (rest.host) refuseWeak(rest.host, users);
  registrar.configure({
    devices,
    ...(sharedSlot && { sharedSlot }),
    pushServices: pushServices ?? ["webpush", ...(rest.pushHook ? MOBILE : [])],
  });
  const adminToken = rest.adminToken ?? randomBytes(32).toString("base64url");
  const service = await startService(
    {
      ...DEFAULTS,
      pushLoopback: !rest.pushHosts,
      ...rest,
      adminToken,
    },
    {
      facts: embeddedFacts(registrar),
      directory: embeddedDirectory(registrar, limits),
      store: new MemoryStore(),
      isReachable: () => true,
    },
  );
  return Object.assign(service, { adminToken });
}
