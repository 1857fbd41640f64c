// The driver sip: with the test registrar and phones in Node.

import { fakeMedia } from "graceline/testing";
import { open } from "../../../server/gateway/drivers/sip.js";
import { next, setUp } from "./line.js";

/** Of the driver's account: what it holds must not end an address. */
export const PASSWORD = "s%cret:@/";
const USERS = {
  cti: { password: PASSWORD },
  controller: { password: PASSWORD },
  ...Object.fromEntries(
    ["2001", "2002", "2003", "page"].map((user) => [
      user,
      { password: "secret" },
    ]),
  ),
};

/** A driver, a desk phone 2001 and others, which answer when they are told to. */
export async function start(t, { registrar: server = {}, ...options } = {}) {
  // Before the registrar goes.
  t.after(() => link?.driver.close());
  let link;
  const { registrar, phone } = await setUp(t, { users: USERS, ...server });
  const phones = {};
  for (const user of ["2001", "2002", "2003"])
    phones[user] = await sipPhone(phone, user);
  link = new Link(registrar, options);
  await link.greeted;
  await link.ask("monitor");
  return { registrar, phone, phones, link, desk: phones["2001"] };
}

async function sipPhone(phone, user) {
  const watchers = new Set();
  const agreed = () => [...watchers].forEach((watch) => watch());
  const fake = fakeMedia();
  const media = (context) => telling(fake(context), agreed);
  const one = phone({ user, device: user, password: "secret", media });
  await one.registerPhone();
  /** Who is heard, by the descriptions in force. */
  const heard = () =>
    fake.made
      .filter((each) => each.receives())
      .map((each) => party(each.remoteDescription));
  const self = {
    phone: one,
    get calls() {
      return one.calls;
    },
    /** The next call that rings. */
    ring: async () => (await next(one, "incoming")).call,
    owns: (name) =>
      fake.made.some((each) => party(each.localDescription) === name),
    /** Resolves when it hears these phones and nobody else. */
    hears: (...others) =>
      new Promise((resolve) => {
        const look = () => {
          const now = heard();
          if (now.length !== others.length) return;
          if (!others.every((other, i) => other.owns(now[i]))) return;
          watchers.delete(look);
          resolve(undefined);
        };
        watchers.add(look);
        look();
      }),
  };
  return self;
}

/** A media handler that tells when something was agreed on. */
function telling(handler, agreed) {
  for (const step of ["createAnswer", "applyAnswer", "close"]) {
    const act = handler[step].bind(handler);
    handler[step] = async (...args) => {
      const result = await act(...args);
      agreed();
      return result;
    };
  }
  return handler;
}

const party = (sdp) => /^a=ice-ufrag:(\S+)/m.exec(sdp ?? "")?.[1];

/** The gateway's end of the driver. */
class Link {
  views = [];
  /** What was told of the device last. */
  device;
  #waiting = new Map();
  #watchers = new Set();
  #count = 0;

  constructor(registrar, { password = PASSWORD, headers, from = "line" } = {}) {
    const secret = encodeURIComponent(password);
    const address = `sip:controller:${secret}@example.test?server=${registrar.url}&from=${from}`;
    this.lost = new Promise((resolve) => (this.lose = resolve));
    let greet;
    this.greeted = new Promise((resolve) => (greet = resolve));
    this.driver = open(new URL(address), {
      lines: {
        2001: [{ device: "SEP01", headers }],
      },
      receive: (message) => {
        if ("hello" in message) return greet(message);
        if ("id" in message) {
          this.#waiting.get(message.id)(message.error ?? message.result);
          return;
        }
        if (message.device) this.device = message.device;
        else this.views.push(message.call);
        for (const watcher of [...this.#watchers]) watcher();
      },
      closed: (reason) => this.lose(reason),
    });
  }

  ask(service, members = {}, [line, device] = ["2001", "SEP01"]) {
    const id = ++this.#count;
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.driver.send({ id, service, line, device, ...members });
    return answer;
  }

  /** The view of a call, or of any, in a state, when it comes. */
  until(call, state) {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.views.find(
          (view) => [view.id, undefined].includes(call) && view.state === state,
        );
        if (!found) return;
        this.#watchers.delete(look);
        resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Resolves once the device is there, or is not. */
  inService(wanted) {
    return new Promise((resolve) => {
      const look = () => {
        if (this.device?.inService !== wanted) return;
        this.#watchers.delete(look);
        resolve(undefined);
      };
      this.#watchers.add(look);
      look();
    });
  }

  states(call) {
    return this.views.filter(({ id }) => id === call).map(({ state }) => state);
  }
}

/** A call of the desk phone to `to`, answered by both. */
export async function talk({ link, desk, phones }, to = "2002") {
  const [atDesk, atFar] = [desk.ring(), phones[to].ring()];
  const { call } = await link.ask("makeCall", { to });
  await (await atDesk).answer();
  const far = await atFar;
  await far.answer();
  await link.until(call, "connected");
  return { call, far, own: await atDesk };
}

/** A consultation with 2003, which answers. */
export async function consult({ link, phones }, call) {
  const atThird = phones["2003"].ring();
  const { call: second } = await link.ask("consultationCall", {
    call,
    to: "2003",
  });
  const third = await atThird;
  await third.answer();
  await link.until(second, "connected");
  return { second, third };
}

export const hearing = (one, other) =>
  Promise.all([one.hears(other), other.hears(one)]);
export const silent = (...phones) =>
  Promise.all(phones.map((phone) => phone.hears()));
export const over = (call) =>
  call.state === "ended"
    ? call
    : new Promise((done) => call.once("ended", done));
