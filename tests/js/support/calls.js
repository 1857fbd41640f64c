// A phone with calls on a fake core, and what a core says of them.

import { beforeEach } from "node:test";
import { fakeMedia } from "graceline/testing";
import { Phone } from "../../../js/phone/phone.js";
import {
  FakeCore,
  FakeSocket,
  event,
  granted,
  options,
  turn,
  useFakeCore,
} from "./fake-core.js";

/** @type {ReturnType<typeof fakeMedia>} */
export let media;

/** Each test begins with media of its own and no core. */
export const useFakeCalls = () =>
  beforeEach(() => {
    useFakeCore();
    media = fakeMedia();
  });

/** A registered phone, its core, and a server that makes the core say things. */
export async function ready(more) {
  const phone = new Phone({ ...options, media, ...more });
  const registering = phone.registerPhone();
  await turn();
  const core = FakeCore.made.at(-1);
  const [socket] = FakeSocket.made.slice(-1);
  const say = async (...events) => {
    socket.say(...events.map(([name, more]) => event(name, more)));
    await turn();
  };
  socket.open();
  socket.say(...granted(core.given("register")[0][0]));
  await registering;
  return { phone, core, say };
}

/** Everything a call tells, in order. */
export function listen(call) {
  const heard = [];
  const names = [
    ...["state", "connected", "ended", "track", "transfer", "info"],
    ...["callInfo", "error"],
  ];
  for (const name of names)
    call.on(name, (payload) =>
      heard.push(name === "state" ? payload.state : name),
    );
  return heard;
}

export const outgoing = (call, more) => ({ call, request: 1, ...more });
export const connected = (call) => ["callState", { call, state: "connected" }];
export const ended = (call, cause, more) => [
  "callEnded",
  { call, cause, ...more },
];
export const incoming = (call, more) => [
  "incoming",
  {
    call,
    from: { uri: "sip:2002@example.com", displayName: "Bob" },
    to: "sip:2001@example.com",
    headers: [["X-Ticket", "7"]],
    ...more,
  },
];

/** A connected outgoing call. */
export async function talking(more) {
  const all = await ready(more);
  const call = all.phone.call("2002");
  await turn();
  await all.say(
    ["media", outgoing(call.id, { want: "offer", initial: true })],
    connected(call.id),
  );
  return { ...all, call };
}

export const OFFER = "v=0\r\nm=audio 9 X 0\r\na=sendrecv\r\na=ice-ufrag:x\r\n";
