/**
 * Devices that are authorised one by one, on the wire: who may register, what becomes of those that are
 * revoked, the slot of browsers, credentials of one device, who may begin something. What the account
 * service is answered: device-rules.test.mjs, account-functions.test.mjs. Who rings: ringing.test.mjs.
 */
import assert from "node:assert/strict";
import { eventually } from "../interop/support/eventually.mjs";
import { Call } from "./support/call.mjs";
import {
  CONFLICT,
  FORCE,
  ZERO,
  contact,
  instance,
} from "./support/contacts.mjs";
import { DatagramPhone } from "./support/datagram-phone.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import { freePort } from "./support/ports.mjs";
import { Watcher, told } from "./support/watcher.mjs";

const TWO_NODES = {
  nodes: [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
};
const NOT_AUTHORISED = /^399 \S+ "Device not authorised"$/;
const BOB = "sip:2002@example.test";

/** The Contact of a client with this instance. @param {string} digit */
const own = (digit) =>
  contact(digit, { instance: instance(digit), device: "" });

/** @param {string} digit @returns {[string, string]} */
const shown = (digit) => ["X-Graceline-Instance", `<${instance(digit)}>`];

/** @param {{ status: number, header: (name: string) => string }} answer */
function assertNotAuthorised(answer) {
  assert.equal(answer.status, 403);
  assert.match(answer.header("Warning"), NOT_AUTHORISED);
}

/** A client that is registered as the device of this digit. */
async function registered(world, digit, options = {}) {
  const client = await world.connect({ name: digit, ...options });
  const answer = await client.register({ contacts: [own(digit)] });
  assert.equal(answer.status, 200, `${digit}: ${answer.startLine}`);
  return client;
}

gracefulTest(
  "a device registers once it is authorised, and each answer tells that it has to be",
  {},
  async (world) => {
    const facts = await Facts.on(world);
    const client = await world.connect();
    const tells = [
      "X-cisco-graceful-reg",
      "X-graceline-devices",
      "X-graceline-asserted-id",
    ];
    const challenge = await client.send("REGISTER", "sip:example.test", {
      to: client.aor,
    });
    assert.equal(challenge.status, 401);
    assert.deepEqual(challenge.all("Supported"), tells);
    const refused = await client.register({ contacts: [own("a")] });
    assertNotAuthorised(refused);
    assert.deepEqual(refused.all("Supported"), tells);
    assert.deepEqual(await world.server.bindings(), []);

    await facts.authorise(instance("a"));
    const answer = await client.register({ contacts: [own("a")] });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.all("Supported"), tells);
    assert.deepEqual(await facts.registered(), ["a"]);
    await client.register({ contacts: [`${own("a")};expires=0`] });
    assert.deepEqual(await facts.registered(), []);
  },
);

gracefulTest(
  "an instance is shown in the Contact or beside it, and there is one",
  {},
  async (world) => {
    const facts = await Facts.on(world);
    await facts.authorise(instance("a"));
    await facts.authorise(instance("b"), "mobile", "2002");
    const client = await world.connect();
    const zeros = contact("z", { instance: ZERO });
    const status = async (
      /** @type {string} */ value,
      /** @type {[string, string][]} */ ...headers
    ) => (await client.register({ contacts: [value], headers })).status;
    const capitals = instance("a").replaceAll("a", "A");
    const cases = /** @type {[number, string, ...[string, string][]][]} */ ([
      [200, zeros, shown("a")],
      [200, zeros, ["X-Graceline-Instance", instance("a")]],
      [200, zeros, ["X-Graceline-Instance", `<${capitals}>`]],
      [200, own("a"), shown("a")],
      [403, zeros],
      [403, contact("z", {})],
      // Somebody else's, and nobody's.
      [403, zeros, shown("b")],
      [403, own("b")],
      [403, zeros, shown("0")],
      [
        400,
        zeros,
        ["X-Graceline-Instance", `<${instance("a")}>, <${instance("a")}>`],
      ],
      [403, zeros, ["X-Graceline-Instance", `${instance("a")}" OR "a"="a`]],
      [400, own("a"), shown("b")],
      [400, own("b"), shown("a")],
      [400, zeros, shown("a"), shown("a")],
      [400, own("a"), shown("a"), shown("b")],
    ]);
    for (const [expected, ...says] of cases) {
      await world.server.redis.command(["DEL", "graceline:2001@example.test"]);
      assert.equal(await status(...says), expected, JSON.stringify(says));
      assert.equal(
        (await world.server.bindings()).length,
        expected === 200 ? 1 : 0,
        JSON.stringify(says),
      );
    }
  },
);

