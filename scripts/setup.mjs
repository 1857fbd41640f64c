// npm run setup: installs what the build and the tests need and this machine lacks.

import { ensureInstructionTarget } from "./lib/instructions.mjs";
import { runMain, say, step } from "./lib/log.mjs";
import { checkNode, ensureNodePackages } from "./lib/node-packages.mjs";
import {
  ensureRust,
  ensureRustLinters,
  ensureWasmBindgen,
} from "./lib/rust.mjs";
import {
  ensureBaresip,
  ensureBrowser,
  ensureFirefox,
  ensureKamailio,
  ensureNetworkTools,
  ensureValgrind,
  ensureRtpengine,
} from "./lib/system-packages.mjs";

await runMain(async () => {
  await step("Node", checkNode);
  await step("Node packages", ensureNodePackages);
  await step("Rust with WebAssembly", ensureRust);
  await step("rustfmt and clippy", ensureRustLinters);
  await step("wasm-bindgen", ensureWasmBindgen);
  await step("Chromium", ensureBrowser);
  await step("Kamailio", ensureKamailio);
  await step("Rust for counting instructions", ensureInstructionTarget);
  await step("Valgrind", ensureValgrind);
  await step("rtpengine", ensureRtpengine);
  await step("baresip", ensureBaresip);
  await step("iproute2 and nftables", ensureNetworkTools);
  await step("Firefox", ensureFirefox);
  say("\nEverything is there: npm start, npm test.");
});
