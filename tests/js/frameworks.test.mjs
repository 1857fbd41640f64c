// What frameworks do to the objects that an app keeps in them.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { reactive, ref } from "@vue/reactivity";
import { Phone } from "../../js/phone/phone.js";
import {
  event,
  FakeSocket,
  granted,
  options,
  turn,
  useFakeCore,
} from "./support/fake-core.js";

beforeEach(() => useFakeCore());

describe("Vue", () => {
  test("a phone in a ref, and a call that is deep in a reactive object", async () => {
    const phone = ref(new Phone(options));
    const state = reactive({ calls: [], status: "" });
    phone.value.on("status", ({ status }) => (state.status = status));
    phone.value.on("incoming", ({ call }) => state.calls.push(call));
    const login = phone.value.registerPhone();
    await turn();
    FakeSocket.made[0].say(...granted(1));
    assert.equal((await login).user, "2001");
    assert.equal(phone.value.status, "eReady");
    assert.equal(state.status, "eReady");

    const from = { uri: "sip:2002@example.com", displayName: "" };
    FakeSocket.made[0].say(event("incoming", { call: 2, from }));
    const [call] = state.calls;
    assert.equal(call.state, "incoming");
    await call.reject();
    assert.equal(reactive(phone.value.calls)[0], call, "no second identity");
    await phone.value.close();
  });
});

test("what they are called", () => {
  const phone = new Phone(options);
  assert.equal(String(phone), "[object Phone]");
  assert.equal(String(phone.call("2002")), "[object Call]");
});
