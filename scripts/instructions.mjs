// npm run instructions: counts the instructions of parsing, writing, a register
// cycle and answering requests under callgrind, and compares them with
// benches/instructions.json: a regression shows on a noisy machine, too.
//
//   npm run instructions -- --record     writes them down instead

import {
  compareInstructions,
  countInstructions,
  ensureInstructionTarget,
  recordInstructions,
} from "./lib/instructions.mjs";
import { runMain } from "./lib/log.mjs";
import { ensureValgrind } from "./lib/system-packages.mjs";

await runMain(async () => {
  await ensureInstructionTarget();
  await ensureValgrind();
  const counts = await countInstructions();
  if (process.argv.includes("--record")) recordInstructions(counts);
  if (compareInstructions(counts).failed > 0) process.exitCode = 1;
});
