// What pages may rely on: of the real phone, with a registrar, and of the one that
// tests of pages put in its place.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import WebSocket from "ws";
import { Phone } from "graceline";
import { startRegistrar } from "graceline/testing";
import { FakePhone } from "../support/fake-phone.mjs";
import { useSharedWorkers } from "./support/shared-worker.js";

let workers = 0;

/** With a worker of its own: two of them are two clients. */
class SharedPhone extends Phone {
  constructor(options) {
    const worker = `http://localhost/${++workers}.js`;
    super({ ...options, WebSocket: undefined, shared: { worker } });
  }
}

let registrar;
let sharedWorkers;
before(async () => {
  registrar = await startRegistrar({
    users: { 2001: { password: FakePhone.password } },
    policy: "graceful",
  });
  sharedWorkers = useSharedWorkers(WebSocket);
});
after(() => {
  sharedWorkers.remove();
  return registrar.stop();
});

for (const [kind, Class] of Object.entries({ Phone, SharedPhone, FakePhone })) {
  describe(kind, () => {
    const made = [];
    afterEach(async () => {
      await Promise.all(made.splice(0).map((phone) => phone.close()));
      FakePhone.reset();
    });

    /** A phone, and what it tells in order. */
    function phone(more) {
      const phone = new Class({
        connections: [registrar.url],
        user: "2001",
        domain: "example.test",
        password: FakePhone.password,
        device: "CSF",
        WebSocket,
        ...more,
      });
      made.push(phone);
      const story = [];
      phone.on("status", ({ status, ready, registration }) => {
        assert.equal(ready, status === "eReady");
        assert.equal(!!registration, ready);
        assert.equal(phone.status, status);
        story.push(status);
      });
      for (const name of ["eDeviceAlreadyRegistered", "eConnectionTerminated"])
        phone.on(name, () => story.push(`event ${name}`));
      return { phone, story };
    }

    test("what it is made of is checked", () => {
      assert.throws(() => phone({ connections: ["http://localhost/"] }), {
        name: "PhoneError",
        code: "eInvalidArgument",
      });
    });

    test("logs in, and says as what", async () => {
      const { phone: one, story } = phone();
      assert.deepEqual([one.status, one.registration], ["eIdle", null]);
      const registration = await one.registerPhone();
      assert.deepEqual(story, ["eRegistering", "eReady"]);
      const expected = {
        user: "2001",
        domain: "example.test",
        device: "CSF",
        instanceId: one.instanceId,
        mode: "SoftPhone",
        connection: registrar.url,
        expires: 120,
        forceRegistration: false,
      };
      for (const [name, value] of Object.entries(expected))
        assert.equal(registration[name], value, name);
      assert.equal(one.registration, registration);
      assert.equal(await one.registerPhone(), registration);
      assert.deepEqual(story, ["eRegistering", "eReady"]);
    });

    test("logs out, and in again", async () => {
      const { phone: one, story } = phone();
      await one.registerPhone();
      await one.unregisterPhone();
      assert.deepEqual(story.splice(0), ["eRegistering", "eReady", "eIdle"]);
      assert.equal(one.registration, null);
      await one.registerPhone();
      assert.deepEqual(story, ["eRegistering", "eReady"]);
    });

    test("a wrong password", async () => {
      const { phone: one, story } = phone({ password: "wrong" });
      await assert.rejects(one.registerPhone(), {
        name: "PhoneError",
        code: "eCredentialsRejected",
      });
      assert.deepEqual(story, ["eRegistering", "eIdle"]);
    });

    test("is refused, asks, and takes over; the other one is told once", async () => {
      const first = phone();
      await first.phone.registerPhone();
      const second = phone();
      const told = new Promise((resolve) =>
        second.phone.on("eDeviceAlreadyRegistered", resolve),
      );
      await assert.rejects(second.phone.registerPhone(), (error) => {
        assert.equal(error.code, "eDeviceAlreadyRegistered");
        assert.equal(error.status, 403);
        assert.equal(error.details.device, "CSF");
        assert.ok(error.details.elsewhere);
        return true;
      });
      const { device, status, reason } = await told;
      assert.deepEqual([device, status], ["CSF", 403]);
      assert.match(reason, /^Registration is active for/);
      const refused = ["eRegistering", "eIdle"];
      assert.deepEqual(second.story.splice(0), [
        ...refused,
        "event eDeviceAlreadyRegistered",
      ]);

      const ousted = new Promise((resolve) =>
        first.phone.on("eConnectionTerminated", resolve),
      );
      const forced = { forceRegistration: true };
      const registration = await second.phone.registerPhone(forced);
      assert.equal(registration.forceRegistration, true);
      const { message, by } = await ousted;
      assert.match(message, /^You logged in elsewhere/);
      assert.ok(by);
      assert.deepEqual(first.story, [
        ...["eRegistering", "eReady", "eConnectionTerminated"],
        "event eConnectionTerminated",
      ]);
      assert.equal(first.phone.registration, null);
    });

    test("closed, it is of no more use", async () => {
      const { phone: one, story } = phone();
      await one.registerPhone();
      await one.close();
      await one.close();
      assert.deepEqual(story, ["eRegistering", "eReady", "eIdle"]);
      await assert.rejects(one.registerPhone(), { code: "eInvalidState" });
    });

    test("closed while it logs in: that is aborted", async () => {
      const { phone: one } = phone();
      const login = one.registerPhone();
      await Promise.all([
        assert.rejects(login, { code: "eAborted" }),
        one.close(),
      ]);
      assert.equal(one.status, "eIdle");
    });
  });
}
