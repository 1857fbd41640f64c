/**
 * Users at a database server instead of a file: what Kamailio and the account service ask, and what the latter
 * changes, is the same with PostgreSQL and MariaDB.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../interop/support/eventually.mjs";
import { serverTest } from "../interop/support/interop-test.mjs";
import { signedIn, startCopy } from "./support/accounts.mjs";
import { Cluster } from "./support/cluster.mjs";
import { contact, instance } from "./support/contacts.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { MariaDb, Postgres } from "./support/sql-servers.mjs";

const ADMINISTRATOR = "administrators-4711";
const accounts = /** @type {import("./support/deployment.mjs").Account[]} */ ([
  { user: "2001" },
  { user: "2002" },
  { user: "ada", policy: "duplicate" },
]);

/** @param {string} digit */
const own = (digit) =>
  contact(digit, { instance: instance(digit), device: "" });

for (const users of [Postgres, MariaDb]) {
  const missing = deploymentMissing() ?? users.missing();
  const start = () => Cluster.start({ accounts, users });

  serverTest(
    `${users.name}: who logs in, and by which policy`,
    { missing, start },
    async (world) => {
      const logIn = async (
        /** @type {string} */ user,
        /** @type {any} */ options = {},
      ) => {
        const client = await world.connect({ user, name: user, ...options });
        return client.register({ contacts: [own("a")] });
      };
      assert.equal((await logIn("2001")).status, 200);
      assert.notEqual((await logIn("2002", { password: "x" })).status, 200);
      // Of the domain, and the user's own.
      const policy = async (/** @type {string} */ user) =>
        (await logIn(user)).all("Supported").join();
      assert.match(await policy("2002"), /X-cisco-graceful-reg/);
      assert.match(await policy("ada"), /X-cisco-duplicate-reg/);
      // A collation may take for equal what is not.
      const ada = { password: "secret-ada", authUser: "ada" };
      assert.notEqual((await logIn("ADA", ada)).status, 200);
      assert.deepEqual(await world.server.bindings("ADA"), []);
      // Who is there, who is not, and who is nobody.
      const writer = await world.connect({ name: "writer", user: "2002" });
      await writer.register({ contacts: [own("b")] });
      for (const [user, status] of [
        ["2001", 200],
        ["ada", 200],
        ["nobody", 404],
        ["ADA", 404],
      ]) {
        const answer = await writer.request(
          "MESSAGE",
          `sip:${user}@example.test`,
        );
        assert.equal(answer.status, status, `${user}`);
      }
    },
  );

  serverTest(
    `${users.name}: what an administrator changes for a user, the service and the nodes go by`,
    { missing, start },
    async (world) => {
      const file = join(tmpdir(), `administrator-${randomUUID()}`);
      world.after(() => rm(file));
      await writeFile(file, ADMINISTRATOR);
      const { client } = await startCopy(world, "--admin-token", file);
      const page = await signedIn(client);
      assert.equal(
        (await client.signIn("2001", { password: "wrong" })).status,
        401,
      );
      const administrator = client.as(ADMINISTRATOR);
      const change = (/** @type {object} */ what) =>
        administrator.get("PATCH", "/v1/admin/users/2001@example.test", what);
      const changed = await change({
        devices: "on",
        sharedSlot: "override",
        limits: { mobile: 1 },
      });
      assert.deepEqual(
        [changed.devices, changed.sharedSlot, changed.limits],
        ["on", "override", { mobile: 1, deskphone: 4 }],
      );
      const logIn = async (/** @type {string} */ digit) => {
        const phone = await world.connect({ name: digit });
        return (await phone.register({ contacts: [own(digit)] })).status;
      };
      assert.equal(await logIn("a"), 403);
      const mobile = (/** @type {string} */ digit) =>
        page.authorise({ instanceId: instance(digit), class: "mobile" });
      assert.equal((await mobile("a")).status, 201);
      assert.equal(await logIn("a"), 200);
      const one = await mobile("b");
      assert.deepEqual([one.status, one.code], [409, "eDeviceLimitReached"]);
      // As the domain, and the service, have it.
      const back = await change({
        devices: null,
        sharedSlot: null,
        limits: { mobile: null },
      });
      assert.deepEqual(
        [back.devices, back.sharedSlot, back.limits.mobile],
        ["off", "ask", 4],
      );
      assert.equal(await logIn("c"), 200);
    },
  );

  serverTest(
    `${users.name}: away and back`,
    { missing, start },
    async (world) => {
      const { client } = await startCopy(world);
      const password = "secret-2001";
      const signIn = async () =>
        (await client.signIn("2001", { password })).status;
      const logIn = async () => {
        const phone = await world.connect({ name: "a" });
        const { status } = await phone.register({ contacts: [own("a")] });
        await phone.terminate();
        return status;
      };
      assert.deepEqual([await signIn(), await logIn()], [200, 200]);
      const there = await world.connect({ name: "there", user: "2002" });
      await there.register({ contacts: [own("b")] });
      const home = /** @type {any} */ (world.server.database.home);
      await home.kill();
      assert.equal(await signIn(), 503);
      assert.notEqual(await logIn(), 200);
      // Who is logged in writes and calls.
      const answer = await there.request("MESSAGE", "sip:2002@example.test");
      assert.equal(answer.status, 200);
      await home.launch();
      await eventually("both to find it again", async () => {
        const answers = [await signIn(), await logIn()];
        return answers.join() === "200,200";
      });
    },
  );
}
