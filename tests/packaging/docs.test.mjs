import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { root } from "../support/static-server.mjs";

const docs = join(root, "docs");
const read = (/** @type {string} */ file) => readFileSync(file, "utf8");

test("what the docs name of the source is there", () => {
  const missing = [];
  let named = 0;
  for (const name of readdirSync(docs).filter((name) => name.endsWith(".md")))
    for (const [, path] of read(join(docs, name)).matchAll(
      /`((?:src|js|server|tests|deploy|scripts|benches|fuzz|tools)\/[\w./-]*)`/g,
    )) {
      named += 1;
      if (!existsSync(join(root, path))) missing.push(`${name}: ${path}`);
    }
  assert.ok(named > 50, `${named} paths`);
  assert.deepEqual(missing, []);
});

test("the map names every part of the core and of the API", () => {
  const map = read(join(docs, "architecture.md"));
  const parts = ["src", "js", "server"].flatMap((top) =>
    readdirSync(join(root, top), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${top}/${entry.name}`),
  );
  assert.ok(parts.length > 15, `${parts.length} parts`);
  assert.deepEqual(
    parts.filter((part) => !map.includes(`\`${part}\``)),
    [],
  );
});

test("the document of the account service is OpenAPI 3.1", async () => {
  const validator = new Validator();
  const document = read(join(docs, "account-api.yaml"));
  const { valid, errors } = await validator.validate(document);
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(validator.version, "3.1");
});
