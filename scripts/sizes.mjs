// npm run sizes: what users download, as raw, gzip and brotli, against the
// budgets of scripts/sizes.budget.json.

import { readFileSync } from "node:fs";
import { Explained, runMain, say } from "./lib/log.mjs";
import { inRoot } from "./lib/paths.mjs";
import { clientSizes, onDemandSizes, peerSizes, sizeOf } from "./lib/sizes.mjs";

/** @typedef {import("./lib/sizes.mjs").Size} Size */

/** Brotli bytes allowed for each line of the table. @type {Record<string, number>} */
const budgets = JSON.parse(
  readFileSync(inRoot("scripts", "sizes.budget.json"), "utf8"),
);

await runMain(async () => {
  const { script, wasm, both, calls, all } = await clientSizes();
  /** @type {Record<string, Size>} */
  const table = {
    'import { Phone } from "graceline"': script,
    "client_bg.wasm": wasm,
    "Phone (both)": both,
    "calls_bg.wasm (once registered)": calls,
    "Phone with calls (all)": all,
    "csta_bg.wasm (on demand)": sizeOf(
      readFileSync(inRoot("pkg", "csta_bg.wasm")),
    ),
    ...(await onDemandSizes()),
    "graceline.min.js (all in one)": sizeOf(
      readFileSync(inRoot("pkg", "graceline.min.js")),
    ),
    ...(await peerSizes()),
  };
  print(table);
  const over = Object.entries(budgets).filter(
    ([name, budget]) => !(table[name]?.brotli <= budget),
  );
  if (over.length === 0) return;
  throw new Explained(
    over
      .map(([name, budget]) => `${name}: over its budget of ${budget} bytes`)
      .join("\n"),
  );
});

/** @param {Record<string, Size>} table */
function print(table) {
  const cells = (/** @type {(string | number)[]} */ row) =>
    row.map((cell, i) => String(cell).padStart(i === 0 ? 0 : 9)).join("");
  const name = (/** @type {string} */ text) => text.padEnd(36);
  say(cells([name("bytes"), "raw", "gzip", "brotli", "budget"]));
  for (const [title, { raw, gzip, brotli }] of Object.entries(table)) {
    say(cells([name(title), raw, gzip, brotli, budgets[title] ?? ""]));
  }
}
