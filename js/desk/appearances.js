import { fault } from "../errors/error.js";
import { Control } from "./control.js";
import { loginFault } from "./faults.js";
import { appearancesOf, uriOf } from "./line.js";

/**
 * Asks the gateway for the appearances of a line: it answers 300 to an INVITE for any
 * device of it, with one Contact each.
 *
 * @param {import("../core/instance.js").Instance} instance
 * @param {import("./mode.js").Way} way
 * @param {string} line
 * @param {{ signal?: AbortSignal, chosen?: string, asking: Set<Control> }} options
 * @returns {Promise<import("../index.js").LineAppearance[]>}
 */
export function askForAppearances(instance, way, line, options) {
  const { signal, chosen, asking } = options;
  return new Promise((resolve, reject) => {
    const { domain, timeout } = way.settings;
    const uri = uriOf(line, "*", domain);
    const control = new Control(instance, way, uri, ({ name, ...event }) => {
      switch (name) {
        case "failed": {
          const { contacts = [] } = control.ended ?? {};
          const found = appearancesOf(contacts, chosen);
          if (found.length) resolve(found);
          else reject(loginFault(event, control.ended));
          return done();
        }
        // It knows nothing of any device.
        case "controlled":
          reject(fault("noAppearances"));
          return done();
        case "broken":
          reject(event.error);
          return done();
      }
    });
    const giveUp = () => {
      reject(fault("aborted", {}, signal?.reason));
      done();
    };
    const done = () => {
      signal?.removeEventListener("abort", giveUp);
      asking.delete(control);
      control.leave();
    };
    asking.add(control);
    if (signal?.aborted) return giveUp();
    signal?.addEventListener("abort", giveUp);
    control.tell("connect", timeout);
  });
}
