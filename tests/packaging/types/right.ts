// The package as people use it: every line of this must compile.

import { Phone, PhoneError, type Registration } from "graceline";
import { init as initSlim, Phone as SlimPhone } from "graceline/slim";
import { Phone as InlinePhone } from "graceline/inline";
import { startRegistrar } from "graceline/testing";
import attach from "graceline/jquery";

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
    .once("eConnectionTerminated", ({ reason, by }) =>
      console.log(reason.trim(), by?.userAgent?.trim()),
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

declare const jQuery: object;
attach(jQuery);
