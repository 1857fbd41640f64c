import {
  cpSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Explained, step } from "./log.mjs";
import { npm } from "./node-packages.mjs";
import { inRoot, testOutput } from "./paths.mjs";
import { run } from "./run.mjs";

/** The project in which the tarball is installed, with a copy of tests/js. */
export const testProject = join(testOutput, "project");

/** The packed tarball. */
export const tarball = join(testOutput, "graceline.tgz");

/**
 * Packs the package and installs the tarball in {@link testProject}. There the
 * name `graceline` and the paths `js/`, `server/` and `pkg/` lead into the installed
 * package, so the copied tests exercise what users get, not the work tree.
 */
export function packAndInstall() {
  return step("packing the tarball and installing it", async () => {
    rmSync(testProject, { recursive: true, force: true });
    mkdirSync(testProject, { recursive: true });
    await packTarball();
    writeFileSync(
      join(testProject, "package.json"),
      JSON.stringify({ name: "project", private: true, type: "module" }),
    );
    await run(
      ...npm(
        "install",
        "--loglevel=error",
        "--prefer-offline",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        tarball,
      ),
      { cwd: testProject },
    );
    for (const folder of ["js", "rules", "support", "interop/support"]) {
      cpSync(inRoot("tests", folder), join(testProject, "tests", folder), {
        recursive: true,
      });
    }
    for (const folder of ["js", "server", "pkg", "demo"]) {
      symlinkSync(
        join("node_modules", "graceline", folder),
        join(testProject, folder),
      );
    }
  });
}

async function packTarball() {
  const draft = join(testOutput, "pack");
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  await run(...npm("pack", "--loglevel=error", "--pack-destination", draft));
  const [name] = readdirSync(draft);
  if (!name) throw new Explained("npm pack wrote no tarball.");
  cpSync(join(draft, name), tarball);
  rmSync(draft, { recursive: true, force: true });
}
