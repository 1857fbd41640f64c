// What few calls need, in Chromium: a conference of two calls of a page, heard at three ends; a
// screen instead of the camera; and who may know which way the sound goes.

/* global logIn, measure, phone, whistle */

import assert from "node:assert/strict";
import {
  after,
  afterEach,
  before,
  beforeEach,
  describe,
  test,
} from "node:test";
import { startRegistrar } from "../../js/testing/index.js";
import { callFlags, launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";

/** By whom; what each of them whistles, in Hz. */
const WHISTLES = { 2001: 400, 2002: 700, 2003: 1000 };
const users = Object.fromEntries(
  Object.keys(WHISTLES).map((user) => [user, { password: "secret" }]),
);

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startStaticServer>>} */
let server;
/** @type {Awaited<ReturnType<typeof startRegistrar>>} */
let registrar;
/** @type {Awaited<ReturnType<typeof newPage>>[]} */
let pages = [];

before(async () => {
  [browser, server] = await Promise.all([
    launchChromium({ args: [...callFlags, "--auto-accept-this-tab-capture"] }),
    startStaticServer(),
  ]);
});
beforeEach(async () => {
  registrar = await startRegistrar({ users, domain: "example.test" });
});
after(async () => {
  await browser?.close();
  await server?.close();
});
afterEach(async () => {
  const problems = pages.flatMap((page) => page.problems);
  await Promise.all(pages.map((page) => page.context().close()));
  pages = [];
  await registrar.stop();
  assert.deepEqual(problems, []);
});

/** A page of each user, whose phones answer with what they whistle. */
async function open(more, ...users) {
  pages = await Promise.all(
    users.map(async (user) => {
      const page = await newPage(browser, {
        permissions: ["microphone", "camera"],
      });
      await page.goto(`${server.url}tests/browser/sounds/page.html`);
      await page.waitForFunction("window.logIn");
      await page.evaluate(
        async ([url, user, more, hertz]) => {
          await logIn(url, user, more);
          phone.on("incoming", ({ call }) =>
            call.answer({ stream: whistle(hertz) }),
          );
        },
        [registrar.url, user, more, WHISTLES[user]],
      );
      return page;
    }),
  );
  return pages;
}

/** What comes from the far end of a page's call, as Hz. */
const hears = (page, i = 0) =>
  page.evaluate(
    async (i) => (await measure(phone.calls[i].remoteStream, 0.9)).peaks,
    i,
  );

/** Until that is heard: a mix takes its time through the network. */
const untilHeard = (page, ...wanted) => untilHeardIn(0, page, ...wanted);

/** The same in a call of several. */
async function untilHeardIn(i, page, ...wanted) {
  let heard;
  for (let tries = 0; tries < 10; tries++) {
    heard = await hears(page, i);
    const same = heard.length === wanted.length;
    if (same && heard.every((hertz, i) => Math.abs(hertz - wanted[i]) < 15))
      return;
  }
  assert.deepEqual(heard, wanted);
}

describe("a conference", () => {
  const state = (page, i, state) =>
    page.waitForFunction(
      ([i, state]) => phone.calls[i]?.state === state,
      [i, state],
    );

  test("each of three hears the two others, and who leaves leaves the rest", async () => {
    const [host, one, other] = await open({}, "2001", "2002", "2003");
    await host.evaluate(
      (stream) => void phone.call("2002", { stream: whistle(stream) }),
      400,
    );
    await state(host, 0, "connected");
    await untilHeard(one, 400);
    await host.evaluate(() => phone.calls[0].hold());
    await host.evaluate(
      () => void phone.call("2003", { stream: whistle(400) }),
    );
    await state(host, 1, "connected");
    await host.evaluate(() => phone.calls[0].conference(phone.calls[1]));
    await untilHeard(one, 400, 1000);
    await untilHeard(other, 400, 700);
    await untilHeardIn(0, host, 700);
    await untilHeardIn(1, host, 1000);
    const twice = await host.evaluate(() =>
      phone.calls[1].conference(phone.calls[0]).catch(({ code }) => code),
    );
    assert.equal(twice, "eInvalidState");

    // Silent to one of them: the far ends go on hearing each other.
    await host.evaluate(() => phone.calls[0].mute("audio"));
    await untilHeard(one, 1000);
    await untilHeard(other, 400, 700);
    await host.evaluate(() => phone.calls[0].unmute("audio"));
    await untilHeard(one, 400, 1000);

    await other.evaluate(() => phone.calls[0].hangup());
    await host.waitForFunction(() => phone.calls.length === 1);
    await untilHeard(one, 400);
    assert.equal(await host.evaluate("phone.calls[0].state"), "connected");
    await host.evaluate(() => phone.calls[0].hangup());
  });
});

