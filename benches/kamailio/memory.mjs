// What a connection costs a node of deploy/kamailio in shared memory, over WebSocket with and without
// TLS: open, registered, and how long after its end.
//
//   node benches/kamailio/memory.mjs [PHONES]     1000 if not said
//
// Needs what the tests' stage "kamailio" installs.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../tests/interop/support/eventually.mjs";
import { SipClient } from "../../tests/interop/support/sip-client.mjs";
import { Cluster } from "../../tests/kamailio/support/cluster.mjs";
import { contact } from "../../tests/kamailio/support/contacts.mjs";
import { run } from "../../tests/kamailio/support/deployment.mjs";

const PHONES = Number(process.argv[2] ?? 1000);
const DEVICES = 50;
const AT_ONCE = 50;

const scratch = await mkdtemp(join(tmpdir(), "memory-"));
const certificate = join(scratch, "cert.pem");
const key = join(scratch, "key.pem");
await run("openssl", [
  ...["req", "-x509", "-nodes", "-newkey", "ec", "-days", "1"],
  ...["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=localhost"],
  ...["-addext", "subjectAltName=IP:127.0.0.1"],
  ...["-keyout", key, "-out", certificate],
]);
const ca = await readFile(certificate);
const accounts = Array.from(
  { length: Math.ceil(PHONES / DEVICES) },
  (_, index) => ({ user: `u${index}` }),
);

try {
  for (const tls of [undefined, { certificate, key }]) {
    const cluster = await Cluster.start({ accounts, nodes: [] });
    try {
      // More than any phone needs, so that nothing is refused.
      const memory = Math.max(256, PHONES / 4);
      const node = await cluster.add({
        tls,
        memory,
        settings: { PING_SECONDS: 600, PROOFS_PER_MINUTE: 100_000 },
      });
      const used = async () =>
        Number(/\tused: (\d+)/.exec(await node.rpc("core.shmmem"))?.[1]);
      const empty = await used();
      const phones = await each(PHONES, (index) => {
        const { user } = accounts[index % accounts.length];
        const { url } = node;
        const password = cluster.passwords[user];
        return SipClient.connect({ url, user, password, ca });
      });
      const open = await used();
      await each(PHONES, async (index) => {
        const device = `D${index}`;
        const own = contact(`c${index}`, { device });
        const answer = await phones[index].register({ contacts: [own] });
        if (answer.status !== 200) throw new Error(answer.startLine);
      });
      const registered = await used();
      const kib = (/** @type {number} */ bytes) =>
        `${(bytes / PHONES / 1024).toFixed(1)} KiB`;
      console.log(
        `${tls ? "wss" : "ws"}, ${PHONES} phones: ${kib(open - empty)} each open, ${kib(registered - empty)} registered; ${(registered / 2 ** 20).toFixed(0)} MiB in all, ${(empty / 2 ** 20).toFixed(0)} without them`,
      );
      const began = performance.now();
      await each(PHONES, (index) => phones[index].terminate());
      const half = empty + (registered - empty) / 20;
      await eventually(
        "it to be free",
        async () => (await used()) < half,
        60_000,
      );
      console.log(
        `  free ${((performance.now() - began) / 1000).toFixed(1)} s after they began to go`,
      );
    } catch (error) {
      console.error(cluster.log);
      throw error;
    } finally {
      await cluster.stop();
    }
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/**
 * Does something so many times, some at once.
 * @template T
 * @param {number} count
 * @param {(index: number) => Promise<T>} work
 */
async function each(count, work) {
  /** @type {T[]} */
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
