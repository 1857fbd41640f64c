// A page written for CWIC, in Chromium, with jQuery 1.12, 3.7 and 4.0. Only the script that it
// loads as cwic.js is another one: here the plug-in on a fake phone, in jquery-real.test.mjs the
// shipped graceline.min.js.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { launchChromium } from "../support/chromium.mjs";
import {
  CwicBrowserPage,
  JQUERIES,
  serveCwicPage,
} from "../support/cwic-browser.mjs";
import { root } from "../support/static-server.mjs";

/** cwic.js: the plug-in, on a phone whose registrar is in the page. */
const FAKE_CWIC = `
  import { attach } from "./js/jquery/plugin.js";
  import { FakePhone, failure } from "./tests/support/fake-phone.mjs";
  attach(jQuery, { Phone: FakePhone });
  Object.assign(window, { FakePhone, failure });
`;

const SERVER = "Lab ws://127.0.0.1:9/";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {string} */
let cwic;

before(async () => {
  browser = await launchChromium();
  const { outputFiles } = await build({
    stdin: { contents: FAKE_CWIC, resolveDir: root },
    bundle: true,
    write: false,
  });
  cwic = outputFiles[0].text;
});

after(() => browser?.close());

for (const [jquery, release] of Object.entries(JQUERIES)) {
  describe(`jQuery ${release}`, { timeout: 60_000 }, () => {
    /** @type {Awaited<ReturnType<typeof serveCwicPage>>} */
    let server;
    /** @type {CwicBrowserPage} */
    let cwicPage;

    before(async () => {
      server = await serveCwicPage(
        /** @type {keyof typeof JQUERIES} */ (jquery),
        cwic,
      );
    });
    after(() => server?.close());

    /** A fresh page, closed after the story. @param {(page: CwicBrowserPage) => Promise<void>} story */
    const onPage = (story) => async () => {
      cwicPage = await CwicBrowserPage.open(browser, server.url);
      try {
        await story(cwicPage);
        assert.deepEqual(cwicPage.page.problems, []);
      } finally {
        await cwicPage.page.context().close();
      }
    };

    test(
      "ready, login through the device list, logout",
      onPage(async (page) => {
        assert.deepEqual(await page.until("ready {} false SoftPhone"), [
          "system eIdle false",
          "ready {} false SoftPhone",
        ]);
        await page.logIn({ cucm: SERVER });
        assert.deepEqual(await page.until("system eReady true"), [
          "devices ecp2001",
          "system eRegistering false",
          "success ecp2001 SoftPhone",
          "system eReady true",
        ]);
        await page.page.click("#out");
        assert.deepEqual(await page.until("system eIdle false"), [
          "complete",
          "system eIdle false",
        ]);
      }),
    );

    test(
      "refused, asked, forced; the other client hears of it",
      onPage(async (page) => {
        await page.until("ready {} false SoftPhone");
        await startRival(page);
        await page.logIn({ cucm: SERVER });
        assert.deepEqual(await page.until("system eIdle false"), [
          "devices ecp2001",
          "system eRegistering false",
          "failed 20 Login Error eDeviceAlreadyRegistered",
          "system eIdle false",
        ]);
        const message = await page.message();
        assert.match(
          message ?? "",
          /^Unable to log in: Login Error eDeviceAlreadyRegistered, /,
        );
        assert.equal(
          await page.page.locator("#message *").count(),
          0,
          "no markup from the network",
        );

        await page.logIn({ cucm: SERVER, force: true });
        await page.until("system eReady true");
        assert.equal(
          await page.page.evaluate("rival.status"),
          "eConnectionTerminated",
        );
      }),
    );

    test(
      "taken over: the page is told, and logs out",
      onPage(async (page) => {
        await page.until("ready {} false SoftPhone");
        await page.logIn({ cucm: SERVER });
        await page.until("system eReady true");
        await page.page.evaluate(() => {
          const { jQuery, tell } = /** @type {any} */ (window);
          jQuery(document).on(
            "eConnectionTerminated.cwic",
            (/** @type {any} */ event) =>
              tell(`extension ${event.reason} ${event.by.userAgent}`),
          );
        });
        await startRival(page);
        assert.deepEqual(await page.until("system eIdle false"), [
          "system eConnectionTerminated false",
          "extension forced Other/1",
          "complete",
          "system eIdle false",
        ]);
      }),
    );

    test(
      "switching the device",
      onPage(async (page) => {
        await page.until("ready {} false SoftPhone");
        await page.logIn({ cucm: SERVER });
        await page.until("system eReady true");
        await page.page.click("#switch");
        assert.deepEqual(await page.until("system eReady true"), [
          "progress",
          "system eRegistering false",
          "switched CSFOTHER",
          "system ePhoneModeChanged true",
          "system eReady true",
        ]);
      }),
    );

    test(
      "a call is made, held, and ended by the far end",
      onPage(async (page) => {
        await page.until("ready {} false SoftPhone");
        await page.page.fill("#number", "(555) 123-4");
        await page.page.evaluate("call()");
        await page.until("no call 31 eCreateCallFailed");
        await page.logIn({ cucm: SERVER });
        await page.until("system eReady true");
        await page.page.fill("#number", "");
        await page.page.click("#call");
        await page.until(
          "no call 3 cannot start conversation: undefined or empty recipient",
        );
        await page.page.fill("#number", "(555) 123-4");
        await page.page.click("#call");
        assert.deepEqual(await page.until("started OffHook Outgoing"), [
          "started OffHook Outgoing",
        ]);
        await far(page, "become", "ringing");
        await far(page, "become", "connected");
        assert.deepEqual(await page.until("updated Connected"), [
          "updated Ringout",
          "updated Connected",
        ]);
        await page.page.click(".hold");
        await page.until("updated Hold");
        await page.page.click(".resume");
        await page.until("updated Connected");
        await page.rest();
        await page.page.click(".mute");
        await page.until("updated Connected");
        const { data, marks, asked } = await page.page.evaluate(() => {
          const { jQuery, FakePhone } = /** @type {any} */ (window);
          const [{ asked }] = FakePhone.made[0].talks;
          const container = jQuery(".cwic-conversation");
          return {
            data: container.data("cwic"),
            marks: container.attr("class"),
            asked,
          };
        });
        assert.match(
          marks,
          /^cwic-data cwic-conversation cwic-conversation-\d+$/,
        );
        const { id, state, numericState, participant, capabilities } = data;
        assert.equal(marks.endsWith(`-${id}`), true);
        assert.deepEqual([state, numericState], ["Connected", 5]);
        assert.equal(participant.recipient, "5551234");
        assert.equal(data.audioMuted, true);
        assert.deepEqual(Object.keys(capabilities).sort(), [
          "canDirectTransfer",
          "canEndCall",
          "canHold",
          "canSendDigit",
          "canUnmuteAudio",
          "canUnmuteVideo",
          "canUpdateVideoCapability",
        ]);
        assert.deepEqual(asked, [["hold"], ["resume"], ["mute"]]);

        await far(page, "end", "remote");
        await page.until("ended OnHook false");
        assert.equal(
          await page.page.locator(".cwic-conversation").count(),
          0,
          "the container is free",
        );
        assert.deepEqual(await page.rest(), []);
      }),
    );

    test(
      "a call comes in and is answered, and one is declined",
      onPage(async (page) => {
        await page.until("ready {} false SoftPhone");
        await page.logIn({ cucm: SERVER });
        await page.until("system eReady true");
        await ring(page, "sip:2002@example.com", "<b>Bob</b>");
        assert.deepEqual(await page.until("incoming Ringin bBob/b"), [
          "incoming Ringin bBob/b",
        ]);
        await page.page.click(".answer");
        assert.deepEqual(await page.until("started Connected Incoming"), [
          "started Connected Incoming",
        ]);
        await ring(page, "sip:2003@example.com");
        await page.until("incoming Ringin ");
        await page.page.locator(".end").last().click();
        await page.until("ended OnHook false");
        const asked = await page.page.evaluate(() => {
          const { FakePhone } = /** @type {any} */ (window);
          return FakePhone.made[0].talks.map((/** @type {any} */ { asked }) =>
            asked.map((a) => a[0]),
          );
        });
        assert.deepEqual(asked, [["answer"], ["reject"]]);
      }),
    );

    test(
      "a second call holds the first; a transfer joins the two",
      onPage(async (page) => {
        await page.until("ready {} false SoftPhone");
        await page.logIn({ cucm: SERVER });
        await page.until("system eReady true");
        await page.page.fill("#number", "2002");
        await page.page.click("#call");
        await far(page, "become", "connected");
        await page.page.fill("#number", "2003");
        await page.page.click("#call");
        await page.until("updated Hold");
        await far(page, "become", "connected", 1);
        await page.rest();
        const asked = await page.page.evaluate(() => {
          const { jQuery, FakePhone } = /** @type {any} */ (window);
          const [first, second] = FakePhone.made[0].talks;
          jQuery("#conversations").cwic(
            "updateConversation",
            { transferCall: second.id },
            first.id,
          );
          const [name, to] = first.asked.at(-1);
          return [name, to === second];
        });
        assert.deepEqual(asked, ["transfer", true]);
      }),
    );

    test(
      "what fails in a call is an error of its container",
      onPage(async (page) => {
        await page.until("ready {} false SoftPhone");
        await page.logIn({ cucm: SERVER });
        await page.until("system eReady true");
        await page.page.fill("#number", "2002");
        await page.page.click("#call");
        await page.page.evaluate(() => {
          const { FakePhone, failure } = /** @type {any} */ (window);
          const [call] = FakePhone.made[0].talks;
          call.emit("error", failure("eMediaFailed", "No microphone."));
          call.end("failed", 0, "No microphone.");
        });
        assert.deepEqual(await page.until("ended OnHook false"), [
          "started OffHook Outgoing",
          "no call 31 eCreateCallFailed",
          "updated Reorder",
          "ended OnHook false",
        ]);

        await page.page.click("#call");
        await far(page, "become", "connected", 1);
        await page.page.evaluate(() => {
          const { FakePhone, failure } = /** @type {any} */ (window);
          const [, call] = FakePhone.made[0].talks;
          call.refusal = failure("eCallFailed", "The far end refused.");
        });
        await page.page.locator(".hold").last().click();
        await page.until("error 30 Call control error eCallOperationFailed");
      }),
    );

    test(
      "taken over: the call has ended before the page hears of it",
      onPage(async (page) => {
        await page.until("ready {} false SoftPhone");
        await page.logIn({ cucm: SERVER });
        await page.until("system eReady true");
        await page.page.fill("#number", "2002");
        await page.page.click("#call");
        await page.until("started OffHook Outgoing");
        await startRival(page);
        assert.deepEqual(await page.until("system eIdle false"), [
          "ended OnHook false",
          "system eConnectionTerminated false",
          "complete",
          "system eIdle false",
        ]);
      }),
    );

    test(
      "what every method returns, and what it says",
      onPage(async (page) => {
        await page.until("ready {} false SoftPhone");
        const answers = await page.page.evaluate(tryEveryMethod);
        assert.deepEqual(answers, EXPECTED);
      }),
    );

    test(
      "shutdown unbinds the document's handlers, and init begins anew",
      onPage(async (page) => {
        await page.until("ready {} false SoftPhone");
        await page.logIn({ cucm: SERVER });
        await page.until("system eReady true");
        const kept = await page.page.evaluate(() => {
          const { jQuery, FakePhone } = /** @type {any} */ (window);
          jQuery(document).on("keep.other", () => {});
          jQuery("#phone").cwic("shutdown");
          jQuery(document).trigger(
            jQuery.Event("error.cwic", { details: ["unheard"] }),
          );
          return [
            Object.keys(jQuery._data(document, "events")),
            FakePhone.made[0].closed,
          ];
        });
        assert.deepEqual(kept, [["keep"], 1]);
        await page.until("system eIdle false");
        await page.page.evaluate("$('#phone').cwic({ ready: phoneReady })");
        await page.until("ready {} false SoftPhone");
      }),
    );
  });
}

