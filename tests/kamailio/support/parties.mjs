/** Users with a phone each, at one node or at several. */
import assert from "node:assert/strict";
import { contact, instance } from "./contacts.mjs";

/**
 * A phone that is logged in.
 * @param {any} world
 * @param {string} name
 * @param {string} user
 * @param {import("./deployment.mjs").KamailioNode} node
 */
export async function loggedIn(world, name, user, node) {
  const client = await world.connect({ name, user, url: node.url });
  const own = contact(name, { device: name, instance: instance(name[0]) });
  assert.equal((await client.register({ contacts: [own] })).status, 200);
  return client;
}

/** Three users, the first at the first node, the others at the last. @param {any} world */
export async function parties(world) {
  const { nodes } = world.server;
  const last = nodes[nodes.length - 1];
  return {
    alice: await loggedIn(world, "alice", "2001", nodes[0]),
    bob: await loggedIn(world, "bob", "2002", last),
    carol: await loggedIn(world, "carol", "2003", last),
  };
}
