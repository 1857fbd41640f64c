// The demo server's account service, whose devices are shown, and pushes that it stands in for.

import { tell } from "./server.js";

/** @typedef {{ user: string, name: string, password: string, account: { url: string } }} Owner */

/**
 * @param {"devices" | "number"} page whose user it is
 * @param {{ owner: (owner: Owner) => void, push: (push: { id: string, body: string }) => void }} told
 *   `push`: sealed, for the subscription of that id
 */
export function watchOwner(page, told) {
  const source = new EventSource(`/demo/api/${page}/events`);
  for (const [name, hear] of Object.entries(told))
    source.addEventListener(name, ({ data }) => hear(JSON.parse(data)));
}

/** As before anybody logged in. @param {"devices" | "number"} page */
export const startOver = (page) => tell(`/demo/api/${page}`, {});