/** Another client of the same device takes it. @param {CwicBrowserPage} page */
async function startRival(page) {
  await page.page.evaluate(async () => {
    const { FakePhone } = /** @type {any} */ (window);
    const rival = new FakePhone({
      ...{
        connections: ["ws://127.0.0.1:9/"],
        user: "2001",
        domain: "127.0.0.1",
      },
      ...{ device: "ecp2001", password: "secret" },
    });
    Object.assign(window, { rival });
    await rival.registerPhone({ forceRegistration: true });
  });
}

/**
 * What the far end of a call does.
 * @param {CwicBrowserPage} page
 * @param {"become" | "end"} what
 * @param {string} how
 * @param {number} [which]
 */
async function far(page, what, how, which = 0) {
  await page.page.evaluate(
    ({ what, how, which }) => {
      const { FakePhone } = /** @type {any} */ (window);
      FakePhone.made[0].talks[which][what](how);
    },
    { what, how, which },
  );
}

/**
 * Somebody calls.
 * @param {CwicBrowserPage} page
 * @param {string} uri
 * @param {string} [displayName]
 */
async function ring(page, uri, displayName) {
  await page.page.evaluate(
    ([uri, name]) => {
      const { FakePhone } = /** @type {any} */ (window);
      FakePhone.made[0].ring(uri, name);
    },
    [uri, displayName],
  );
}

