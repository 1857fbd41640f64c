/** Users of one number each, with their phones by hand. */
import assert from "node:assert/strict";
import { eventually } from "../../interop/support/eventually.mjs";
import { description } from "./call.mjs";
import { contact, instance } from "./contacts.mjs";
import { Facts } from "./facts.mjs";

export const TWO_NODES = {
  nodes: [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
};
/** What a test is done at: the words for it, and what it adds to the options. */
export const TOPOLOGIES = Object.entries({
  "one node": /** @type {{ nodes?: { name: string, host: string }[] }} */ ({}),
  "two nodes": TWO_NODES,
});
export const ACCOUNTS = {
  accounts: ["2001", "2002", "2003"].map((user) => ({ user })),
};
export const AOR = (/** @type {string} */ user) => `sip:${user}@example.test`;

/**
 * A client that rings, and stops.
 * @param {any} world
 * @param {string} name
 * @param {object} [options]
 */
export async function phone(world, name, options = {}) {
  const client = await world.connect({ name, ...options });
  client.respond = (/** @type {any} */ request) => {
    if (request.method === "INVITE") return { status: 180, reason: "Ringing" };
    const rings = ({ method, branch }) =>
      method === "INVITE" && branch === request.branch;
    if (request.method === "CANCEL")
      client.answer(client.received.find(rings), { status: 487 });
    return { status: 200 };
  };
  const own = contact(name, { instance: instance(name), device: "" });
  assert.equal((await client.register({ contacts: [own] })).status, 200);
  return client;
}

/** An INVITE is taken. @param {any} client */
export async function take(client) {
  client.answer(await client.incoming("INVITE"), {
    status: 200,
    headers: [
      ["Contact", `<sip:${client.name}@callee.invalid;transport=ws>`],
      ["Content-Type", "application/sdp"],
    ],
    body: description(client),
  });
}

/** The history of a user, once it has a call. @param {Facts} facts @param {string} user */
export const history = (facts, user, milliseconds = 10_000) =>
  eventually(
    `a record of ${user}`,
    async () => {
      const calls = await facts.call("history", {}, user);
      return calls.length > 0 && calls;
    },
    milliseconds,
  );

/**
 * 2001 with a page w and a desk phone d, at two nodes; 2002 who calls; 2003 with a phone.
 * @param {any} world
 */
export async function household(world) {
  const facts = await Facts.on(world);
  const [first, second = first] = world.server.nodes;
  await facts.authorise(instance("a"), "web");
  await facts.authorise(instance("d"), "deskphone");
  await facts.authorise(instance("e"), "mobile", "2002");
  await facts.authorise(instance("f"), "mobile", "2003");
  return {
    facts,
    page: await phone(world, "a", { url: first.url }),
    desk: await phone(world, "d", { url: second.url }),
    caller: await phone(world, "e", { url: second.url, user: "2002" }),
    other: await phone(world, "f", { url: first.url, user: "2003" }),
  };
}

export const invites = (/** @type {any} */ { received }) =>
  received.filter(({ method }) => method === "INVITE");
