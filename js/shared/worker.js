// The shared worker: the phone of all tabs of an origin that ask for it. Built into
// pkg/worker.js, one file that needs nothing beside it.

import { provide } from "../core/instance.js";
import { Hosts } from "./hosts.js";

/** @type {any} */
const scope = globalThis;
const hosts = new Hosts(scope.WebSocket);

/**
 * The tabs know where their wasm is. If not, it lies beside this file.
 *
 * @param {string} name
 * @param {string} file
 */
const from = (name, file) => async () =>
  (await hosts.ask(name)) ?? new URL(file, scope.location.href);

provide({
  wasm: from("wasm", "client_bg.wasm"),
  calls: from("calls", "calls_bg.wasm"),
  csta: from("csta", "csta_bg.wasm"),
});

scope.addEventListener("connect", (/** @type {any} */ { ports: [port] }) =>
  hosts.accept(port),
);
