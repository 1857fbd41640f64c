// What CWIC pages seldom use: 11.0's transfer that asks first, windows with one's own picture, and
// the choice of a loudspeaker. With the oldest and the newest jQuery, and Chromium's own devices.

import assert from "node:assert/strict";
import {
  after,
  afterEach,
  before,
  beforeEach,
  describe,
  test,
} from "node:test";
import { build } from "esbuild";
import { callFlags, launchChromium } from "../support/chromium.mjs";
import { CwicBrowserPage, serveCwicPage } from "../support/cwic-browser.mjs";
import { root } from "../support/static-server.mjs";

/** As in jquery.test.mjs; and what a page keeps of the devices that it was given. */
const FAKE_CWIC = `
  import { attach } from "./js/jquery/plugin.js";
  import { FakePhone, failure } from "./tests/support/fake-phone.mjs";
  attach(jQuery, { Phone: FakePhone });
  const sounds = [], pictures = [];
  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (wanted) => {
    const stream = await getUserMedia(wanted);
    pictures.push(...stream.getTracks());
    return stream;
  };
  window.Audio = class extends Audio {
    constructor() {
      super();
      sounds.push(this);
    }
  };
  Object.assign(window, { FakePhone, failure, sounds, pictures });
`;

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {string} */
let cwic;

before(async () => {
  browser = await launchChromium({ args: callFlags });
  const { outputFiles } = await build({
    stdin: { contents: FAKE_CWIC, resolveDir: root },
    bundle: true,
    write: false,
  });
  cwic = outputFiles[0].text;
});

after(() => browser?.close());

