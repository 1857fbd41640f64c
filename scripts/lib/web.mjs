import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStaticServer } from "../../tests/support/static-server.mjs";
import { runCargoTests } from "./count.mjs";
import { inRoot } from "./paths.mjs";
import { findProgram } from "./run.mjs";
import { runnerEnv, wasmTarget } from "./rust.mjs";

/** Users of tests/frontend. */
const USERS = Array.from({ length: 30 }, (_, at) => `${2001 + at}`);

/**
 * Runs the tests of the wasm boundaries (tests/web.rs), and of phones in Rust
 * (tests/frontend) at a registrar, with the npm package at hand. Where these are the
 * pages cannot be told: names lead there, by the browser's own rules.
 */
export async function runWebTests() {
  // On a fresh machine neither is there when the stages begin.
  const { startRegistrar } = await import("../../js/testing/index.js");
  const { callFlags } = await import("../../tests/support/chromium.mjs");
  const draft = mkdtempSync(join(tmpdir(), "graceline-web-"));
  const registrar = await startRegistrar({
    users: Object.fromEntries(
      USERS.map((user) => [user, { password: "secret" }]),
    ),
  });
  // Those pages are of another origin.
  const server = await startStaticServer({
    headers: { "Access-Control-Allow-Origin": "*" },
  });
  try {
    const capabilities = join(draft, "webdriver.json");
    const places = [
      `MAP registrar.localhost 127.0.0.1:${new URL(registrar.url).port}`,
      `MAP package.localhost 127.0.0.1:${server.port}`,
    ];
    // Nobody is there who could be asked for the microphone.
    const flags = [...callFlags, "--use-fake-ui-for-media-stream"];
    writeFileSync(capabilities, withFlags([...flags, rules(places)]));
    const env = {
      ...runnerEnv,
      CHROMEDRIVER: findProgram("chromedriver"),
      WASM_BINDGEN_TEST_WEBDRIVER_JSON: capabilities,
    };
    const cargo = (/** @type {string[]} */ ...what) =>
      runCargoTests(
        ["test", "--locked", `--target=${wasmTarget}`, ...what],
        env,
      );
    const tests = await cargo("--test=web", "--test=frontend");
    // The examples of docs/rust.md are compiled.
    const examples = await cargo("--doc", "browser");
    return {
      passed: tests.passed + examples.passed,
      failed: tests.failed + examples.failed,
      failures: [...(tests.failures ?? []), ...(examples.failures ?? [])],
    };
  } finally {
    await Promise.all([registrar.stop(), server.close()]);
    rmSync(draft, { recursive: true, force: true });
  }
}

/** @param {string[]} places */
const rules = (places) => `--host-resolver-rules=${places.join(", ")}`;

/**
 * What the runner gives chromedriver, and more.
 *
 * @param {string[]} flags
 */
function withFlags(flags) {
  const capabilities = JSON.parse(
    readFileSync(inRoot("webdriver.json"), "utf8"),
  );
  capabilities["goog:chromeOptions"].args.push(...flags);
  return JSON.stringify(capabilities);
}
