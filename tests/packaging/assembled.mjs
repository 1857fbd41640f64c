import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inRoot } from "../../scripts/lib/paths.mjs";

/**
 * @param {string} text of a module
 * @param {string[]} options of wasm-as
 */
export function assembled(text, ...options) {
  const folder = mkdtempSync(join(tmpdir(), "graceline-order-"));
  const assembler = inRoot("node_modules", "binaryen", "bin", "wasm-as");
  try {
    writeFileSync(join(folder, "it.wat"), text);
    execFileSync(process.execPath, [assembler, "-all", ...options, "it.wat"], {
      cwd: folder,
    });
    return new Uint8Array(readFileSync(join(folder, "it.wasm")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
