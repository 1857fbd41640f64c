/** Who rings of a user's devices, with the real Kamailio: the chosen ones, or those that are in use. */
import assert from "node:assert/strict";
import { eventually } from "../interop/support/eventually.mjs";
import { contact, instance } from "./support/contacts.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const AOR = "sip:2001@example.test";
const KINDS = /** @type {const} */ ({
  a: "web",
  b: "mobile",
  c: "deskphone",
  d: "deskphone",
});

/** The digits of the devices, and the nodes that they are at. */
const TWO_NODES = {
  nodes: [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
};

/**
 * 2001 with devices that are busy, at the nodes in turn, and 2002 who calls.
 * @param {any} world
 * @param {string} digits
 */
async function household(world, digits) {
  const facts = await Facts.on(world);
  const { nodes } = world.server;
  /** @type {Record<string, any>} */
  const devices = {};
  for (const [index, digit] of [...digits].entries()) {
    const kind = KINDS[/** @type {keyof typeof KINDS} */ (digit)];
    await facts.authorise(instance(digit), kind);
    const { url } = nodes[index % nodes.length];
    devices[digit] = await world.connect({ name: digit, url });
    devices[digit].respond = ({ method }) =>
      method === "INVITE" ? { status: 486 } : { status: 200 };
    const own = contact(digit, { instance: instance(digit), device: "" });
    const answer = await devices[digit].register({ contacts: [own] });
    assert.equal(answer.status, 200);
  }
  await facts.authorise(instance("e"), "mobile", "2002");
  const caller = await world.connect({ name: "caller", user: "2002" });
  const own = contact("e", { instance: instance("e"), device: "" });
  await caller.register({ contacts: [own] });

  /** Which devices a request comes to, and what it is answered. */
  const asked = async (/** @type {string} */ method, uri = AOR) => {
    const before = new Map(
      Object.values(devices).map((one) => [one, one.received.length]),
    );
    const answer = await caller.request(method, uri);
    const reached = Object.entries(devices)
      .filter(([, one]) =>
        one.received
          .slice(before.get(one))
          .some((request) => request.method === method),
      )
      .map(([digit]) => digit);
    return [reached.join(""), answer.status];
  };
  return { facts, devices, asked };
}

gracefulTest(
  "with nothing chosen it rings where the user is, and at the desk when nobody is",
  TWO_NODES,
  async (world) => {
    const { devices, asked } = await household(world, "abcd");
    assert.deepEqual(await asked("INVITE"), ["ab", 486]);
    await devices.b.register({
      contacts: ["*"],
      expires: 0,
      headers: [["X-Graceline-Instance", instance("b")]],
    });
    assert.deepEqual(await asked("INVITE"), ["a", 486]);
    // The page goes without a word; the next call rings at the desk within a second.
    const ended = performance.now();
    await devices.a.terminate();
    await eventually(
      "the desk phones to ring",
      async () => (await asked("INVITE"))[0] === "cd",
      1_000,
    );
    assert.ok(performance.now() - ended < 1_000);
  },
);

gracefulTest(
  "chosen by hand it rings there, be anybody there or not",
  TWO_NODES,
  async (world) => {
    const { facts, devices, asked } = await household(world, "abc");
    await facts.call("rings_set", { ids: ["b", "c"] });
    assert.deepEqual(await asked("INVITE"), ["bc", 486]);
    await devices.b.terminate();
    await eventually(
      "b to be gone",
      async () => (await facts.registered()).length === 2,
    );
    assert.deepEqual(await asked("INVITE"), ["c", 486]);
    await devices.c.terminate();
    await eventually(
      "c to be gone",
      async () => (await facts.registered()).length === 1,
    );
    assert.deepEqual(await asked("INVITE"), ["", 480]);
    await facts.call("rings_set", { ids: "auto" });
    assert.deepEqual(await asked("INVITE"), ["a", 486]);
  },
);

gracefulTest(
  "messages come to all devices, a call to one's GRUU to that one",
  {},
  async (world) => {
    const { facts, devices, asked } = await household(world, "abc");
    await facts.call("rings_set", { ids: ["b"] });
    const heard = async () => {
      await asked("MESSAGE");
      // The answer to the sender is the first that came; the others take the message all the same.
      await Promise.all(
        Object.values(devices).map((one) => one.incoming("MESSAGE")),
      );
    };
    await heard();
    assert.deepEqual(await asked("INVITE", `${AOR};gr=${instance("c")}`), [
      "c",
      486,
    ]);
  },
);

gracefulTest("off for a user, every binding rings", {}, async (world) => {
  await world.server.database.sql(
    "UPDATE subscriber SET unique_account = 'off' WHERE username = '2001'",
  );
  const { facts, asked } = await household(world, "abc");
  await facts.call("rings_set", { ids: ["a"] });
  assert.deepEqual(await asked("INVITE"), ["abc", 486]);
});