gracefulTest(
  "off is as ever, for a domain, for a user, and for servers",
  {
    accounts: ["2001", "2002", "cti", "controller", "voicemail"].map(
      (user) => ({ user }),
    ),
  },
  async (world) => {
    const client = await world.connect();
    const answer = await client.register({
      contacts: [own("a")],
      headers: [shown("b"), shown("c")],
    });
    assert.equal(answer.status, 200);
    assert.ok(!answer.all("Supported").includes("X-graceline-devices"));
    await client.register({ contacts: ["*"], expires: 0 });

    await Facts.on(world);
    assertNotAuthorised(await client.register({ contacts: [own("a")] }));
    await world.server.database.sql(
      "UPDATE subscriber SET devices = 'off' WHERE username = '2001'",
    );
    for (const user of ["2001", "cti", "controller", "voicemail"]) {
      const server = await world.connect({ name: user, user });
      assert.equal(
        (await server.register({ contacts: [own("c")] })).status,
        200,
        user,
      );
    }
    const other = await world.connect({ name: "other", user: "2002" });
    assertNotAuthorised(await other.register({ contacts: [own("d")] }));
    // They originate by digest alone as well.
    const caller = await world.connect({ name: "caller" });
    assert.equal((await caller.request("MESSAGE", BOB)).status, 480);
  },
);

// Revoked --------------------------------------------------------------------------------------------

for (const [what, setup] of Object.entries({
  "one node": {},
  "two nodes": TWO_NODES,
}))
  gracefulTest(
    `revoked, a device loses its binding and is told; it comes back once it is restored (${what})`,
    setup,
    async (world) => {
      const facts = await Facts.on(world);
      await facts.authorise(instance("a"));
      await facts.authorise(instance("b"));
      const [here] = world.server.nodes;
      const there = world.server.nodes.at(-1);
      const client = await registered(world, "a", { url: here.url });
      const other = await registered(world, "b", { url: there.url });
      const watching = [new Watcher(client), new Watcher(other)];
      for (const watcher of watching) {
        assert.equal((await watcher.subscribe()).status, 200);
        await watcher.notify(1);
      }
      const began = performance.now();
      await facts.call("revoke", { id: "a" });
      const bindings = await world.server.bindings();
      assert.deepEqual(
        bindings.map(({ instance }) => instance),
        [instance("b")],
      );
      for (const watcher of watching)
        assert.deepEqual(told(await watcher.notify(2)), {
          a: "terminated rejected",
          b: "active registered",
        });
      const reset = client.received.find(
        (request) => request.header("Event") === "service-control",
      );
      assert.match(
        reset?.body ?? "",
        new RegExp(`^action=reset\r\nRegisterCallId=\\{${client.callId}\\}`),
      );
      assert.ok(performance.now() - began < 1000, "told within a second");
      // While it is still connected, and after that.
      assertNotAuthorised(await client.register({ contacts: [own("a")] }));
      assertNotAuthorised(await client.request("MESSAGE", BOB));
      assert.equal(await client.closed, 4003);
      const again = await world.connect({ url: there.url });
      assertNotAuthorised(await again.register({ contacts: [own("a")] }));
      assertNotAuthorised(await again.request("INVITE", BOB));
      assertNotAuthorised(
        await again.request("SUBSCRIBE", again.aor, {
          headers: [["Event", "reg"]],
        }),
      );
      assert.equal(
        other.received.filter(({ method }) => method !== "NOTIFY").length,
        0,
      );

      await facts.call("restore", {
        id: "a",
        limits: { mobile: 2, deskphone: 0 },
      });
      assert.equal(
        (await again.register({ contacts: [own("a")] })).status,
        200,
      );
      assert.deepEqual((await facts.registered()).sort(), ["a", "b"]);
    },
  );

