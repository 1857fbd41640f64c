import assert from "node:assert/strict";
import { test } from "node:test";
import { Phone } from "graceline";
import { startRegistrar } from "graceline/testing";
import { WebSocket } from "ws";

test("a wrong password in DeskPhone mode is one, not a refusal of the gateway", async (t) => {
  const domain = "example.test";
  const users = { 2001: { password: "secret" }, cti: { password: "secret" } };
  const registrar = await startRegistrar({ domain, users });
  t.after(() => registrar.stop());
  const phone = new Phone({
    ...{ connections: registrar.url, user: "2001", domain, WebSocket },
    ...{ password: "wrong", storage: null },
    remoteControl: { gateway: `sip:cti@${domain}` },
  });
  t.after(() => phone.close());
  await assert.rejects(phone.registerPhone({ mode: "DeskPhone" }), {
    code: "eCredentialsRejected",
    status: 407,
  });
});
