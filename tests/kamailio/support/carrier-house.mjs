/** A carrier, its customer's nodes, and who calls over them. */
import assert from "node:assert/strict";
import { Call, description } from "./call.mjs";
import { Carrier, number } from "./carrier.mjs";
import { contact, instance } from "./contacts.mjs";
import { Facts } from "./facts.mjs";

/** Nodes are added when the carrier is there. */
export const OPTIONS = {
  accounts: ["2001", "2002", "2003"].map((user) => ({ user })),
  nodes: [],
};
/** Numbers of users: 2003 has none. @type {Record<string, string>} */
export const OWN = { 2001: "+4930123456", 2002: "+4930123457" };
/** Of somebody outside. */
export const FAR = "+493055555";
export const AOR = (/** @type {string} */ user) => `sip:${user}@example.test`;

export const uri = (/** @type {string} */ header) =>
  /<([^>]*)>/.exec(header)?.[1] ?? header;

/**
 * A registered client that takes calls.
 * @param {any} world
 * @param {string} name
 * @param {object} options
 */
export async function phone(world, name, options) {
  const client = await world.connect({ name, ...options });
  client.respond = (/** @type {any} */ request) => taken(client, request);
  const own = contact(name, { instance: instance(name), device: "" });
  assert.equal((await client.register({ contacts: [own] })).status, 200);
  return client;
}

/** @param {any} client @param {any} request */
export const taken = (client, request) => ({
  status: 200,
  ...(request.method === "INVITE" && {
    headers: [
      client.contact ?? ["Contact", `<sip:${client.name}@callee.invalid>`],
      ["Content-Type", "application/sdp"],
    ],
    body: description(client),
  }),
});

/**
 * A carrier, its customer's nodes, 2001 with a page and a desk phone, 2002, and somebody outside.
 * @param {any} world
 * @param {number} count of nodes
 * @param {Record<string, string | number>} [settings]
 */
export async function house(world, count, settings = {}) {
  const carrier = await Carrier.start(world);
  for (let index = 0; index < count; index++)
    await carrier.node({
      ...{ name: "ab"[index], host: `127.0.0.${index + 2}`, settings },
    });
  const { nodes } = world.server;
  const [first, second = first] = nodes;
  const facts = await Facts.on(world);
  await facts.authorise(instance("a"), "web");
  await facts.authorise(instance("d"), "deskphone");
  await facts.authorise(instance("e"), "mobile", "2002");
  await facts.authorise(instance("f"), "mobile", "2003");
  for (const [user, id] of Object.entries(OWN)) await number(facts, user, id);
  const far = await carrier.outsider(FAR);
  far.respond = (/** @type {any} */ request) => taken(far, request);
  return {
    ...{ carrier, facts, far, first, second },
    page: await phone(world, "a", { url: first.url }),
    desk: await phone(world, "d", { url: second.url }),
    other: await phone(world, "e", { url: second.url, user: "2002" }),
  };
}

/** Calls, and answers. @param {any} client @param {string} target @param {any} [options] */
export async function stands(client, target, options) {
  const call = new Call(client, target);
  call.accepted = await call.invite(options);
  assert.equal(call.accepted.status, 200, call.accepted.startLine);
  await call.ack();
  return call;
}

/**
 * A request of somebody outside within a call to them.
 * @param {any} far
 * @param {string} method
 * @param {any} invite
 * @param {string} own as whom the other side called
 */
export function outsiderSends(far, method, invite, own) {
  return far.send(method, uri(invite.header("Contact")), {
    to: own,
    toTag: /;tag=([^;]+)/.exec(invite.header("From"))?.[1],
    fromTag: `${far.name}-${invite.header("Call-ID").slice(0, 8)}`,
    callId: invite.header("Call-ID"),
    headers: invite
      .all("Record-Route")
      .map((/** @type {string} */ route) => ["Route", route]),
  });
}

/**
 * A request of one of ours within a call from outside. Its From is what To of the INVITE was.
 * @param {any} client
 * @param {any} invite
 * @param {string} method
 * @param {any} far
 */
export async function calleeSends(client, invite, method, far) {
  const { user, domain } = client;
  client.user = /^sip:([^@]*)/.exec(uri(invite.header("To")))?.[1];
  client.domain = "carrier.test";
  const sent = client.send(method, uri(invite.header("Contact")), {
    to: far.aor,
    toTag: /;tag=([^;]+)/.exec(invite.header("From"))?.[1],
    fromTag: `${client.name}-${invite.header("Call-ID").slice(0, 8)}`,
    callId: invite.header("Call-ID"),
    headers: invite
      .all("Record-Route")
      .map((/** @type {string} */ route) => ["Route", route]),
  });
  Object.assign(client, { user, domain });
  return sent;
}
