// What front ends in Rust can name of the crate's feature `browser`, as rustdoc shows it,
// is what rust-api.txt lists: whoever takes something away sees it. With API=write in the
// environment the list is made anew.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inRoot, root } from "../../scripts/lib/paths.mjs";
import { wasmTarget } from "../../scripts/lib/rust.mjs";

const list = inRoot("tests", "packaging", "rust-api.txt");
/** A page of rustdoc's for each item, and in it the places of what the item has. */
const PAGE = /^(struct|enum|trait|type)\.(\w+)\.html$/;
const PLACE =
  /<(?:section|span) id="((?:method|tymethod|variant|structfield)\.[\w.]+)"/g;

function documented() {
  execFileSync(
    "cargo",
    [
      ...["doc", "--locked", "--no-deps", "--lib", `--target=${wasmTarget}`],
      "--features=browser",
    ],
    {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, RUSTDOCFLAGS: "--deny=warnings" },
    },
  );
  return inRoot("target", wasmTarget, "doc", "graceline", "browser");
}

/** Our own part of a page: what every type has by the standard library comes after it. */
const own = (/** @type {string} */ html) =>
  html.split(/id="(?:trait-implementations|synthetic-implementations)"/)[0];

test("the names of `graceline::browser` are those of rust-api.txt", () => {
  const folder = documented();
  const names = readdirSync(folder).flatMap((file) => {
    const [, kind, name] = PAGE.exec(file) ?? [];
    if (!name) return [];
    const html = own(readFileSync(join(folder, file), "utf8"));
    const places = [...html.matchAll(PLACE)].map(
      ([, place]) => `  ${name} ${place}`,
    );
    return [`${kind} ${name}`, ...places.sort()];
  });
  assert.ok(names.length > 100, `${names.length} names`);
  const text = `${names.join("\n")}\n`;
  if (process.env.API === "write") writeFileSync(list, text);
  assert.equal(text, readFileSync(list, "utf8"), "API=write node --test …");
});
