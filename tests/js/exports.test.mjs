// What each entry of the package hands out is what its types declare. That the parts
// themselves are as declared, the compiler says: tests/types/declared.ts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";

const path = createRequire(import.meta.url).resolve("graceline/package.json");
const folder = dirname(path);
const { exports } = JSON.parse(readFileSync(path, "utf8"));

/** Names of the values that a .d.ts declares. */
function declared(file) {
  const text = readFileSync(file, "utf8");
  const elsewhere = [...text.matchAll(/^export \* from "(.*)\.js";/gm)].flatMap(
    ([, from]) => declared(join(dirname(file), `${from}.d.ts`)),
  );
  const here = text.matchAll(
    /^export (default|function|class|const)\b(?: (\w+))?/gm,
  );
  const names = [...here].map(([, kind, name]) =>
    kind === "default" ? kind : name,
  );
  const passedOn = [...text.matchAll(/^export \{ (.*) \}/gm)].flatMap(
    ([, list]) => list.split(", "),
  );
  // An overloaded function is declared more than once.
  return [...new Set([...elsewhere, ...names, ...passedOn])].sort();
}

for (const [entry, { types, default: file }] of Object.entries(exports))
  // What bundlers make an address of: tests/packaging.
  if (types && !file.endsWith(".wasm"))
    test(`${entry}: what is declared`, async () => {
      const module = await import(join("graceline", entry));
      assert.ok(Object.keys(module).length);
      assert.deepEqual(
        Object.keys(module).sort(),
        declared(join(folder, types)),
      );
    });
