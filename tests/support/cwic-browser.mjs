/** Opens the page of tests/browser/cwic with some jQuery and some cwic.js. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { newPage } from "./chromium.mjs";
import { root, startStaticServer } from "./static-server.mjs";

/** The jQuery releases that the plug-in supports, by the name they are installed under. */
export const JQUERIES = { jquery1: "1.12", jquery3: "3.7", jquery4: "4.0" };

/**
 * @param {keyof typeof JQUERIES} jquery
 * @param {string} cwic  the script that takes the place of CWIC's
 * @param {Record<string, string>} [headers]
 */
export async function serveCwicPage(jquery, cwic, headers) {
  const script = join(root, "node_modules", jquery, "dist/jquery.js");
  return startStaticServer({
    root: join(root, "tests/browser/cwic"),
    pages: {
      "/jquery.js": await readFile(script, "utf8"),
      "/cwic.js": cwic,
      "/favicon.ico": "",
    },
    headers,
  });
}

/** The page, and its story: what its callbacks and handlers were told, line by line. */
export class CwicBrowserPage {
  /**
   * @param {import("playwright-core").Browser | import("playwright-core").BrowserContext} owner
   * @param {string} url  of the server
   */
  static async open(owner, url) {
    const page = await newPage(owner);
    // So that a test can ask the browser what it hears: a page of CWIC's time cannot.
    await page.addInitScript(() => {
      const { RTCPeerConnection } = window;
      const peers = /** @type {RTCPeerConnection[]} */ ([]);
      Object.assign(window, {
        peers,
        RTCPeerConnection: class extends RTCPeerConnection {
          /** @param {RTCConfiguration} [options] */
          constructor(options) {
            super(options);
            peers.push(this);
          }
        },
      });
    });
    await page.goto(`${url}page.html`);
    return new CwicBrowserPage(page);
  }

  /** @param {Awaited<ReturnType<typeof newPage>>} page */
  constructor(page) {
    this.page = page;
  }

  /**
   * Waits for a line, and takes the story so far, so that the next wait is for what comes after.
   * @param {string} line
   * @returns {Promise<string[]>}
   */
  until(line) {
    return this.page.evaluate(
      (wanted) =>
        new Promise((resolve) => {
          const { story, jQuery } = /** @type {any} */ (window);
          const look = () => {
            const at = story.indexOf(wanted);
            if (at < 0) return;
            jQuery(document).off("told", look);
            resolve(story.splice(0, at + 1));
          };
          jQuery(document).on("told", look);
          look();
        }),
      line,
    );
  }

  /** What was told and not yet waited for. @returns {Promise<string[]>} */
  rest() {
    return this.page.evaluate("story.splice(0)");
  }

  /** @returns {Promise<string | null>} */
  message() {
    return this.page.textContent("#message");
  }

  /** @param {{ user?: string, password?: string, cucm: string, force?: boolean }} form */
  async fill({ user = "2001", password = "secret", cucm, force = false }) {
    await this.page.fill("#user", user);
    await this.page.fill("#password", password);
    await this.page.fill("#cucm", cucm);
    await this.page.setChecked("#force", force);
  }

  /** Fills the form, logs in and takes the device that is offered. @param {Parameters<CwicBrowserPage["fill"]>[0]} form */
  async logIn(form) {
    await this.fill(form);
    await this.page.click("#in");
    await this.page.click("#connect");
  }
}
