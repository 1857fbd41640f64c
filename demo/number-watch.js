// What a phone knows of the others of its number: what waits in the mailbox, and their calls.

import { button, find, live, make, say } from "./element.js";

/** Of the calls that can be taken. @type {Record<string, string>} */
const WORDS = { connected: "is on", incoming: "calls" };

/**
 * @param {import("./device-phone.js").DevicePhone} device
 * @param {{ taken: () => void }} told
 */
export function watchNumber(device, { taken }) {
  const { phone, root, talks } = device;
  const lamp = live("p", "lamp faint");
  const elsewhere = make("ul", "elsewhere");
  elsewhere.setAttribute("aria-label", "Calls of the other phone");
  find(root, ".device__picture").after(lamp);
  find(root, ".talks").before(elsewhere);

  const showLamp = () => {
    const { new: fresh = 0 } = phone.voicemail ?? {};
    root.dataset.lamp = fresh ? "on" : "off";
    say(
      lamp,
      fresh ? `${fresh} new ${fresh === 1 ? "message" : "messages"}` : "",
    );
  };
  const showCalls = () =>
    elsewhere.replaceChildren(
      ...phone.elsewhereCalls
        .filter(({ state }) => WORDS[state])
        .map((call) => {
          const who = talks.nameOf(call.remote.uri);
          const take = () => {
            const mine = phone.pickUp(call.id, talks.speak());
            talks.add(mine);
            mine.once("connected", taken);
          };
          return make(
            "li",
            "elsewhere__call",
            make("p", "", `${who} ${WORDS[call.state]} the other phone.`),
            button("Take it here", take, ({ message }) => device.say(message)),
          );
        }),
    );
  phone.on("voicemail", showLamp);
  phone.on("elsewhereCalls", showCalls);
  phone.on("status", () => {
    showLamp();
    showCalls();
  });
  showLamp();
}
