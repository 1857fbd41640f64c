/**
 * Two CTI gateways behind deploy/kamailio: sessions go round, each stays with its gateway, and one
 * that is gone, or cannot serve, is passed over.
 */
import assert from "node:assert/strict";
import { startGateway } from "graceline/gateway";
import { startSwitch } from "graceline/testing";
import { eventually } from "../interop/support/eventually.mjs";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { CtiClient, connection, inside } from "../js/support/cti-client.js";
import { Relay } from "../support/relay.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const DOMAIN = "example.test";
const PHONES = { 2001: ["SEP01"], 2002: ["SEP02"] };
const LINES = { 2001: [{ device: "SEP01" }], 2002: [{ device: "SEP02" }] };
const USERS = ["2001", "2002", "cti"];

const setup = {
  accounts: USERS.map((user) => ({ user, password: "secret" })),
};

/** A gateway with a switch of its own, registered by way of `url`. */
async function gatewayAt(world, url = world.server.url) {
  const sw = await startSwitch({ phones: PHONES });
  world.after(() => sw.stop());
  const gateway = await startGateway({
    login: {
      connections: url,
      user: "cti",
      domain: DOMAIN,
      password: "secret",
    },
    connections: [sw.url],
    lines: LINES,
  });
  world.after(() => gateway.stop());
  await state(gateway, "up");
  return { gateway, sw, count: () => gateway.counters().opened };
}

async function state(gateway, wanted) {
  while (gateway.connections[0].state !== wanted)
    await new Promise((resolve) => gateway.once("connections", resolve));
}

const client = (world, user, url = world.server.url) =>
  CtiClient.connect(world, { url }, user);

/** How many sessions each of the gateways gets, of so many. */
async function spread(page, gateways, sessions) {
  const before = gateways.map(({ count }) => count());
  for (let i = 0; i < sessions; i += 1) {
    await page.control();
    assert.equal((await page.bye()).status, 200);
  }
  return gateways.map(({ count }, i) => count() - before[i]);
}

gracefulTest(
  "sessions go round, and each stays with its gateway",
  setup,
  async (world) => {
    const gateways = [await gatewayAt(world), await gatewayAt(world)];
    assert.equal((await world.server.bindings("cti")).length, 2);
    const [one, other] = [
      await client(world, "2001"),
      await client(world, "2002"),
    ];
    assert.deepEqual(await spread(one, gateways, 10), [5, 5]);

    await one.control();
    await other.control();
    const sessions = () =>
      gateways.map(({ gateway }) => gateway.connections[0].sessions);
    assert.deepEqual(sessions(), [1, 1]);
    // A call at the phone of each: a request in the other's session would be of no session.
    const made = await Promise.all(
      [one, other].map((page, i) =>
        page.ask(
          "MakeCall",
          `<callingDevice>tel:200${i + 1}</callingDevice><calledDirectoryNumber>tel:200${2 - i}</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>`,
        ),
      ),
    );
    await one.until("DeliveredEvent");
    await other.until("DeliveredEvent");
    await one.ask(
      "ClearConnection",
      connection("connectionToBeCleared", inside(made[0], "callID")),
    );
    await one.bye();
    await other.bye();
    assert.deepEqual(sessions(), [0, 0]);
  },
);

gracefulTest(
  "a gateway that has left, that does not answer, or has no switch is passed over",
  setup,
  async (world) => {
    const { port } = new URL(world.server.url);
    const relay = await Relay.start(Number(port));
    world.after(() => relay.close());
    const silent = await gatewayAt(world, relay.url);
    const there = await gatewayAt(world);
    const page = await client(world, "2001");
    assert.deepEqual(await spread(page, [silent, there], 4), [2, 2]);

    await there.sw.stop();
    await state(there.gateway, "down");
    assert.deepEqual(await spread(page, [silent, there], 4), [4, 0]);
    await silent.sw.stop();
    await state(silent.gateway, "down");
    const refused = await page.open();
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.header("Retry-After")) > 0);

    const third = await gatewayAt(world);
    relay.stall();
    assert.deepEqual(await spread(page, [silent, there, third], 6), [0, 0, 6]);
    await third.gateway.stop();
    await there.gateway.stop();
  },
);

