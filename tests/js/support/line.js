// A registrar with phones on it, over real WebSockets; all of it ends with the test.

import { Phone } from "graceline";
import { startRegistrar } from "graceline/testing";
import { WebSocket } from "ws";

export const password = "tell-nobody-4711";

/**
 * @param {import("node:test").TestContext} t
 * @param {object} [options] of the registrar
 */
export async function setUp(t, options) {
  const registrar = await startRegistrar({
    users: { 2001: { password }, 2002: { password } },
    domain: "example.test",
    ...options,
  });
  const trace = [];
  registrar.on("trace", (message) => trace.push(message));
  const phones = [];
  t.after(async () => {
    registrar.configure({ faults: {} });
    await Promise.all(phones.map((phone) => phone.close()));
    await registrar.stop();
  });
  return {
    registrar,
    /** What passed the registrar, in order. */
    trace,
    /** The first lines of what it received. */
    requests: (method = "") =>
      trace
        .filter(({ direction }) => direction === "received")
        .map(({ message }) => message.split("\r\n")[0])
        .filter((line) => line.startsWith(method) && !line.startsWith("SIP/")),
    phone(more) {
      const phone = new Phone({
        connections: registrar.url,
        user: "2001",
        domain: "example.test",
        password,
        device: "CSFALICE",
        WebSocket,
        ...more,
      });
      phones.push(phone);
      return phone;
    },
  };
}

/** The next event of that name. */
export const next = (phone, name) =>
  new Promise((resolve) => phone.once(name, resolve));

/** The next status event with that status. */
export const becomes = (phone, wanted) =>
  new Promise((resolve) => {
    const listener = ({ status }) => {
      if (status !== wanted) return;
      phone.off("status", listener);
      resolve(undefined);
    };
    phone.on("status", listener);
  });
