/** @typedef {import("./rounds.mjs").Figure} Figure */

/**
 * @typedef {object} Row less is better
 * @property {string} figure
 * @property {string} unit
 * @property {Figure} ours
 * @property {Record<string, Figure>} peers
 * @property {{ peer?: string, factor?: number, most?: number }} goal how many times
 *   `peer` (default: the best) is to be ours; or the most that ours may be
 */

/** @param {Row[]} rows @param {string[]} notes */
export function print(rows, notes) {
  const lines = rows.map(cells);
  const head = [
    "figure (less is better)",
    "Graceline",
    "others",
    "ratio",
    "goal",
    "",
  ];
  const widths = head.map((title, i) =>
    Math.max(title.length, ...lines.map((line) => line[i].length)),
  );
  const text = (/** @type {string[]} */ line) =>
    line.map((cell, i) => cell.padEnd(widths[i])).join(" | ");
  console.log(`| ${text(head)} |`);
  console.log(`| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  for (const line of lines) console.log(`| ${text(line)} |`);
  console.log("\nMedians; ± is half the distance between the quartiles.");
  for (const note of notes) console.log(`- ${note}`);
}

/** @param {Row} row */
function cells({ figure, unit, ours, peers, goal }) {
  const others = Object.entries(peers);
  const best = others.reduce((a, b) => (b[1].median < a[1].median ? b : a));
  const rival = goal.peer ? peers[goal.peer] : best[1];
  const ratio = rival.median / ours.median;
  const against = `${goal.peer ?? best[0]}`;
  const common = [
    figure,
    shown(ours, unit),
    others.map(([name, value]) => `${name} ${shown(value, unit)}`).join(", "),
  ];
  if (goal.most !== undefined)
    return [
      ...common,
      "",
      `≤ ${goal.most}`,
      ours.median <= goal.most ? "met" : "missed",
    ];
  const factor = goal.factor ?? 1;
  return [
    ...common,
    `${ratio.toFixed(ratio < 10 ? 2 : 1)}× ${against}`,
    factor === 1 ? "ahead of all" : `≥ ${factor}×`,
    ratio >= factor
      ? "met"
      : `missed by ${Math.round((1 - ratio / factor) * 100)} %`,
  ];
}

/** @param {Figure} figure @param {string} unit */
function shown({ median, low, high }, unit) {
  if (median === Infinity) return "never";
  const spread = (high - low) / 2;
  const digits =
    median >= 100 || Number.isInteger(median) ? 0 : median >= 10 ? 1 : 2;
  return (
    median.toFixed(digits) +
    (spread > 0 ? ` ± ${spread.toFixed(digits)}` : "") +
    (unit && ` ${unit}`)
  );
}
