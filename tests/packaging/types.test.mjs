import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { createProject, runIn } from "../support/project.mjs";
import { root } from "../support/static-server.mjs";

const folder = join(root, "tests", "packaging", "types");
const tsc = join(root, "node_modules", ".bin", "tsc");

const project = createProject(
  Object.fromEntries(
    readdirSync(folder).map((file) => [
      file,
      readFileSync(join(folder, file), "utf8"),
    ]),
  ),
);
after(project.remove);

// right.ts compiles as it stands. wrong.ts marks each line that must not
// compile with @ts-expect-error: where it does compile, that is an error too.
for (const [resolution, module] of [
  ["nodenext", "nodenext"],
  ["bundler", "esnext"],
]) {
  test(`right uses compile and wrong ones do not (${resolution})`, async () => {
    const { code, output } = await runIn(project.folder, tsc, [
      ...["--noEmit", "--strict", "--target", "es2022"],
      ...["--module", module, "--moduleResolution", resolution],
      ...["--lib", "es2022,dom", "--types", ""],
      ...["right.ts", "wrong.ts"],
    ]);
    assert.equal(output, "");
    assert.equal(code, 0);
  });
}