for (const jquery of /** @type {const} */ (["jquery1", "jquery4"]))
  describe(jquery, { timeout: 60_000 }, () => {
    /** @type {Awaited<ReturnType<typeof serveCwicPage>>} */
    let server;
    /** @type {CwicBrowserPage} */
    let cwicPage;
    /** @type {CwicBrowserPage["page"]} */
    let page;

    before(async () => (server = await serveCwicPage(jquery, cwic)));
    after(() => server?.close());

    beforeEach(async () => {
      cwicPage = await CwicBrowserPage.open(browser, server.url);
      ({ page } = cwicPage);
      await page.context().grantPermissions(["camera", "microphone"]);
      await cwicPage.until("ready {} false SoftPhone");
      await cwicPage.logIn({ cucm: "Lab ws://127.0.0.1:9/" });
      await cwicPage.until("system eReady true");
    });

    afterEach(async () => {
      const { problems } = page;
      await page.context().close();
      assert.deepEqual(problems, []);
    });

    test("11.0: a transfer that asks first, completed by the page or by a button", async () => {
      const story = await page.evaluate(async () => {
        const { jQuery, FakePhone } = /** @type {any} */ (window);
        const $ = jQuery;
        $("#phone").cwic("init", { compatibility: 11 });
        const [phone] = FakePhone.made;
        /** @type {any[]} */
        const story = [];
        /** @type {(() => void) | undefined} */
        let complete;
        $(document).on(
          "callTransferInProgress.cwic",
          (/** @type {any} */ event) => {
            complete = event.completeTransfer;
            story.push("asked");
          },
        );
        $(document).on("error.cwic", (/** @type {any} */ { details }) =>
          story.push(details.join()),
        );
        $("<button id='complete'>").appendTo("body");

        /** A call to 2002, to be transferred to 2003. @param {object} [more] */
        const begin = (more) => {
          complete = undefined;
          $("#conversation").cwic("startConversation", {
            participant: { recipient: "2002" },
            container: $("<div>").appendTo("#conversations"),
          });
          const first = phone.talks.at(-1);
          first.become("connected");
          $("#conversation").cwic(
            "updateConversation",
            { transferCall: "2003", ...more },
            first.id,
          );
          return { first, second: phone.talks.at(-1) };
        };
        /** What was asked of a call. @param {any} talk */
        const asked = (talk) =>
          talk.asked.map((/** @type {any[]} */ [name]) => name).join();

        const byPage = begin();
        await null;
        story.push(complete ? "too early" : "waits", asked(byPage.first));
        story.push(byPage.second.remote.uri);
        byPage.second.become("connected");
        complete?.();
        const [name, to] = byPage.first.asked.at(-1);
        story.push(name, to === byPage.second);
        byPage.second.end("local");

        const byButton = begin({ completeButton: "#complete" });
        byButton.second.become("connected");
        $("#complete").click();
        story.push(asked(byButton.first));
        $("#complete").click();
        story.push(asked(byButton.first));
        byButton.second.end("local");

        // The third party hangs up before: the button is for the next transfer.
        const given = begin({ completeButton: "#complete" });
        given.second.become("connected");
        given.second.end("remote");
        const next = begin({ completeButton: "#complete" });
        next.second.become("connected");
        $("#complete").click();
        await new Promise((resolve) => setTimeout(resolve));
        story.push(asked(given.first), asked(next.first));

        // And one that is refused is never offered.
        const refused = begin();
        refused.second.end("rejected", 486, "Busy Here");
        story.push(complete ? "offered" : "not offered");
        return story;
      });
      assert.deepEqual(story, [
        ...["waits", "hold", "2003"],
        ...["asked", "transfer", true],
        ...["asked", "hold,transfer", "hold,transfer"],
        ...["asked", "asked", "hold", "hold,transfer"],
        "not offered",
      ]);
    });

    /** The states of the pictures that the camera gave. */
    const pictures = () =>
      page.evaluate(() =>
        /** @type {any} */ (window).pictures.map(
          (/** @type {MediaStreamTrack} */ track) => track.readyState,
        ),
      );

    test("our own picture is shown, and the camera let go", async () => {
      await page.evaluate(() => {
        const { jQuery: $ } = /** @type {any} */ (window);
        $("#conversation").cwic("createVideoWindow", { id: "own" });
        $("#conversation").cwic("addPreviewWindow", { previewWindow: "own" });
      });
      await page.waitForFunction(
        "document.querySelector('video').videoWidth > 0",
      );
      assert.deepEqual(await pictures(), ["live"]);
      await page.evaluate(() => {
        const { jQuery: $ } = /** @type {any} */ (window);
        $("#conversation").cwic("removePreviewWindow", {
          previewWindow: "own",
        });
      });
      assert.deepEqual(await pictures(), ["ended"]);
      assert.equal(
        await page.evaluate("document.querySelector('video').srcObject"),
        null,
      );
    });

    test("what a handler of the page throws is the page's, and the call goes on", async () => {
      await page.evaluate(() => {
        const { jQuery: $, FakePhone } = /** @type {any} */ (window);
        for (const where of ["#phone", "#conversations", document])
          $(where).on("conversationStart.cwic conversationEnd.cwic", () => {
            throw new Error("the page's mistake");
          });
        $("#conversation").cwic("startConversation", {
          participant: { recipient: "2002" },
          container: $("<div>").appendTo("#conversations"),
        });
        const [call] = FakePhone.made[0].talks;
        queueMicrotask(() => call.become("connected"));
      });
      await cwicPage.until("updated Connected");
      await page.evaluate("FakePhone.made[0].talks[0].end('remote')");
      await page.waitForFunction("$('.cwic-conversation').length === 0");
      assert.match(page.problems.splice(0).join(), /the page's mistake/);
    });

    test("a shutdown lets the camera go", async () => {
      await page.evaluate(() => {
        const { jQuery: $ } = /** @type {any} */ (window);
        $("#conversation").cwic("createVideoWindow", { id: "own" });
        $("#conversation").cwic("addPreviewWindow", { previewWindow: "own" });
      });
      await page.waitForFunction(
        "document.querySelector('video').videoWidth > 0",
      );
      await page.evaluate("jQuery('#phone').cwic('shutdown')");
      assert.deepEqual(await pictures(), ["ended"]);
    });

    test("a window that is taken away while the camera opens, or asked for twice", async () => {
      await page.evaluate(() => {
        const { jQuery: $ } = /** @type {any} */ (window);
        const own = { previewWindow: "own" };
        $("#conversation").cwic("createVideoWindow", { id: "own" });
        $("#conversation").cwic("addPreviewWindow", own);
        $("#conversation").cwic("removePreviewWindow", own);
      });
      await page.waitForFunction(
        "pictures.length === 1 && pictures[0].readyState === 'ended'",
      );
      assert.equal(
        await page.evaluate("document.querySelector('video').srcObject"),
        null,
      );

      await page.evaluate(() => {
        const { jQuery: $ } = /** @type {any} */ (window);
        const own = { previewWindow: "own" };
        $("#conversation").cwic("addPreviewWindow", own);
        $("#conversation").cwic("addPreviewWindow", own);
      });
      await page.waitForFunction("pictures.length === 3");
      await page.waitForFunction(
        "pictures.filter(({ readyState }) => readyState === 'live').length === 1",
      );
      await page.evaluate(() => {
        const { jQuery: $ } = /** @type {any} */ (window);
        $("#conversation").cwic("removePreviewWindow", {
          previewWindow: "own",
        });
      });
      assert.deepEqual(await pictures(), ["ended", "ended", "ended"]);
    });

    test("a camera that is refused, a window that is not there", async () => {
      await page.context().clearPermissions();
      const errors = await page.evaluate(async () => {
        const { jQuery: $ } = /** @type {any} */ (window);
        /** @type {any[]} */
        const errors = [];
        const told = new Promise((resolve) =>
          $(document).on("error.cwic", (/** @type {any} */ { details }) => {
            errors.push(details);
            if (errors.length === 2) resolve(undefined);
          }),
        );
        navigator.mediaDevices.getUserMedia = async () => {
          throw new DOMException("No camera <here>.", "NotFoundError");
        };
        $("#conversation").cwic("createVideoWindow", { id: "own" });
        $("#conversation").cwic("addPreviewWindow", {
          previewWindow: "nowhere",
        });
        $("#conversation").cwic("addPreviewWindow", { previewWindow: "own" });
        await told;
        return errors;
      });
      assert.deepEqual(errors, [
        ["eNoWindowExists", "wrong arguments (addPreviewWindow)"],
        ["eNoWindowExists", "eUnknownFailure", "No camera here."],
      ]);
    });

    test("a loudspeaker chosen before a call, between answer and sound, and during it", async () => {
      const outputs = await page.evaluate(async () => {
        const { jQuery: $, FakePhone, sounds } = /** @type {any} */ (window);
        const [phone] = FakePhone.made;
        const known = await navigator.mediaDevices.enumerateDevices();
        const ids = known
          .filter(({ kind, deviceId }) => kind === "audiooutput" && deviceId)
          .map(({ deviceId }) => deviceId);
        const [one, other] = ids.slice(-2);
        if (!one || one === other) throw new Error(`too few outputs: ${ids}`);
        $("#phone").cwic("setPlayoutDevice", one);
        $("#conversation").cwic("startConversation", {
          participant: { recipient: "2002" },
          container: $("<div>").appendTo("#conversations"),
        });
        const [call] = phone.talks;
        call.become("connected");
        // The sound of the far end may come after its answer.
        const context = new AudioContext();
        call.remoteStream = new MediaStreamAudioDestinationNode(context).stream;
        call.localStream = new MediaStream();
        call.emit("track", { stream: call.remoteStream });
        /** @param {string} id */
        const playsOn = async (id) => {
          while (sounds[0].sinkId !== id)
            await new Promise((resolve) => setTimeout(resolve, 5));
          return id;
        };
        const first = await playsOn(one);
        $("#phone").cwic("setPlayoutDevice", other);
        const second = await playsOn(other);
        /** @type {any[]} */
        const errors = [];
        const told = new Promise((resolve) =>
          $(document).on("error.cwic", (/** @type {any} */ { nativeError }) =>
            resolve(errors.push(nativeError)),
          ),
        );
        $("#phone").cwic("setPlayoutDevice", "no-such-device");
        await told;
        const { srcObject } = sounds[0];
        return {
          changed: [first === one, second === other],
          plays: srcObject === call.remoteStream,
          elements: sounds.length,
          errors,
        };
      });
      assert.deepEqual(outputs, {
        changed: [true, true],
        plays: true,
        elements: 1,
        errors: ["eCallOperationFailed"],
      });
    });
  });
