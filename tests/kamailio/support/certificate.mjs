import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./deployment.mjs";

/**
 * A certificate for this machine, and its key: paths.
 *
 * @param {{ after: (end: () => unknown) => void }} world
 */
export async function makeCertificate({ after }) {
  const directory = await mkdtemp(join(tmpdir(), "tls-"));
  after(() => rm(directory, { recursive: true }));
  const certificate = join(directory, "cert.pem");
  const key = join(directory, "key.pem");
  await run("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-keyout", key, "-out", certificate],
  ]);
  return { certificate, key };
}