gracefulTest(
  "forgotten or replaced, a device is as unknown as one that never was",
  TWO_NODES,
  async (world) => {
    const facts = await Facts.on(world);
    for (const digit of ["a", "b"]) await facts.authorise(instance(digit));
    const first = await registered(world, "a");
    const second = await registered(world, "b", {
      url: world.server.nodes[1].url,
    });
    await facts.call("forget", { id: "a" });
    await facts.call("authorise", {
      ...{ id: "c", instance: instance("c"), class: "mobile", name: "c" },
      ...{ replaces: "b", limits: { mobile: 1, deskphone: 0 } },
    });
    assert.deepEqual(await world.server.bindings(), []);
    assert.deepEqual(
      await Promise.all([first.closed, second.closed]),
      [4003, 4003],
    );
    for (const digit of ["a", "b"]) {
      const again = await world.connect({ name: `${digit} again` });
      assertNotAuthorised(await again.register({ contacts: [own(digit)] }));
    }
    await registered(world, "c");
  },
);

gracefulTest(
  "a revoked device can hang up its call, and nothing else",
  TWO_NODES,
  async (world) => {
    const facts = await Facts.on(world);
    await facts.authorise(instance("a"));
    await facts.authorise(instance("b"), "mobile", "2002");
    const alice = await registered(world, "a");
    const bob = await registered(world, "b", {
      user: "2002",
      url: world.server.nodes[1].url,
    });
    const call = await Call.start(alice, BOB, bob);
    await facts.call("revoke", { id: "a" });
    await alice.incoming("NOTIFY");
    assert.equal((await call.request("BYE")).status, 200);
    await bob.incoming("BYE");
    assertNotAuthorised(await alice.request("INVITE", BOB));
    assert.equal(await alice.closed, 4003);
  },
);

// The slot -------------------------------------------------------------------------------------------

gracefulTest(
  "browsers and desktops have one slot, at whichever node: ask",
  TWO_NODES,
  async (world) => {
    const facts = await Facts.on(world);
    await facts.authorise(instance("a"), "web");
    await facts.authorise(instance("b"), "desktop");
    await facts.authorise(instance("c"), "mobile");
    await facts.authorise(instance("d"), "deskphone");
    const url = world.server.nodes[1].url;
    const web = await registered(world, "a");
    await registered(world, "c", { url });
    await registered(world, "d");

    const desktop = await world.connect({ name: "b", url });
    const refused = await desktop.register({ contacts: [own("b")] });
    assert.equal(refused.status, 403);
    assert.match(refused.header("Warning"), CONFLICT);
    assert.match(
      refused.header("X-Graceline-Holder"),
      new RegExp(`^"${instance("a")}"`),
    );
    const forced = await desktop.register({
      contacts: [own("b")],
      headers: [FORCE],
    });
    assert.equal(forced.status, 200);
    await web.incoming("NOTIFY");
    assert.equal(await web.closed, 4001);
    assert.deepEqual((await facts.registered()).sort(), ["b", "c", "d"]);
  },
);

gracefulTest(
  "in Cisco's form, whose Contacts show zeros, a browser is who it says beside them",
  {},
  async (world) => {
    const facts = await Facts.on(world);
    await facts.authorise(instance("a"), "web");
    await facts.authorise(instance("b"), "web");
    const login = async (
      /** @type {any} */ client,
      /** @type {string} */ digit,
    ) => {
      const contacts = [contact(digit, { instance: ZERO })];
      return (await client.register({ contacts, headers: [shown(digit)] }))
        .status;
    };
    assert.equal(await login(await world.connect({ name: "a" }), "a"), 200);
    // A page that is loaded anew, with another Contact, is itself.
    const page = await world.connect({ name: "a again" });
    assert.equal(await login(page, "a"), 200);
    const rival = await world.connect({ name: "b" });
    assert.equal(await login(rival, "b"), 403);
    assert.equal((await world.server.bindings()).length, 1);
  },
);

gracefulTest(
  "browsers and desktops have one slot, at whichever node: override",
  TWO_NODES,
  async (world) => {
    const facts = await Facts.on(world, "override");
    await facts.authorise(instance("a"), "web");
    await facts.authorise(instance("b"), "desktop");
    const web = await registered(world, "a");
    const desktop = await world.connect({
      name: "b",
      url: world.server.nodes[1].url,
    });
    const answer = await desktop.register({ contacts: [own("b")] });
    assert.equal(answer.status, 200);
    assert.ok(answer.all("Supported").includes("X-cisco-duplicate-reg"));
    await web.incoming("NOTIFY");
    assert.equal(await web.closed, 4001);
    // Its refresh does not take the slot back.
    const again = await world.connect({ name: "a again" });
    Object.assign(again, { callId: web.callId, cseq: web.cseq });
    assert.equal((await again.register({ contacts: [own("a")] })).status, 403);
    assert.deepEqual(await facts.registered(), ["b"]);
  },
);

