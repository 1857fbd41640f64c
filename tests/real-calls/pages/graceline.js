/** Graceline behind the driver, its wasm inside the script. */
import { Phone } from "graceline/inline";
import { KEY_MS, note, serve } from "./driver.js";

serve(async (account, begin) => {
  const {
    url,
    user,
    domain,
    password,
    iceServers,
    force,
    desk,
    device,
    instanceId,
    watches,
  } = account;
  const phone = new Phone({
    connections: url,
    // A network of the test's own, without TLS.
    allowInsecure: true,
    user,
    domain,
    password,
    iceServers,
    remoteControl: desk,
    device,
    instanceId,
  });

  /** @param {import("graceline").Call} call */
  function wrap(call) {
    const entry = begin(
      {
        stackCall: call,
        answer: () => call.answer(),
        reject: (status) => call.reject(status),
        deflect: (target) => call.deflect(target),
        hangup: () => call.hangup(),
        hold: () => call.hold(),
        resume: () => call.resume(),
        restartIce: () => call.restartIce(),
        dtmf: (tones) => call.sendDtmf(tones, { duration: KEY_MS }),
        transfer: (target) => call.transfer(target),
        transferTo: (other) => call.transfer(other.stackCall),
        stats: () => call.getStats(),
      },
      call.direction,
    );
    call.on("connected", () => entry.report("connected"));
    call.on("state", ({ state, heldBy }) => {
      if (state === "ringing") entry.report("ringing");
      if (state === "held") entry.report("held", { heldBy });
    });
    call.on("track", ({ stream }) => entry.play(stream));
    call.on("info", ({ body }) => entry.report("dtmf", { body }));
    call.on("error", ({ code, message }) =>
      entry.report("error", { code, message }),
    );
    call.on("ended", ({ cause, status, reason }) =>
      entry.report("ended", { cause, status, reason }),
    );
    return call;
  }

  const statuses = [];
  phone.on("status", ({ status }) => {
    statuses.push(status);
    note(`the phone: ${status}`);
  });
  /** @type {(() => import("graceline").Call)[]} */
  const offers = [];
  phone.on("resumable", ({ resume }) => offers.push(resume));
  phone.on("incoming", ({ call }) => wrap(call));
  phone.on("transferred", ({ call }) => wrap(call));
  phone.on("call", ({ call }) => wrap(call));
  phone.on("desk", ({ state }) => note(`the desk phone: ${state}`));
  if (watches) {
    phone.on("elsewhereCalls", ({ calls }) =>
      note(`elsewhere: ${calls.map(({ state }) => state)}`),
    );
    phone.on("voicemail", ({ new: fresh, old }) =>
      note(`voicemail: ${fresh} new, ${old} old`),
    );
  }
  await phone.registerPhone({
    forceRegistration: force,
    mode: desk ? "DeskPhone" : "SoftPhone",
  });
  return {
    deskState: () => phone.desk?.state,
    elsewhere: () => phone.elsewhereCalls,
    voicemail: () => phone.voicemail,
    pickUp: (id) => void wrap(phone.pickUp(id)),
    call: (target) => void wrap(phone.call(target)),
    offers,
    takeUp: (offer) => void wrap(offers[offer]()),
    statuses: () => statuses,
  };
});
