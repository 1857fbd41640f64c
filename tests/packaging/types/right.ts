// The package as people use it: every line of this must compile.

import { Account } from "graceline/account";
import {
  Phone,
  PhoneError,
  type Call,
  type MediaHandlerFactory,
  type Registration,
  type TerminationReason,
} from "graceline";
import { init as initSlim, Phone as SlimPhone } from "graceline/slim";
import { Phone as InlinePhone } from "graceline/inline";
import { fakeMedia, startRegistrar } from "graceline/testing";
import attach from "graceline/jquery";

/** All that there are. */
const why: Record<TerminationReason, string> = {
  takenOver: "by force",
  refused: "not renewed",
  rivalReturned: "back again",
  sameBrowser: "another tab",
};

export async function logIn(
  confirm: (text: string) => boolean,
): Promise<Registration | undefined> {
  const phone = new Phone({
    connections: ["wss://one.example.com/", "wss://two.example.com/"],
    user: "2001",
    domain: "example.com",
    credentials: async ({ scheme, realm }) =>
      scheme === "bearer" ? { token: realm } : { password: "secret" },
    device: "CSFALICE",
    profile: "auto",
    trustAssertedIdentity: true,
    conflictScope: "device",
    registrationType: "graceful",
    expires: 120,
    storage: null,
    log: ({ level, message }) => console[level](message),
  });

  phone
    .on("status", ({ status, ready, registration }) =>
      console.log(status.length, ready && registration?.expires),
    )
    .once("eConnectionTerminated", ({ reason, message, by }) =>
      console.log(why[reason], message.trim(), by?.userAgent?.trim()),
    );
  phone.addEventListener("eDeviceAlreadyRegistered", (event) =>
    console.log(event.detail.device, event.device, event.elsewhere?.since),
  );
  phone.on("error", (error) => console.log(error.code, error.status));

  const { signal } = new AbortController();
  try {
    return await phone.registerPhone({ signal });
  } catch (error) {
    if (!PhoneError.is(error, "eDeviceAlreadyRegistered")) throw error;
    const code: "eDeviceAlreadyRegistered" = error.code;
    if (!confirm(`${code}: log in here?`)) return undefined;
    return phone.registerPhone({ forceRegistration: true });
  } finally {
    const done: Promise<void> = phone.unregisterPhone();
    await done;
    await phone.close();
  }
}

export async function others(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await initSlim(bytes);
  const options = {
    connections: "wss://sip.example.com/",
    user: "2001",
    domain: "example.com",
    password: "secret",
  };
  const phones: Phone[] = [new SlimPhone(options), new InlinePhone(options)];
  for (const phone of phones) await phone.close();
}

export async function test(): Promise<void> {
  const registrar = await startRegistrar({
    policy: "normal",
    dialect: "kamailio",
    users: { "2001": { password: "secret" } },
    domain: "example.test",
    tellOusted: ["service-control", "reg-event", "close", "refresh"],
  });
  const url: string = registrar.url;
  for (const { device, instanceId, expires } of registrar.bindings("2001"))
    console.log(url, device, instanceId, expires);
  await registrar.stop();
}

export async function talk(phone: Phone, stream: MediaStream): Promise<void> {
  const { signal } = new AbortController();
  const call: Call = phone.call("2002", {
    audio: { deviceId: "headset" },
    video: false,
    stream,
    signal,
    extraHeaders: { "X-Ticket": "7" },
    followRedirects: "none",
  });
  call
    .on("remote", ({ remote }) => console.log(remote.uri))
    .on("redirect", ({ uri, followed }) => followed || phone.call(uri))
    .on("state", ({ state, heldBy, early }) =>
      console.log(state, heldBy, early),
    )
    .once("connected", ({ startTime }) => console.log(startTime.getTime()))
    .once("ended", ({ cause, status, reason }) =>
      console.log(cause === "answeredElsewhere", status?.toFixed(), reason),
    );
  call.addEventListener("track", ({ track, detail }) =>
    console.log(track.kind, detail.stream.id),
  );
  call.on("error", ({ code }) => console.log(code));
  await call.hold();
  await call.resume();
  await call.mute("audio");
  await call.sendDtmf("12#", { duration: 100 });
  await call.setDevice("audio", "other");
  const stats: RTCStatsReport = await call.getStats();
  console.log(stats.size, call.remote.displayName, call.startTime?.getTime());
  const [first, second] = phone.calls;
  if (first && second) await first.transfer(second);
  await call.transfer("2003");

  phone.on("incoming", async ({ call }) => {
    if (call.replaces || call.remote.uri.startsWith("sip:"))
      await call.answer();
    else await call.reject(603);
  });
  phone.on("transferred", ({ from, call }) => console.log(from.id, call.id));
  phone.on("message", ({ from, body }) => console.log(from.uri, body));
  await phone.message("2002", "hello");
}

/** The desk phone of the same person. */
export async function desk(): Promise<string | null> {
  const phone = new Phone({
    connections: "wss://sip.example.com/",
    user: "2001",
    domain: "example.com",
    remoteControl: { gateway: "sip:cti@example.com", line: "2001" },
  });
  const [first] = await phone.lineAppearances();
  const { mode, line } = await phone.switchMode("DeskPhone", {
    device: first?.device,
  });
  await phone.registerPhone({ mode: "SoftPhone", forceRegistration: true });
  phone.on("desk", ({ state, reason }) => console.log(state, reason));
  phone.on("call", async ({ call }) => {
    if (call.media === "deskPhone") await call.deflect("2003");
    const [other] = phone.calls;
    if (other) await call.conference(other);
  });
  await phone.desk?.setForwarding({ type: "busy", active: true, to: "2003" });
  console.log(mode, line, phone.desk?.features.has("MakeCall"));
  return phone.mode === "DeskPhone" ? (phone.desk?.state ?? null) : null;
}

/** A handler of another host. */
export const media: MediaHandlerFactory = ({ emit, direction }) => ({
  createOffer: async ({ hold }) => `${direction} ${hold}`,
  createAnswer: async (offer) => offer,
  applyAnswer: async () => emit.renegotiate({ iceRestart: true }),
  rollback: async () => {},
  close: () => {},
  localStream: null,
  remoteStream: null,
});

export async function devices(phone: Phone): Promise<string[]> {
  const account =
    phone.account ??
    new Account({ url: "https://a.example.com", user: "2001", domain: "b" });
  account.on("ringsOn", (ids) => console.log(ids === "auto" ? "" : ids[0]));
  phone.on("eDeviceNotAuthorised", ({ message }) => console.log(message));
  return (await account.devices()).map(({ name }) => name);
}

export function fake(): Phone {
  const media = fakeMedia({ dtmf: false, fail: (step) => step === "open" });
  const sends: boolean | undefined = media.made[0]?.sends("audio");
  console.log(sends);
  return new Phone({
    connections: "ws://127.0.0.1/",
    user: "2001",
    domain: "example.com",
    media,
    iceServers: async () => [{ urls: "stun:stun.example.com" }],
  });
}

declare const jQuery: object;
attach(jQuery);
