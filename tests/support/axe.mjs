import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

/**
 * What axe has to object to in a page as it is: the rule, and the elements. Movement has come
 * to its end before, so that no colour is measured on its way.
 *
 * @param {import("playwright-core").Page} page
 * @returns {Promise<string[][]>}
 */
export async function violations(page) {
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter(
          ({ effect }) => effect?.getComputedTiming().endTime !== Infinity,
        )
        .map(({ finished }) => finished),
    ),
  );
  await page.evaluate(axe);
  const found = /** @type {any} */ (
    await page.evaluate("axe.run({ preload: false })")
  );
  return found.violations.map((/** @type {any} */ { id, nodes }) => [
    id,
    ...nodes.map(
      (/** @type {any} */ { html, any, all, none }) =>
        `${html} ${[...any, ...all, ...none].map(({ message }) => message).join(" ")}`,
    ),
  ]);
}