/** Runs in the page: each method with sensible arguments. */
function tryEveryMethod() {
  const { jQuery } = /** @type {any} */ (window);
  const selection = jQuery("#conversation");
  /** @type {[string, ...any][]} */
  const calls = [
    ["startConversation", "2002"],
    ["startConversation", { id: 7, state: "Ringin" }],
    ["startConversation"],
    ["updateConversation", "HOLD", 7],
    ["updateConversation", { transferCall: 8 }, { id: 7 }],
    ["updateConversation", "hold"],
    ["updateConversation", "dance", 7],
    ["updateConversation", {}, 7],
    ["endConversation", "7"],
    ["endConversation"],
    ["endConversation", true],
    ["endConversation", true, { id: 7 }],
    ["sendDTMF", "5", 7],
    ["sendDTMF", {}, 7],
    ["sendDTMF", "5"],
    ["createVideoWindow", { id: "video" }],
    ["createVideoWindow"],
    ["addPreviewWindow", {}],
    ["removePreviewWindow", { previewWindow: "video" }],
    ["getMultimediaDevices"],
    ["setRecordingDevice", "mic"],
    ["setRecordingDevice"],
    ["setPlayoutDevice", "speaker"],
    ["setCaptureDevice", "camera"],
    ["getUserAuthStatus"],
    ["showUserAuthorization"],
    ["disableCertValidation"],
    ["enableCertValidation"],
    ["getInstanceId"],
    ["rebootIfBroken", () => {}],
    ["unregisterPhone"],
    ["dance"],
    ["manualSignIn", {}],
  ];
  return calls.map(([method, ...args]) => {
    /** @type {unknown[]} */
    const codes = [];
    selection.on("error.cwic", (/** @type {any} */ event) => {
      codes.push(event.code, event.details.join());
      return false;
    });
    const result = selection.cwic(method, ...args);
    selection.off("error.cwic");
    return [method, result === selection ? "selection" : result, ...codes];
  });
}

