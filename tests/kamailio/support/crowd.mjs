import { contact, instance } from "./contacts.mjs";

/** How many log in at one instant. */
export const COUNT = 50;

/**
 * Clients that are connected and know a nonce, each with its Contact.
 * @param {any} world
 * @param {(index: number) => string} url
 */
export async function crowd(world, url) {
  const clients = [];
  for (let index = 0; index < COUNT; index++) {
    const client = await world.connect({
      name: `client-${index}`,
      url: url(index),
    });
    await client.query();
    const id = index.toString(16).padStart(2, "0");
    const own = contact(`c${id}`, {
      instance: instance("f").replace(/ff$/, id),
    });
    clients.push({ client, contacts: [own], id });
  }
  return clients;
}

/**
 * @param {Awaited<ReturnType<typeof crowd>>} clients
 * @param {[string, string][]} [headers]
 */
export async function allAtOnce(clients, headers = []) {
  const answers = await Promise.all(
    clients.map(({ client, contacts }) =>
      client.register({ contacts, headers, reuseNonce: true }),
    ),
  );
  return answers.map(({ status }) => status);
}

/**
 * @param {number[]} statuses
 * @param {number} status
 */
export const count = (statuses, status) =>
  statuses.filter((one) => one === status).length;
