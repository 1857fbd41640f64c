// What takes the place of SharedWorkers in Node: the same hosts, over real ports.

import assert from "node:assert/strict";
import { Hosts } from "../../../js/shared/hosts.js";
import { turn } from "./fake-core.js";

/**
 * Gives this process SharedWorkers, one for each URL, as a browser has it.
 *
 * @param {any} WebSocket a class
 * @param {{ lasting?: boolean }} [options] lasting: they know `extendedLifetime`
 */
export function useSharedWorkers(WebSocket, { lasting = false } = {}) {
  /** @type {Map<string, { hosts: Hosts, ports: MessagePort[] }>} */
  const workers = new Map();
  globalThis.SharedWorker = class {
    constructor(url, options) {
      if (lasting) void options.extendedLifetime;
      const { href } = new URL(url);
      const made = { hosts: new Hosts(WebSocket), ports: [] };
      const worker = workers.get(href) ?? made;
      workers.set(href, worker);
      const { port1, port2 } = new MessageChannel();
      worker.ports.push(port1, port2);
      worker.hosts.accept(port1);
      this.port = port2;
    }
  };
  const end = ({ ports }) => ports.forEach((port) => port.close());
  return {
    /** They die, as with the process of the tab that started them. */
    crash() {
      for (const worker of workers.values()) end(worker);
      workers.clear();
    },
    remove() {
      this.crash();
      delete globalThis.SharedWorker;
    },
  };
}

/** Until it is so: messages between ports take their turns. */
export async function until(look) {
  for (let turns = 0; turns < 200_000; turns++) {
    if (look()) return;
    await turn();
  }
  assert.fail(`never: ${look}`);
}
