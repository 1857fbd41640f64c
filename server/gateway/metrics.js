import { once } from "node:events";
import { createServer } from "node:http";

/** @typedef {import("./index.js").Gateway} Gateway */

const COUNTERS = {
  opened: "Sessions that were opened.",
  refused: "Sessions that were refused or answered with a choice of devices.",
  requests: "Services that clients have asked for.",
  returned: "Of those, returned because the connection to the switch was down.",
  failed: "Of those, answered with an error.",
  events: "Events that were sent to clients.",
  nonsense: "Messages of the switch that made no sense.",
};

/**
 * The state of a gateway in the text format of Prometheus.
 *
 * @param {Gateway} gateway
 */
export function metricsText(gateway) {
  const { connections } = gateway;
  const gauge = (
    /** @type {string} */ name,
    /** @type {string} */ help,
    /** @type {(one: Gateway["connections"][0]) => number} */ value,
  ) => [
    ...head(name, help, "gauge"),
    ...connections.map(
      (one, index) =>
        `graceline_gateway_${name}{connection="${index + 1}",url="${escaped(one.url)}"} ${value(one)}`,
    ),
  ];
  const counts = gateway.counters();
  const lines = [
    ...gauge(
      "connection_up",
      "Whether a connection to the switch is up.",
      (one) => (one.state === "up" ? 1 : 0),
    ),
    ...gauge(
      "sessions",
      "Sessions that a connection serves.",
      (one) => one.sessions,
    ),
    ...Object.entries(COUNTERS).flatMap(([name, help]) => [
      ...head(`${name}_total`, help, "counter"),
      `graceline_gateway_${name}_total ${counts[/** @type {keyof typeof COUNTERS} */ (name)]}`,
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Serves them on loopback.
 *
 * @param {Gateway} gateway
 * @param {number} port
 */
export async function serveMetrics(gateway, port) {
  const server = createServer((request, response) => {
    if (request.url !== "/metrics") return response.writeHead(404).end();
    return response
      .writeHead(200, { "content-type": "text/plain; version=0.0.4" })
      .end(metricsText(gateway));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (
    server.address()
  );
  return {
    url: `http://127.0.0.1:${address.port}/metrics`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** @param {string} name @param {string} help @param {string} type */
const head = (name, help, type) => [
  `# HELP graceline_gateway_${name} ${help}`,
  `# TYPE graceline_gateway_${name} ${type}`,
];

/** @param {string} value of a label */
const escaped = (value) =>
  value.replace(/[\\"\n]/g, (letter) =>
    letter === "\n" ? "\\n" : `\\${letter}`,
  );
