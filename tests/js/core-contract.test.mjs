// What the host may rely on: of the real core, and of the one that tests put in
// its place.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { instantiate } from "../../js/core/core.js";
import { FakeCore } from "./support/fake-core.js";
import {
  commands,
  flawOf,
  numbers,
  operations,
  sample,
} from "./support/seam.js";

const options = {
  connections: ["ws://localhost/"],
  user: "2001",
  domain: "example.com",
  device: "2001",
  instanceId: "urn:uuid:6b1ea9c3-3f1d-4c0b-9c1e-5d3c1a2b4c5d",
  trace: true,
};

let Core;
/** Of two parts. */
let Parts;
before(async () => {
  const module = (name) =>
    new WebAssembly.Module(
      readFileSync(new URL(`../../pkg/${name}_bg.wasm`, import.meta.url)),
    );
  Core = await instantiate(module("whole"));
  Parts = await instantiate(module("client"));
  await Parts.extend(async () => module("calls"));
});

const kinds = {
  "the core": () => new Core(options, new Uint8Array(32)),
  "the core of two parts": () => new Parts(options, new Uint8Array(32)),
  FakeCore: () => new FakeCore(options, new Uint8Array(32)),
};

for (const [kind, make] of Object.entries(kinds)) {
  describe(kind, () => {
    /** What the core says to a command, every word of it as the seam has it. */
    const tell = (core, ...command) => {
      core.command(command[0], 1000, ...command.slice(1));
      return said(core);
    };
    const said = (core) => {
      const outputs = [];
      let output;
      while ((output = core.poll())) outputs.push(output);
      for (const output of outputs) assert.equal(flawOf(output), undefined);
      return outputs;
    };
    const names = (outputs) => outputs.map(({ type, name }) => name ?? type);

    test("takes every command of the table", () => {
      for (const name of commands) {
        const outputs = tell(make(), name, ...sample(name));
        assert.ok(!names(outputs).includes("refused"), name);
      }
    });

    test("refuses what is no command, and says which", () => {
      for (const name of ["", "Register", "handle_open", "toString"]) {
        const refused = tell(make(), name, 7).at(-1);
        const expected = { type: "event", name: "refused" };
        assert.deepEqual(refused, { ...expected, command: name, number: 7 });
      }
    });

    test("refuses a number that is none, wherever it stands", () => {
      const nones = [undefined, null, NaN, Infinity, -1, 1.5, 2 ** 32, "x", ""];
      for (const name of commands)
        for (const at of numbers(name))
          for (const none of nones) {
            const args = sample(name).with(at, none);
            const refused = tell(make(), name, ...args).at(-1);
            assert.equal(refused.name, "refused", `${name} ${args}`);
            assert.equal(refused.command, name);
            assert.equal(refused.number, args[0]);
          }
    });

    test("settles every operation", () => {
      for (const name of operations) {
        const [op, ...more] = sample(name);
        const outputs = tell(make(), name, op, ...more);
        const done = outputs.filter(({ name }) =>
          ["done", "sessionDone"].includes(name),
        );
        assert.deepEqual(
          done.map((output) => output.op),
          [op],
          name,
        );
      }
    });

    test("opens a socket for a login, and says how that stands", () => {
      const outputs = tell(make(), "register", 1, false);
      assert.ok(names(outputs).includes("open"));
      const status = outputs.find(({ name }) => name === "status");
      assert.equal(status.status, "eRegistering");
      assert.equal(status.registration, null);
    });

    test("has nothing against messages, whatever they are", () => {
      const core = make();
      tell(core, "register", 1, false);
      tell(core, "socketOpened", 0, 1, "sip");
      const large = "x".repeat(100_000);
      for (const data of ["", "\r\n\r\n", large, "\0", undefined])
        tell(core, "socketMessage", 0, 1, data);
      tell(core, "socketMessage", 0, 1, new Uint8Array([0xff, 0, 13, 10]));
    });

    test("answers unregister and close", () => {
      const core = make();
      for (const [command, event] of [
        ["unregister", "unregistered"],
        ["close", "closed"],
      ])
        assert.ok(names(tell(core, command)).includes(event), event);
      core.free();
    });

    test("is silent when it is told nothing, and says when to wake it", () => {
      const core = make();
      said(core);
      assert.equal(core.poll(), undefined);
      assert.equal(core.deadline(), Infinity);
    });
  });
}

test("the core waits for a login", () => {
  const core = kinds["the core"]();
  core.command("register", 1000, 1, false);
  assert.ok(core.deadline() > 1000 && core.deadline() < Infinity);
});
