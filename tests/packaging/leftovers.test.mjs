// What an earlier version of the build made is not published with the next one.

import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { removeOthers } from "../../scripts/lib/stamps.mjs";

test("what is made no more is removed; stamps and drafts of another build stay", () => {
  const folder = mkdtempSync(join(tmpdir(), "graceline-leftovers-"));
  const made = ["client_bg.wasm", join("inline", "client_bg.js")];
  const kept = [join(".stamps", "client"), "client_bg.wasm.7.tmp"];
  const stale = ["client.js", join("inline", "client.js")];
  try {
    for (const name of ["inline", ".stamps"]) mkdirSync(join(folder, name));
    for (const file of [...made, ...kept, ...stale])
      writeFileSync(join(folder, file), "");
    removeOthers(folder, made);
    const left = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);
    assert.deepEqual(left.sort(), [
      "client",
      "client_bg.js",
      "client_bg.wasm",
      "client_bg.wasm.7.tmp",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