gracefulTest("nobody is there: the page is to wait", setup, async (world) => {
  const page = await client(world, "2001");
  const refused = await page.open();
  assert.equal(refused.status, 503);
  assert.equal(refused.header("Retry-After"), "5");
});

gracefulTest(
  "the gateways and the page may be at different nodes",
  { ...setup, nodes: [{ name: "a" }, { name: "b" }] },
  async (world) => {
    const [a, b] = world.server.nodes;
    const gateways = [
      await gatewayAt(world, a.url),
      await gatewayAt(world, b.url),
    ];
    const page = await client(world, "2001", b.url);
    assert.deepEqual(await spread(page, gateways, 6), [3, 3]);
  },
);

gracefulTest(
  "a page without a binding hears of calls, whichever nodes it and its gateway are at",
  { ...setup, nodes: [{ name: "a" }, { name: "b" }] },
  async (world) => {
    const [a, b] = world.server.nodes;
    const { sw } = await gatewayAt(world, a.url);
    const remoteControl = { gateway: `sip:cti@${DOMAIN}` };
    for (const [{ url }, bound] of /** @type {[typeof a, boolean][]} */ ([
      [a, false],
      [b, false],
      [b, true],
    ])) {
      const options = { connections: url, remoteControl };
      const { phone } = new PhoneUnderTest(world, `page at ${url}`, options);
      // It has a binding, and gives that up.
      if (bound) await phone.registerPhone();
      await phone.registerPhone({ mode: "DeskPhone" });
      const dialled = new Promise((resolve) => phone.once("call", resolve));
      sw.phone("SEP01").dial("2002");
      const { call } = await dialled;
      const connected = new Promise((resolve) =>
        call.once("connected", resolve),
      );
      sw.phone("SEP02").answer();
      await connected;
      await eventually("the end of its binding", async () => {
        const bindings = await world.server.bindings("2001");
        return bindings.length === 0;
      });
      const over = new Promise((resolve) => call.once("ended", resolve));
      sw.phone("SEP02").hangup();
      await over;
      await phone.close();
    }
  },
);

gracefulTest(
  "nobody controls another's phone by saying who they are, nor by a flood of sessions",
  setup,
  async (world) => {
    const { gateway, sw } = await gatewayAt(world);
    const thief = await client(world, "2002");
    for (const claim of /** @type {[string, string][]} */ ([
      ["P-Asserted-Identity", "<sip:2001@example.test>"],
      ["p-asserted-identity", '"Ann" <sip:2001@example.test>, <tel:2001>'],
      ["P-Preferred-Identity", "<sip:2001@example.test>"],
      ["Remote-Party-ID", "<sip:2001@example.test>;screen=yes"],
      ["X-Graceline-Node", "2001"],
    ])) {
      const { status } = await thief.open("tel:2001", [claim]);
      assert.equal(status, 403, claim.join());
    }
    // More than one connection can be in, and than the gateway has for one user.
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => thief.open()),
    );
    const count = (status) =>
      answers.filter((answer) => answer.status === status).length;
    assert.deepEqual([count(200), count(503)], [32, 18]);
    assert.equal(gateway.connections[0].sessions, 32);
    // Whose phone it is does not notice.
    const owner = await client(world, "2001");
    await owner.control();
    sw.phone("SEP01").lift();
    await owner.until("ServiceInitiatedEvent");
  },
);

gracefulTest(
  "a gateway that lost its connection ends its sessions: pages come back at once",
  setup,
  async (world) => {
    const relay = await Relay.start(Number(new URL(world.server.url).port));
    world.after(() => relay.close());
    await gatewayAt(world, relay.url);
    const remoteControl = { gateway: `sip:cti@${DOMAIN}` };
    const page = new PhoneUnderTest(world, "page", { remoteControl });
    const { phone } = page;
    await phone.registerPhone({ mode: "DeskPhone" });
    /** @type {Promise<void>} */
    const back = new Promise((resolve) =>
      phone.on("status", ({ status }) => status === "eReady" && resolve()),
    );
    // Nothing is due in the session for 75 s, longer than this test may take.
    relay.cut();
    await back;
    await phone.close();
  },
);
