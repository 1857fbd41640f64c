// Public ids: one form each, however they are written.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { readPublicId } from "../../server/accounts/public-ids.js";

test("each id has one form, however it is written", async () => {
  const table = await readFile(
    new URL("../rules/public-ids.txt", import.meta.url),
    "utf8",
  );
  const rows = table.split("\n").filter((row) => row.startsWith('"'));
  assert.ok(rows.length > 30);
  for (const row of rows) {
    const at = row.lastIndexOf("|");
    const id = readPublicId(JSON.parse(row.slice(0, at)))?.id ?? "-";
    assert.equal(id, row.slice(at + 1).trim(), row);
  }
});
