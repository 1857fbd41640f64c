/** What users can make Redis keep is limited, and who can reach it is no accident. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../../interop/support/eventually.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { DEPLOYMENT } from "../support/deployment.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { Watcher } from "../support/watcher.mjs";

const a = contact("a", { instance: instance("a") });

/** Many enough for one of them to come after another in whatever order. */
const OTHERS = Array.from({ length: 12 }, (_, index) => `${2002 + index}`);

gracefulTest(
  "all that is bound fits into an answer, and into a NOTIFY",
  { accounts: [{ user: "2001", policy: "normal" }] },
  async (world) => {
    const watching = await world.connect({ name: "watching" });
    const watcher = new Watcher(watching);
    assert.equal((await watcher.subscribe()).status, 200);
    let bound = 0;
    for (let index = 0; index < 40; index++) {
      const client = await world.connect({ name: `client-${index}` });
      const device = contact(`${"c".repeat(200)}${index}`, {
        device: `D${index}`,
        instance: `urn:x:${index}${"i".repeat(100)}`,
      });
      const own = `${device};x=${"x".repeat(600)}`;
      const answer = await client.register({ contacts: [own] });
      assert.equal(answer.status, index < 25 ? 200 : answer.status);
      if (answer.status === 200) bound++;
      else assert.match(answer.header("P-Registrar-Error"), /too many/i);
    }
    assert.ok(bound < 40);
    assert.equal((await watching.query()).length, bound);
    const last = await watcher.notify(1 + bound);
    assert.ok(last.contacts.length > 10);
    assert.doesNotMatch(world.server.log, /ERROR/);
  },
);

gracefulTest(
  "one user's proofs take only so much room",
  { nodes: [{ settings: { PROOFS_PER_MINUTE: 5 } }] },
  async (world) => {
    const client = await world.connect();
    const statuses = [];
    for (let index = 0; index < 7; index++)
      statuses.push((await client.register({ contacts: [a] })).status);
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 503, 503]);
    const keys = await world.server.redis.command([
      "--raw",
      "KEYS",
      "graceline:answer:*",
    ]);
    assert.equal(keys.split("\n").length, 5);
    // Nobody else is meant, and what proves nothing leaves nothing.
    const other = await world.connect({ name: "other", user: "2002" });
    assert.equal((await other.register({ contacts: [a] })).status, 200);
  },
);

gracefulTest(
  "Redis is reached by a socket of the machine as shipped, or with a password",
  { redisPassword: "a-password" },
  async (world) => {
    const site = await readFile(join(DEPLOYMENT, "site.cfg"), "utf8");
    assert.match(
      site,
      /^#!substdef "!REDIS_SERVER!unix=\/run\/redis\/[a-z-]+[.]sock!g"$/m,
    );
    const client = await world.connect();
    assert.equal((await client.register({ contacts: [a] })).status, 200);
    assert.equal((await world.server.bindings()).length, 1);
    const [node] = world.server.nodes;
    assert.doesNotMatch(node.log, /a-password|open to everybody/);

    // A node that gives none gets nothing, and says why; one whose Redis is open to all says so.
    const { redis } = world.server;
    redis.password = "";
    const without = await world.server.add({
      name: "b",
      redisPort: redis.port,
    });
    assert.match(without.log, /Redis is open to everybody/);
    assert.match(without.log, /NOAUTH|Authentication required/);
    const lost = await world.connect({ name: "lost", url: without.url });
    assert.equal((await lost.register({ contacts: [a] })).status, 503);
    redis.password = "a-password";
  },
);

gracefulTest(
  "a record of an unknown version is left alone; its user waits, and nobody else",
  { accounts: [{ user: "2001" }, ...OTHERS.map((user) => ({ user }))] },
  async (world) => {
    const { redis } = world.server;
    const key = "graceline:2001@example.test";
    const clients = [];
    for (const user of ["2001", ...OTHERS]) {
      const client = await world.connect({ name: user, user });
      assert.equal((await client.register({ contacts: [a] })).status, 200);
      clients.push(client);
    }
    const record = JSON.parse(await redis.command(["--raw", "GET", key]));
    const unknown = JSON.stringify({ ...record, version: 2 });
    await redis.command(["SET", key, unknown, "KEEPTTL"]);
    const [alice, bob] = clients;
    const answer = await alice.register({ contacts: [a] });
    assert.equal(answer.startLine, "SIP/2.0 503 Bindings Out Of Reach");
    assert.ok(Number(answer.header("Retry-After")) > 0);
    assert.equal((await bob.send("MESSAGE", alice.aor)).status, 503);

    for (const client of clients) await client.terminate();
    await eventually("the others' lines to be free", async () => {
      const lists = OTHERS.map((user) => world.server.bindings(user));
      return (await Promise.all(lists)).flat().length === 0;
    });
    assert.equal(await redis.command(["--raw", "GET", key]), unknown);
  },
);