// Credentials of a device ------------------------------------------------------------------------------

gracefulTest(
  "credentials of a device are that device's, and end with it",
  {},
  async (world) => {
    const facts = await Facts.on(world);
    const ids = [
      await facts.authorise(instance("a")),
      await facts.authorise(instance("b")),
    ];
    const [mine, other] = await Promise.all(
      ids.map((id) => facts.credentials(id)),
    );
    const client = await world.connect({ name: "own", ...mine });
    const silent = await client.register({ contacts: [contact("s", {})] });
    assert.equal(silent.status, 200);
    assert.deepEqual(await facts.registered(), ["a"]);
    assert.equal((await client.register({ contacts: [own("a")] })).status, 200);
    assertNotAuthorised(await client.register({ contacts: [own("b")] }));
    assertNotAuthorised(
      await client.register({
        contacts: [contact("s", {})],
        headers: [shown("b")],
      }),
    );

    await facts.call("revoke", { id: "a" });
    await client.closed;
    const late = await world.connect({ name: "late", ...mine });
    assert.equal((await late.register({ contacts: [own("a")] })).status, 401);
    // Alone: the other device, and the password of the account, are as good as before.
    const second = await world.connect({ name: "second", ...other });
    assert.equal((await second.register({ contacts: [own("b")] })).status, 200);
    const third = await world.connect({ name: "third" });
    assertNotAuthorised(await third.register({ contacts: [own("a")] }));
  },
);

gracefulTest(
  "nobody logs in by guessing the names of credentials, or with those of another user",
  { nodes: [{ settings: { FAILURES_PER_USER: 1000 } }] },
  async (world) => {
    const facts = await Facts.on(world);
    await facts.authorise(instance("a"));
    await facts.authorise(instance("b"), "mobile", "2002");
    const { authUser, password } = await facts.credentials("b", "2002");
    const cases = [
      { authUser, password },
      { authUser: "g-0", password },
      { authUser: "a", password },
      { authUser: "", password },
      { authUser: `*`, password },
      { authUser: `${authUser}\\r\\nwho=2001@example.test`, password },
      { authUser: "x%0Awho=2001@example.test", password },
      { authUser: "graceline:credential:x", password },
      { authUser: "g".repeat(65), password },
      // The right name with the password of the account.
      { authUser, password: world.server.passwords[2001] },
    ];
    for (const [index, credentials] of cases.entries()) {
      const client = await world.connect({
        name: `guess ${index}`,
        ...credentials,
      });
      const answer = await client.register({ contacts: [own("a")] });
      assert.equal(answer.status, 401, JSON.stringify(credentials));
      const call = await client.request("INVITE", BOB);
      assert.equal(call.status, 407, JSON.stringify(credentials));
    }
    assert.deepEqual(await world.server.bindings(), []);
    assert.doesNotMatch(world.server.log, /ERROR/);
  },
);

gracefulTest(
  "guesses at credentials of devices are slowed as those at passwords are",
  {},
  async (world) => {
    const facts = await Facts.on(world);
    await facts.authorise(instance("a"));
    const { authUser } = await facts.credentials("a");
    const client = await world.connect({ authUser, password: "wrong" });
    for (let guess = 0; guess < 5; guess++)
      assert.equal(
        (await client.register({ contacts: [own("a")] })).status,
        401,
      );
    assert.equal((await client.register({ contacts: [own("a")] })).status, 503);
  },
);

// Who begins something -----------------------------------------------------------------------------

