// What registries and their users check of a package: publint, and "are the types wrong?".

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  checkPackage,
  createPackageFromTarballData,
} from "@arethetypeswrong/core";
import { createProject, runIn } from "../support/project.mjs";
import { root } from "../support/static-server.mjs";

const tarball = join(root, "test-output", "graceline.tgz");
const project = createProject({
  "right.ts": `
    import wasm from "graceline/wasm";
    import { init } from "graceline/slim";
    await init(new URL(wasm, import.meta.url));
  `,
});
after(project.remove);

test("publint has nothing to say", async () => {
  const { code, output } = await runIn(
    root,
    join(root, "node_modules", ".bin", "publint"),
    ["run", tarball, "--strict"],
  );
  assert.match(output, /All good!/);
  assert.equal(code, 0);
});

test("every entry point has its types, wherever modules are understood", async () => {
  const data = new Uint8Array(readFileSync(tarball));
  const result = await checkPackage(createPackageFromTarballData(data));
  assert.ok(result.types, "no types at all");
  const known = ["node16-esm", "bundler"];
  // The package is of modules alone: the others do not understand it, with or without types.
  const problems = result.problems
    .filter(
      (/** @type {any} */ { resolutionKind, resolutionOption }) =>
        known.includes(resolutionKind ?? resolutionOption) ||
        !(resolutionKind ?? resolutionOption),
    )
    .map((/** @type {any} */ { kind, entrypoint }) => `${kind} ${entrypoint}`);
  // A worker is a program, and package.json is data.
  const programs = /^UntypedResolution \.\/worker$|\.\/package\.json$/;
  assert.deepEqual(
    problems.filter((problem) => !programs.test(problem)),
    [],
  );
});

test("graceline/wasm has types", async () => {
  const { code, output } = await runIn(
    project.folder,
    join(root, "node_modules", ".bin", "tsc"),
    [
      ...["--noEmit", "--strict", "--target", "es2022", "--module", "esnext"],
      ...["--moduleResolution", "bundler", "--types", "", "right.ts"],
    ],
  );
  assert.equal(output, "");
  assert.equal(code, 0);
});
