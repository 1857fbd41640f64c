import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** Headless, silent towards the outside, and able to run as root in a container. */
const flags = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** For calls: devices that beep, sound without a click first, and paths over loopback. */
export const callFlags = [
  "--use-fake-device-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
  "--allow-loopback-in-peer-connection",
];

/**
 * Starts the distribution's Chromium under Playwright.
 *
 * Two pages that stand for two clients need two contexts (two calls of
 * {@link newPage}): pages of one context share storage and locks.
 *
 * @param {import("playwright-core").LaunchOptions} [options] `args` are added to
 *   the usual flags; for the back-forward cache pass
 *   `ignoreDefaultArgs: ["--disable-back-forward-cache"]`.
 * @returns {Promise<import("playwright-core").Browser>} close it when done
 */
export function launchChromium({ args = [], executablePath, ...options } = {}) {
  return chromium.launch({
    executablePath: executablePath ?? chromiumPath(),
    ...options,
    args: [...flags, ...args],
  });
}

/**
 * Opens a page in a context of its own (a browser profile of its own). What the
 * page throws or logs as an error is collected in `page.problems`.
 *
 * @param {import("playwright-core").Browser | import("playwright-core").BrowserContext} owner
 *   a browser: the page gets a fresh context; a context: the page shares it
 * @param {import("playwright-core").BrowserContextOptions} [options] of the fresh context
 * @returns {Promise<import("playwright-core").Page & { problems: string[] }>}
 */
export async function newPage(owner, options) {
  const context =
    "newContext" in owner ? await owner.newContext(options) : owner;
  const page = await context.newPage();
  /** @type {string[]} */
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  return Object.assign(page, { problems });
}

/**
 * Where Chromium is: the environment variable `CHROMIUM`, or the first of the
 * usual names in PATH.
 */
export function chromiumPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, name);
      if (isExecutable(path)) return path;
    }
  }
  throw new Error(
    "No Chromium found: run `npm run setup`, or name one in the environment variable CHROMIUM.",
  );
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
