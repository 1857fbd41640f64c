/** Messages come to all devices of a user: to those that are away when they register, once. */
import assert from "node:assert/strict";
import { eventually } from "../interop/support/eventually.mjs";
import { contact, instance } from "./support/contacts.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const AOR = "sip:2001@example.test";
const TWO_NODES = {
  nodes: [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
};

/**
 * 2001 with three mobiles that are authorised, and 2002 who writes.
 * @param {any} world
 */
async function household(world) {
  const facts = await Facts.on(world);
  for (const digit of "abc") await facts.authorise(instance(digit));
  await facts.authorise(instance("e"), "mobile", "2002");
  const { nodes } = world.server;
  const own = (/** @type {string} */ digit) =>
    contact(digit, { instance: instance(digit), device: "" });
  const logIn = async (
    /** @type {string} */ digit,
    /** @type {any} */ respond = () => ({ status: 200 }),
  ) => {
    const { url } = nodes[(digit === "b" ? 1 : 0) % nodes.length];
    const client = await world.connect({ name: digit, url });
    client.respond = respond;
    const answer = await client.register({ contacts: [own(digit)] });
    assert.equal(answer.status, 200);
    return client;
  };
  const writer = await world.connect({ name: "writer", user: "2002" });
  await writer.register({ contacts: [own("e")] });
  const write = (
    /** @type {string} */ body,
    { uri = AOR, type = "text/plain;charset=utf-8" } = {},
  ) =>
    writer.request("MESSAGE", uri, {
      body,
      headers: [["Content-Type", type]],
    });
  return { facts, logIn, write, own };
}

/** The texts that a client has got. @param {any} client */
const texts = ({ received }) =>
  received
    .filter((/** @type {any} */ { method }) => method === "MESSAGE")
    .map((/** @type {any} */ { body }) => body);

/** Resolves when a client has got so many. @param {any} world @param {any} client @param {number} count */
const heard = (world, client, count) =>
  world.transcript.until(
    `${count} messages to ${client.name}`,
    () => texts(client).length >= count,
  );

gracefulTest(
  "a message is kept for the devices that are away, and comes to each once",
  TWO_NODES,
  async (world) => {
    const { logIn, write, own } = await household(world);
    // Nobody is there.
    assert.equal((await write('first "\u00fc"\r\nline 2')).status, 202);
    const a = await logIn("a");
    await heard(world, a, 1);
    const message = await a.incoming("MESSAGE");
    assert.equal(message.body, 'first "\u00fc"\r\nline 2');
    assert.equal(message.header("Content-Type"), "text/plain;charset=utf-8");
    assert.match(message.header("From"), /^<sip:2002@example[.]test>;tag=/);
    assert.equal(message.header("To"), `<${AOR}>`);
    assert.match(message.header("Date"), / GMT$/);
    assert.deepEqual(message.all("P-Asserted-Identity"), [
      "<sip:2002@example.test>",
    ]);
    // One is there, two are not.
    assert.equal((await write("second")).status, 200);
    assert.equal((await write("third")).status, 200);
    const b = await logIn("b");
    await heard(world, b, 3);
    assert.deepEqual(texts(b), ['first "\u00fc"\r\nline 2', "second", "third"]);
    // Neither a refresh nor a new connection brings them again.
    for (const [digit, client] of /** @type {const} */ ([
      ["a", a],
      ["b", b],
    ]))
      await client.register({ contacts: [own(digit)] });
    await b.terminate();
    const again = await logIn("b");
    assert.equal((await write("fourth")).status, 200);
    await heard(world, again, 1);
    assert.deepEqual(texts(again), ["fourth"]);
    assert.equal(texts(a).length, 4);
    const c = await logIn("c");
    await heard(world, c, 4);
  },
);

gracefulTest(
  "what a device could not take it gets when it is back, and what it refuses is gone",
  {},
  async (world) => {
    const { logIn, write } = await household(world);
    assert.equal((await write("hello")).status, 202);
    // It goes before it has answered.
    const lost = await logIn("a", () => undefined);
    await heard(world, lost, 1);
    await lost.terminate();
    const back = await logIn("a", () => ({ status: 415 }));
    await heard(world, back, 1);
    await back.terminate();
    const list = "graceline:messages:2001@example.test:a";
    await eventually(
      "the message to be forgotten",
      async () => (await world.server.redis.command(["EXISTS", list])) === "0",
    );
  },
);

gracefulTest(
  "a message over a connection that has died without a sign comes over the next one, once",
  TWO_NODES,
  async (world) => {
    const { facts, logIn, write } = await household(world);
    const kept = async (/** @type {string} */ digit) =>
      world.server.redis.command([
        "EXISTS",
        `graceline:messages:2001@example.test:${digit}`,
      ]);
    // What answers as it comes is kept for nobody.
    const there = await logIn("b");
    const dead = await logIn("a", () => undefined);
    const last = await logIn("c");
    assert.equal((await write("first")).status, 200);
    await heard(world, dead, 1);
    await eventually(
      "those who have answered to be known",
      async () => (await kept("b")) === "0" && (await kept("c")) === "0",
    );
    assert.equal(await kept("a"), "1");
    const back = await logIn("a");
    await heard(world, back, 1);
    assert.deepEqual(texts(back), ["first"]);
    await eventually(
      "the message to be forgotten",
      async () => (await kept("a")) === "0",
    );
    assert.deepEqual([texts(there), texts(last)], [["first"], ["first"]]);
    // Nobody is there whose connection works: the sender is told that it is kept.
    await Promise.all([back.terminate(), there.terminate(), last.terminate()]);
    const mute = await logIn("b", () => undefined);
    for (const id of "ac") await facts.call("revoke", { id });
    assert.equal((await write("second")).status, 202);
    assert.deepEqual(texts(mute), ["second"]);
    const again = await logIn("b");
    await heard(world, again, 1);
    assert.deepEqual(texts(again), ["second"]);
  },
);

gracefulTest(
  "a message for a device whose node has not told yet that it is gone is kept",
  TWO_NODES,
  async (world) => {
    const { logIn, write } = await household(world);
    // Its end is told ten times a second: some of these come in between.
    const all = [];
    for (let round = 0; round < 5; round++) {
      const there = await logIn("b");
      all.push(there);
      await there.terminate();
      assert.equal((await write(`text ${round}`)).status, 202);
    }
    all.push(await logIn("b"));
    await world.transcript.until(
      "all of them to come",
      () => new Set(all.flatMap(texts)).size === 5,
    );
  },
);

gracefulTest(
  "nothing is kept, and nobody woken, where devices need not be authorised, and of nobody",
  {},
  async (world) => {
    const { facts, logIn, write } = await household(world);
    const { redis, database } = world.server;
    const push = { endpoint: "https://p.test/a", p256dh: "k", auth: "s" };
    await facts.call("push_set", { id: "a", push });
    const wakes = () => redis.command(["LLEN", "graceline:wakes"]);
    assert.equal((await write("first")).status, 202);
    assert.equal(await wakes(), "1");
    await database.sql(
      "UPDATE subscriber SET devices = 'off' WHERE username = '2001'",
    );
    assert.equal((await write("second")).status, 480);
    const nobody = "sip:nobody@example.test";
    assert.equal((await write("third", { uri: nobody })).status, 404);
    assert.equal(await wakes(), "1");
    await database.sql(
      "UPDATE subscriber SET devices = 'on' WHERE username = '2001'",
    );
    const a = await logIn("a");
    await heard(world, a, 1);
    assert.deepEqual(texts(a), ["first"]);
  },
);

gracefulTest(
  "what is kept is bounded, passes nobody by, and goes with its device",
  {},
  async (world) => {
    const { facts, logIn, write } = await household(world);
    const { redis } = world.server;
    const kept = async (/** @type {string} */ digit) =>
      Number(
        await redis.command([
          "HLEN",
          `graceline:messages:2001@example.test:${digit}`,
        ]),
      );
    // Too long, empty, over in a moment, not whole: nobody is there to take it.
    for (const [body, type] of /** @type {const} */ ([
      ["x".repeat(4097), "text/plain"],
      ["", "text/plain"],
      ["a\0b", "text/plain"],
      ["<isComposing/>", "application/im-iscomposing+xml"],
    ]))
      assert.equal((await write(body, { type })).status, 480);
    for (let index = 0; index < 103; index++)
      assert.equal((await write(`text ${index}`)).status, 202);
    assert.equal(await kept("a"), 100);
    const a = await logIn("a");
    await heard(world, a, 100);
    assert.equal(texts(a)[0], "text 3");
    // A message to one device by its GRUU is for that one.
    const gruu = `${AOR};gr=${instance("b")}`;
    const before = await kept("c");
    assert.equal((await write("for b", { uri: gruu })).status, 202);
    assert.equal(await kept("c"), before);
    await facts.call("revoke", { id: "c" });
    assert.equal(await kept("c"), 0);
    assert.equal((await write("after")).status, 200);
    assert.equal(await kept("c"), 0);
  },
);