describe("a screen", () => {
  /** Until pictures of that width come to a page, or none do. */
  const sees = (page, wide) =>
    page.waitForFunction((wide) => {
      const video =
        document.querySelector("video") ?? document.createElement("video");
      if (!video.parentNode) document.body.append(video);
      video.muted = true;
      const stream = phone.calls[0].remoteStream;
      if (video.srcObject !== stream) video.srcObject = stream;
      video.play().catch(() => {});
      return wide ? video.videoWidth > wide : video.videoWidth > 0;
    }, wide);
  const sends = (page) =>
    page.evaluate(() => {
      const [track] = phone.calls[0].localStream.getVideoTracks();
      return track && (track.getSettings().displaySurface ?? "camera");
    });

  test("in a call of sound alone; it ends as it began", async () => {
    const [host, one] = await open({}, "2001", "2002");
    await host.evaluate(() => void phone.call("2002"));
    await host.waitForFunction(() => phone.calls[0]?.state === "connected");
    assert.equal(await sends(host), undefined);
    await host.evaluate(() =>
      phone.calls[0].shareScreen({ preferCurrentTab: true }),
    );
    assert.equal(await sends(host), "browser");
    await sees(one);
    // As the browser's own button has it.
    await host.evaluate(() => {
      const [track] = phone.calls[0].localStream.getVideoTracks();
      track.stop();
      track.dispatchEvent(new Event("ended"));
    });
    await host.waitForFunction(
      () => !phone.calls[0].localStream.getVideoTracks().length,
    );
    await host.evaluate(() => phone.calls[0].hangup());
  });

  test("in the place of a camera, which is back when it ends", async () => {
    const [host, one] = await open({}, "2001", "2002");
    await host.evaluate(() => void phone.call("2002", { video: true }));
    await host.waitForFunction(() => phone.calls[0]?.state === "connected");
    assert.equal(await sends(host), "camera");
    await sees(one);
    await host.evaluate(() =>
      phone.calls[0].shareScreen({ preferCurrentTab: true }),
    );
    assert.equal(await sends(host), "browser");
    await sees(one, 640);
    await host.evaluate(() => phone.calls[0].shareScreen(false));
    assert.equal(await sends(host), "camera");
    const live = await host.evaluate(
      () => phone.calls[0].localStream.getVideoTracks()[0].readyState,
    );
    assert.equal(live, "live");
    await host.evaluate(() => phone.calls[0].hangup());
  });

  test("none is chosen: the call goes on as it was", async () => {
    const [host] = await open({}, "2001", "2002");
    await host.evaluate(() => void phone.call("2002"));
    await host.waitForFunction(() => phone.calls[0]?.state === "connected");
    const told = await host.evaluate(() => {
      navigator.mediaDevices.getDisplayMedia = async () => {
        throw new DOMException("no", "NotAllowedError");
      };
      return phone.calls[0].shareScreen().catch(({ code, message }) => ({
        code,
        message,
      }));
    });
    assert.equal(told.code, "eMediaFailed");
    assert.match(told.message, /No screen was chosen/);
    assert.equal(await sends(host), undefined);
    await host.evaluate(() => phone.calls[0].hangup());
  });
});

test("iceTransportPolicy: without a relay, nobody is told an address", async () => {
  const [host] = await open({ iceTransportPolicy: "relay" }, "2001", "2002");
  await host.evaluate(() => void phone.call("2002"));
  await host.waitForFunction(
    () =>
      phone.calls[0]?.state === "ringing" ||
      phone.calls[0]?.state === "connected",
  );
  const [policy, sdp] = await host.evaluate(() => {
    const { peerConnection } = phone.calls[0];
    return [
      peerConnection.getConfiguration().iceTransportPolicy,
      peerConnection.localDescription.sdp,
    ];
  });
  assert.equal(policy, "relay");
  assert.doesNotMatch(sdp, /a=candidate:/);
  await host.evaluate(() => phone.calls[0].hangup());
});