gracefulTest(
  "a desk phone over UDP with credentials of its own: registered it calls, revoked it does not",
  { nodes: [] },
  async (world) => {
    const port = await freePort();
    await world.server.add({ listen: [`udp:127.0.0.1:${port}`] });
    const facts = await Facts.on(world);
    const id = await facts.authorise(instance("d"), "deskphone");
    const credentials = await facts.credentials(id);
    const { transcript } = world;
    const desk = new DatagramPhone({
      port,
      user: "2001",
      ...credentials,
      transcript,
    });
    await desk.open();
    world.after(() => desk.close());
    assertNotAuthorised(await desk.request("MESSAGE", BOB));
    assert.equal((await desk.register()).answer.status, 200);
    assert.equal((await desk.request("MESSAGE", BOB)).status, 480);
    await facts.call("revoke", { id });
    assert.deepEqual(await world.server.bindings(), []);
    assert.equal((await desk.request("MESSAGE", BOB)).status, 407);
    // The password of the account is no way around.
    Object.assign(desk, { authUser: "2001", password: "secret-2001" });
    assertNotAuthorised(await desk.request("MESSAGE", BOB));
  },
);

gracefulTest(
  "a page without a binding reaches a gateway as a device that is authorised, until it is revoked",
  {
    accounts: ["2001", "2002", "cti"].map((user) => ({ user })),
    nodes: TWO_NODES.nodes,
  },
  async (world) => {
    const facts = await Facts.on(world);
    await facts.authorise(instance("a"));
    await facts.authorise(instance("b"), "mobile", "2002");
    const gateway = await world.connect({ name: "gateway", user: "cti" });
    gateway.respond = ({ method }) => ({
      status: method === "INVITE" ? 486 : 200,
    });
    await gateway.register({ contacts: [own("f")] });
    const bob = await registered(world, "b", { user: "2002" });
    const { url } = world.server.nodes[1];
    const page = await world.connect({ name: "page", url });
    const call = (
      /** @type {any} */ who,
      /** @type {[string, string][]} */ headers,
      uri = "sip:cti@example.test",
    ) => who.request("INVITE", uri, { headers });

    assertNotAuthorised(await call(page, []));
    assertNotAuthorised(await call(page, [shown("b")]));
    assertNotAuthorised(await call(page, [shown("0")]));
    assertNotAuthorised(await call(page, [shown("a"), shown("a")]));
    assert.equal((await call(page, [shown("a")])).status, 486);
    // To nobody else, and nothing else.
    assertNotAuthorised(await call(page, [shown("a")], BOB));
    assertNotAuthorised(
      await page.request("MESSAGE", "sip:cti@example.test", {
        headers: [shown("a")],
      }),
    );
    const credentials = await facts.credentials("a");
    const other = await world.connect({ name: "other", ...credentials });
    assert.equal((await call(other, [])).status, 486);
    assertNotAuthorised(await call(other, [shown("b")]));
    assert.equal(
      gateway.received.filter(({ method }) => method === "INVITE").length,
      2,
    );

    // One that has gone is forgotten, the others end with the device.
    await other.close();
    const visits = async () => {
      const record = await world.server.redis.command([
        "--raw",
        "GET",
        "graceline:2001@example.test",
      ]);
      return JSON.parse(record).visits.length;
    };
    await eventually(
      "the other to be forgotten",
      async () => (await visits()) === 1,
    );
    await facts.call("revoke", { id: "a" });
    assert.equal(await page.closed, 4003);
    const again = await world.connect({ name: "again", url });
    assertNotAuthorised(await call(again, [shown("a")]));
    assert.equal(bob.received.length, 0);
  },
);

// At the same time -----------------------------------------------------------------------------------

gracefulTest(
  "revoked in the midst of its refreshes, at whichever node, a device is not bound once all is quiet",
  TWO_NODES,
  async (world) => {
    const facts = await Facts.on(world);
    await facts.authorise(instance("a"));
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(
        world.server.nodes.map((/** @type {any} */ { url }) =>
          world.connect({ url }),
        ),
      );
      await Promise.all(
        clients.map((client) => client.query().catch(() => {})),
      );
      const refreshes = clients.flatMap((client) =>
        [1, 2, 3].map(() =>
          client
            .register({ contacts: [own("a")], reuseNonce: true })
            .catch(() => undefined),
        ),
      );
      await facts.call("revoke", { id: "a" });
      await Promise.all(refreshes);
      assert.deepEqual(await world.server.bindings(), []);
      for (const client of clients) {
        const answer = await client
          .register({ contacts: [own("a")] })
          .catch(() => undefined);
        if (answer) assertNotAuthorised(answer);
        await client.terminate();
      }
      await facts.call("restore", {
        id: "a",
        limits: { mobile: 1, deskphone: 0 },
      });
    }
  },
);
