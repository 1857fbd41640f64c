// Mistakes that the types must catch, each marked on the line before it.

import { type Call, Phone, PhoneError } from "graceline";
import { startRegistrar } from "graceline/testing";

// @ts-expect-error: options are needed
new Phone();

// @ts-expect-error: the domain is needed
new Phone({ connections: "wss://sip.example.com/", user: "2001" });

const options = {
  connections: "wss://sip.example.com/",
  user: "2001",
  domain: "example.com",
};

// @ts-expect-error: a misspelt option
new Phone({ ...options, pasword: "secret" });

// @ts-expect-error: no such profile
new Phone({ ...options, profile: "asterisk" });

// @ts-expect-error: seconds are a number
new Phone({ ...options, expires: "120" });

// @ts-expect-error: neither a password nor a token
new Phone({ ...options, credentials: async () => ({ secret: "x" }) });

const phone = new Phone(options);

// @ts-expect-error: a misspelt option
void phone.registerPhone({ force: true });

// @ts-expect-error: no such event
phone.on("registered", () => {});

// @ts-expect-error: no such field in this event
phone.on("eConnectionTerminated", ({ device }) => device);

// @ts-expect-error: no such reason
phone.on("eConnectionTerminated", ({ reason }) => reason === "ousted");

// @ts-expect-error: read-only
phone.status = "eReady";

// @ts-expect-error: may be null
phone.registration.expires;

// @ts-expect-error: no such status
phone.status === "eRegistered";

// @ts-expect-error: no such code
PhoneError.is(new Error(), "eBusy");

// @ts-expect-error: no such policy
void startRegistrar({ policy: "strict", users: {} });

// @ts-expect-error: a target is text
phone.call(2002);

// @ts-expect-error: a misspelt option
phone.call("2002", { vidio: true });

const call = phone.call("2002");

// @ts-expect-error: no such state
call.state === "talking";

// @ts-expect-error: no such event
call.on("hangup", () => {});

// @ts-expect-error: a number
void call.reject("busy");

// @ts-expect-error: no such kind
void call.mute("sound");

// @ts-expect-error: may be null
call.startTime.getTime();

// @ts-expect-error: handed out by a phone alone
new Call();

// @ts-expect-error: a factory, not a handler
new Phone({ ...options, media: {} });

// @ts-expect-error: no such mode
void phone.switchMode("Deskphone");

// @ts-expect-error: where the gateway is must be said
new Phone({ ...options, remoteControl: { line: "2001" } });

// @ts-expect-error: may be null
phone.desk.state === "eInService";