/** Nobody is logged in, and there are no calls. */
const EXPECTED = [
  [
    ...["startConversation", "selection", 31],
    "eCreateCallFailed,No phone is logged in. Call registerPhone first.",
  ],
  [
    ...["startConversation", "selection", 3],
    "eInvalidCallId: there is no call 7",
  ],
  [
    ...["startConversation", "selection", 3],
    "cannot start conversation: undefined or empty recipient",
  ],
  [
    ...["updateConversation", "selection", 3],
    "eInvalidCallId: there is no call 7",
  ],
  [
    ...["updateConversation", "selection", 3],
    "eInvalidCallId: there is no call 7",
  ],
  [
    ...["updateConversation", "selection", 3],
    "cannot update conversation: undefined or empty conversation id",
  ],
  [
    ...["updateConversation", "selection", 3],
    "wrong arguments (update conversation) - dance",
  ],
  [
    ...["updateConversation", "selection", 3],
    "wrong arguments (update conversation)",
  ],
  [
    ...["endConversation", "selection", 3],
    "eInvalidCallId: there is no call 7",
  ],
  [
    ...["endConversation", "selection", 3],
    "cannot end conversation: undefined or empty conversation id",
  ],
  [
    ...["endConversation", "selection", 3],
    "cannot end conversation: undefined or empty conversation id",
  ],
  ["endConversation", "selection", 0, "cannot iDivert - missing capability"],
  ["sendDTMF", "selection", 3, "eInvalidCallId: there is no call 7"],
  ["sendDTMF", "selection", 3, "wrong arguments (sendDTMF)"],
  ["sendDTMF", "selection", 3, "wrong arguments (sendDTMF)"],
  ["createVideoWindow", "selection"],
  ["createVideoWindow", "selection", 3, "wrong arguments (createVideoWindow)"],
  ["addPreviewWindow", "selection"],
  ["removePreviewWindow", "selection"],
  ["getMultimediaDevices", { multimediadevices: [] }],
  ["setRecordingDevice", { error: "eNoError" }],
  [
    ...["setRecordingDevice", "selection", 3],
    "wrong arguments (setRecordingDevice)",
  ],
  ["setPlayoutDevice", { error: "eNoError" }],
  ["setCaptureDevice", { error: "eNoError" }],
  ["getUserAuthStatus", "UserAuthorized"],
  ["showUserAuthorization", "selection", 3, "wrong arguments ()"],
  [
    "disableCertValidation",
    "selection",
    6,
    "Check cwic('about').capabilities.certValidation",
  ],
  [
    "enableCertValidation",
    "selection",
    6,
    "Check cwic('about').capabilities.certValidation",
  ],
  ["getInstanceId", ""],
  ["rebootIfBroken", true],
  ["unregisterPhone", "selection"],
  ["dance", "selection", 0, "dance: no such method on jQuery.cwic"],
  [
    "manualSignIn",
    "selection",
    0,
    "manualSignIn: no such method on jQuery.cwic",
  ],
];
