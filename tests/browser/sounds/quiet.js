// Does by itself what a page does before its user has touched it: whatever a test runs in a
// page counts as something that the user does. Says in the console how it goes.

import "./page.js";

/* global Sounds, attachAudio, logIn */

const { url, by } = Object.fromEntries(new URLSearchParams(location.search));
const say = (text) => console.info(text);

/** Whatever plays says what it is let. */
function report(player) {
  player.on("blocked", async () => {
    const code = await player.release().catch(({ code }) => code);
    say(`blocked ${player.blocked} ${code}`);
  });
  player.on("released", () => say(`released ${!player.blocked}`));
  return Object.assign(window, { player });
}

if (url) {
  const phone = await logIn(url, "2001");
  // It opens no microphone, for whose sake browsers would let the page play.
  const call = phone.call("2002", { stream: new MediaStream() });
  const element = document.body.appendChild(new Audio());
  Object.assign(window, { element });
  report(attachAudio(call, element));
} else {
  report(new Sounds()).player.play("busy");
}

// A click of the user's that the page itself makes something of.
if (by === "release")
  document.addEventListener("pointerup", () =>
    window.player.release().then(() => say("played")),
  );
