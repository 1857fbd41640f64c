// The demo server's desk phones, its gateway, and what hands do there.

/**
 * @typedef {import("../js/testing/index.js").DeskPhoneCall} DeskPhoneCall
 * @typedef {{ device: string, line: string, inService: boolean, calls: DeskPhoneCall[] }} DeskPhone
 * @typedef {{ on: boolean, state: "connecting" | "up" | "down", sessions: number }} Node
 * @typedef {{ phones: DeskPhone[], nodes: Node[] }} DeskView
 * @typedef {{ direction: "sent" | "received", message: string, at: number, csta: string }} Message
 */

const EVENTS = "/demo/api/desk/events";
const HANDS = "/demo/api/desk";

/**
 * @param {{ desk: (view: DeskView) => void, message: (message: Message) => void }} told
 *   `message`: passed by the gateway
 */
export function watchDesk(told) {
  const source = new EventSource(EVENTS);
  for (const [name, tell] of Object.entries(told))
    source.addEventListener(name, ({ data }) => tell(JSON.parse(data)));
}

/**
 * @param {{ device: string, act: string, text?: string } | { node: number, on: boolean }} order
 * @returns {Promise<boolean>} whether the phone could do that
 */
export async function use(order) {
  const answer = await fetch(HANDS, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(order),
  });
  if (!answer.ok && answer.status !== 409)
    throw new Error(`The demo server refused that (${answer.status}).`);
  return answer.ok;
}
