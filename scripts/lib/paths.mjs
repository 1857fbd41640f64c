import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The top of the repository. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** The generated part of the package: never in git, always in the tarball. */
export const pkg = join(root, "pkg");

/** What tests leave behind to be looked at: packed tarballs, screenshots. */
export const testOutput = join(root, "test-output");

/** @param {string[]} parts */
export const inRoot = (...parts) => join(root, ...parts);
