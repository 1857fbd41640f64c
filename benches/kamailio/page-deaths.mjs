// How long a user is unreachable whose page is gone, on deploy/kamailio:
//
//   node benches/kamailio/page-deaths.mjs           20 kills, a minute
//   node benches/kamailio/page-deaths.mjs --quick   does it run at all?
//
// A user has a page in Chromium and a desk phone (baresip). The process of the page, or in turn of the whole browser,
// is ended by SIGKILL and in the same instant somebody calls: the time until the desk phone rings. Needs
// what the tests' stage "calls" installs, and pkg/ (npm run build).

import { SipClient } from "../../tests/interop/support/sip-client.mjs";
import { Cluster } from "../../tests/kamailio/support/cluster.mjs";
import { PageDeaths } from "../../tests/real-calls/support/page-deaths.mjs";

const TIMES = process.argv.includes("--quick") ? 2 : 20;

/** @type {(() => unknown)[]} */
const releases = [];
const after = (/** @type {() => unknown} */ end) => releases.push(end);
const server = await Cluster.start({ nodes: [] });
after(() => server.stop());
const connect = async (/** @type {any} */ options) => {
  const password = server.passwords[options.user];
  const client = await SipClient.connect({ ...options, password });
  after(() => client.terminate());
  return client;
};
try {
  const deaths = await PageDeaths.start({ server, after, connect });
  /** @type {number[]} */
  const times = [];
  for (let index = 0; index < TIMES; index++)
    times.push(await deaths.next(index % 2 ? "browser" : "page"));
  const sorted = times.toSorted((a, b) => a - b);
  const middle = sorted[TIMES >> 1];
  console.log(
    `From the end of the page to the desk phone ringing, ${TIMES} kills:`,
    `median ${middle.toFixed(0)} ms, worst ${sorted[TIMES - 1].toFixed(0)} ms, best ${sorted[0].toFixed(0)} ms`,
  );
} finally {
  for (const release of releases.reverse()) await release();
}
