// The default media handler in Chromium: two of them, connected without a phone. Sound is proven
// by what the far end measures, never by a state.

/* global Side, agree, frame, pair, tone */

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { callFlags, launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startStaticServer>>} */
let server;
/** @type {Awaited<ReturnType<typeof newPage>>} */
let page;

before(async () => {
  server = await startStaticServer();
  browser = await launchChromium({ args: callFlags });
});

after(async () => {
  await browser?.close();
  await server?.close();
});

afterEach(async () => {
  const { problems } = page;
  await page.context().close();
  assert.deepEqual(problems, [], "the page logged errors");
});

/** Runs a story in a fresh page; its functions are those of media/page.js. */
async function run(story, permissions = ["microphone", "camera"]) {
  page = await newPage(browser, { permissions });
  await page.goto(`${server.url}tests/browser/media/page.html`);
  await page.waitForFunction("window.pair");
  return page.evaluate(story);
}

/** What an m= section says about its direction. */
const directions = (sdp) =>
  [...sdp.matchAll(/^a=(sendrecv|sendonly|recvonly|inactive)\r?$/gm)].map(
    ([, direction]) => direction,
  );

describe("the default media handler", { timeout: 180_000 }, () => {
  test("sound both ways; hold, resume, and an ICE restart", async () => {
    const { first, hold, resume, restart, stopped } = await run(async () => {
      const [a, b] = pair();
      const first = await agree(a, b);
      await Promise.all([a.hears(), b.hears()]);

      const hold = await agree(a, b, { hold: true });
      // What was under way when the hold was agreed on may still arrive.
      let last;
      let now = await a.received();
      do {
        last = now;
        await frame();
        now = await a.received();
      } while (now.packets > last.packets);
      const other = await b.received();
      await frame();
      await frame();
      const stopped = (await b.received()).packets - other.packets;

      const resume = await agree(a, b);
      await Promise.all([a.hears(), b.hears()]);
      const restart = await agree(b, a, { iceRestart: true });
      await Promise.all([a.hears(), b.hears()]);
      a.media.close();
      b.media.close();
      return { first, hold, resume, restart, stopped };
    });
    assert.match(first.offer, /^a=group:BUNDLE 0\r?$/m);
    assert.match(first.offer, /^a=rtcp-mux\r?$/m);
    assert.match(first.offer, /^a=candidate:/m, "gathered before it is sent");
    assert.deepEqual(directions(hold.offer), ["sendonly"]);
    assert.deepEqual(directions(hold.answer), ["recvonly"]);
    assert.equal(stopped, 0, "who holds sends nothing");
    assert.deepEqual(directions(resume.answer), ["sendrecv"]);
    const ufrag = (sdp) => /^a=ice-ufrag:(.*)$/m.exec(sdp)?.[1];
    assert.notEqual(ufrag(restart.offer), ufrag(resume.answer));
  });

  test("trickle: descriptions at once, candidates in fragments", async () => {
    const { offer, answer, fragments } = await run(async () => {
      const [a, b] = pair();
      const { offer, answer } = await agree(
        a,
        b,
        { trickle: true },
        { trickle: true },
      );
      await Promise.all([a.hears(), b.hears()]);
      return { offer, answer, fragments: a.candidates };
    });
    assert.doesNotMatch(offer, /^a=candidate:/m);
    assert.doesNotMatch(answer, /^a=candidate:/m);
    const last = fragments.at(-1);
    assert.match(
      last.sdpfrag,
      /^a=ice-ufrag:\S+\r\na=ice-pwd:\S+\r\nm=audio \d+ \S+ [^\r]+\r\na=mid:0\r\n(a=candidate:[^\r]+\r\n)+/,
    );
    // RFC 8840 §4.3: said with the last ones, and not before.
    const ended = (/** @type {any} */ { sdpfrag }) =>
      /^a=end-of-candidates\r$/m.test(sdpfrag);
    assert.equal(last.end, true);
    assert.deepEqual(
      fragments.map(ended),
      fragments.map(({ end }) => end),
    );
  });

  test("without trickle: all in the description, and no fragment after it", async () => {
    const { offer, answer, fragments } = await run(async () => {
      const [a, b] = pair();
      const { offer, answer } = await agree(a, b);
      await Promise.all([a.hears(), b.hears()]);
      return { offer, answer, fragments: [...a.candidates, ...b.candidates] };
    });
    for (const sdp of [offer, answer]) assert.match(sdp, /^a=candidate:/m);
    assert.deepEqual(fragments, []);
  });

  test("holding both, and resuming in turn", async () => {
    const story = await run(async () => {
      const [a, b] = pair();
      await agree(a, b);
      const first = await agree(a, b, { hold: true });
      const both = await agree(b, a, { hold: true }, { hold: true });
      const one = await agree(a, b, {}, { hold: true });
      const none = await agree(b, a);
      await Promise.all([a.hears(), b.hears()]);
      return { first, both, one, none };
    });
    const seen = Object.values(story).map(({ offer, answer }) => [
      ...directions(offer),
      ...directions(answer),
    ]);
    assert.deepEqual(seen, [
      ["sendonly", "recvonly"],
      ["sendonly", "inactive"],
      ["sendrecv", "sendonly"],
      ["sendrecv", "sendrecv"],
    ]);
  });

  test("an offer that is refused is rolled back, and the sound goes on", async () => {
    await run(async () => {
      const [a, b] = pair();
      await agree(a, b);
      await Promise.all([a.hears(), b.hears()]);
      await a.media.createOffer({ hold: true });
      await a.media.rollback();
      await Promise.all([a.hears(), b.hears()]);
      await a.media.setVideo(true);
      await a.media.createOffer();
      await a.media.rollback();
      if (a.media.localStream.getVideoTracks().length)
        throw new Error("the camera stays on");
      await agree(b, a);
      await Promise.all([a.hears(), b.hears()]);
    });
  });

  test("refused while we hold: we hold on, and send nothing", async () => {
    const sent = await run(async () => {
      const [a, b] = pair();
      await agree(a, b);
      await Promise.all([a.hears(), b.hears()]);
      await agree(a, b, { hold: true });
      await a.media.createOffer();
      await a.media.rollback();
      // What was under way may still arrive.
      for (let i = 0; i < 5; i++) await frame();
      const { packets } = await b.received();
      for (let i = 0; i < 10; i++) await frame();
      return (await b.received()).packets - packets;
    });
    assert.equal(sent, 0);
  });

  test("the call ends while the microphone is being opened: it is let go", async () => {
    const story = await run(async () => {
      const { mediaDevices } = navigator;
      const capture = mediaDevices.getUserMedia.bind(mediaDevices);
      let opened;
      let allow;
      const allowed = new Promise((resolve) => (allow = resolve));
      mediaDevices.getUserMedia = async (wanted) => {
        await allowed;
        return (opened = await capture(wanted));
      };
      const { media } = new Side();
      const opening = media.open().catch(({ code }) => code);
      await frame();
      media.close();
      allow();
      return {
        opening: await opening,
        tracks: opened.getTracks().map(({ readyState }) => readyState),
      };
    });
    assert.deepEqual(story, { opening: "eMediaFailed", tracks: ["ended"] });
  });

  test("early media of one fork, the answer of another", async () => {
    await run(async () => {
      const [a, b] = pair();
      const c = new Side({ direction: "incoming" });
      const offer = await a.media.createOffer();
      const early = await b.media.createAnswer(offer);
      await a.media.applyAnswer(early, "pranswer");
      await a.hears();
      const answer = await c.media.createAnswer(offer);
      b.media.close();
      await a.media.applyAnswer(answer, "answer");
      await Promise.all([a.hears(), c.hears()]);
    });
  });

  test("video on during the call, shown by the far end, and off", async () => {
    const { on, off } = await run(async () => {
      const [a, b] = pair();
      await agree(a, b);
      await a.media.setVideo(true);
      const on = await agree(a, b);
      await b.sees();
      const [track] = a.media.localStream.getVideoTracks();
      await b.media.setVideo(true);
      await agree(b, a);
      await a.sees();
      await a.media.setVideo(false);
      const off = await agree(a, b);
      if (track.readyState !== "ended") throw new Error("the camera stays on");
      await a.sees();
      await Promise.all([a.hears(), b.hears()]);
      return { on, off };
    });
    assert.deepEqual(directions(on.offer), ["sendrecv", "sendrecv"]);
    assert.deepEqual(directions(on.answer), ["sendrecv", "recvonly"]);
    assert.deepEqual(directions(off.offer), ["sendrecv", "recvonly"]);
  });

  test("pictures are refused by who wants none", async () => {
    const { answer } = await run(async () => {
      const [a, b] = pair({ video: true }, { video: false });
      const agreed = await agree(a, b);
      await Promise.all([a.hears(), b.hears()]);
      return agreed;
    });
    assert.deepEqual(directions(answer), ["sendrecv", "inactive"]);
  });

  test("who sends no sound still hears", async () => {
    const { offer } = await run(async () => {
      const [a, b] = pair({ audio: false });
      const agreed = await agree(a, b);
      await a.hears();
      return agreed;
    });
    assert.deepEqual(directions(offer), ["recvonly"]);
  });

  test("digits as RFC 4733, and false before that is possible", async () => {
    await run(async () => {
      const [a, b] = pair();
      const early = a.media;
      await early.open();
      const tones = { duration: 70, gap: 50 };
      if (await early.sendDtmf("1", tones)) throw new Error("nobody hears it");
      await agree(a, b);
      await Promise.all([a.hears(), b.hears()]);
      const played = await Promise.all([
        a.media.sendDtmf("12", tones),
        a.media.sendDtmf("#", tones),
      ]);
      if (!played.every(Boolean)) throw new Error("not played");
    });
  });

  test("mute sends silence; packets go on", async () => {
    await run(async () => {
      const [a, b] = pair({ stream: tone() });
      await agree(a, b);
      await b.hears();
      a.media.setMuted({ audio: true, video: false });
      // Until what was spoken before has been played.
      let last = await b.received();
      for (let quiet = 0; quiet < 3;) {
        await frame();
        const now = await b.received();
        quiet = now.energy - last.energy < 1e-6 ? quiet + 1 : 0;
        last = now;
      }
      const { packets } = await b.received();
      while ((await b.received()).packets < packets + 20) await frame();
      a.media.setMuted({ audio: false, video: false });
      await b.hears();
    });
  });

  test("tracks of ours are stopped in the end, those of the app never", async () => {
    await run(async () => {
      const stream = tone();
      const [a, b] = pair({ stream });
      await agree(a, b);
      await b.hears();
      if (a.media.localStream !== stream) throw new Error("not the app's");
      await a.media.setDevice("audio", "default");
      await b.hears();
      const [device] = a.media.localStream.getAudioTracks();
      if (stream.getAudioTracks().length !== 1 || device.label === "")
        throw new Error("the app's stream was changed");
      const [own] = b.media.localStream.getTracks();
      a.media.close();
      b.media.close();
      const states = [...stream.getTracks(), device, own].map(
        (track) => track.readyState,
      );
      if (`${states}` !== "live,ended,ended") throw new Error(`${states}`);
    });
  });

  test("another track, of the app: heard at once, muted like the one before, never stopped", async () => {
    const story = await run(async () => {
      const [a, b] = pair();
      await agree(a, b);
      await Promise.all([a.hears(), b.hears()]);
      const stream = a.media.localStream;
      const [microphone] = stream.getTracks();

      // A track that says nothing shows that it is this one that is sent.
      const [silence] = tone(440, 0).getTracks();
      await a.media.replaceTrack(silence);
      const states = [microphone.readyState, silence.readyState];
      // Two looks between which packets came, and no sound.
      const silent = async () => {
        const before = await b.received();
        let now = before;
        while (now.packets < before.packets + 50) {
          await frame();
          now = await b.received();
        }
        return now.energy - before.energy < 1e-6;
      };
      while (!(await silent()));

      a.media.setMuted({ audio: true, video: false });
      const [voice] = tone().getTracks();
      await a.media.replaceTrack(voice);
      const muted = !voice.enabled;
      a.media.setMuted({ audio: false, video: false });
      await b.hears();
      // On hold, and back.
      await agree(a, b, { hold: true });
      const [other] = tone(880).getTracks();
      await a.media.replaceTrack(other);
      await agree(a, b);
      await b.hears();

      const sent = a.media.localStream.getTracks();
      a.media.close();
      b.media.close();
      return {
        states,
        muted,
        sent: sent.length === 1 && sent[0] === other,
        left: [silence, voice, other].map(({ readyState }) => readyState),
      };
    });
    assert.deepEqual(story, {
      states: ["ended", "live"],
      muted: true,
      sent: true,
      left: ["live", "live", "live"],
    });
  });

  test("a device that is unplugged is replaced by another one", async () => {
    await run(async () => {
      const [a, b] = pair();
      await agree(a, b);
      await b.hears();
      const [track] = a.media.localStream.getAudioTracks();
      // As the browser does it: the track ends without being stopped.
      track.stop();
      track.dispatchEvent(new Event("ended"));
      while (a.media.localStream.getAudioTracks()[0] === track) await frame();
      await b.hears();
    });
  });

  test("a refused permission says what to do", async () => {
    const { code, message } = await run(async () => {
      const a = new Side();
      return a.media.open().then(
        () => ({ code: "", message: "" }),
        ({ code, message }) => ({ code, message }),
      );
    }, []);
    assert.equal(code, "eMediaFailed");
    assert.match(message, /^The microphone may not be used\. Allow it/);
  });

  test("a device that is not there, and a page without devices", async () => {
    const messages = await run(async () => {
      const messages = [];
      const note = ({ message }) => messages.push(message);
      const a = new Side({ audio: { deviceId: { exact: "none" } } });
      await a.media.open().catch(note);
      Object.defineProperty(navigator, "mediaDevices", { value: undefined });
      await new Side().media.open().catch(note);
      delete window.RTCPeerConnection;
      await new Side().media.open().catch(note);
      return messages;
    });
    assert.match(messages[0], /chosen microphone is not there/);
    assert.match(messages[1], /over https/);
    assert.match(messages[2], /option "media"/);
  });

  test("a lost way is reported", async () => {
    await run(async () => {
      const [a, b] = pair();
      await agree(a, b);
      await Promise.all([a.hears(), b.hears()]);
      b.media.close();
      while (!a.told.some(({ name }) => name === "lost")) await frame();
    });
  });

  test("a server that never answers does not delay the offer for long", async () => {
    const { time } = await run(async () => {
      const a = new Side({
        iceServers: async () => [{ urls: "stun:127.0.0.1:9" }],
      });
      await a.media.open();
      const start = performance.now();
      await a.media.createOffer();
      return { time: performance.now() - start };
    });
    assert.ok(time < 5000, `${time} ms`);
  });
});
