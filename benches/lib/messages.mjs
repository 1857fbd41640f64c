import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("../messages/", import.meta.url);

/** The messages that everybody reads, by name. @type {Map<string, string>} */
export const messages = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith(".sip"))
    .sort()
    .map((file) => [
      file.replace(".sip", ""),
      readFileSync(new URL(file, folder), "utf8"),
    ]),
);
