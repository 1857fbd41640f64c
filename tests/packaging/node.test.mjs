import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, test } from "node:test";
import { createProject, runIn } from "../support/project.mjs";

const project = createProject({
  "import.js": `
    import { Phone, PhoneError } from "graceline";
    import * as slim from "graceline/slim";
    import * as inline from "graceline/inline";
    import * as testing from "graceline/testing";
    import jquery from "graceline/jquery";
    new Phone({ connections: "wss://sip.example.test/", user: "2001", domain: "example.test", password: "secret" });
    console.log(typeof PhoneError.is, typeof slim.init, typeof inline.Phone, typeof testing.startRegistrar, typeof jquery);
  `,
  "register.js": `
    import WebSocket from "ws";
    import { Phone, PhoneError } from "graceline";
    import { startRegistrar } from "graceline/testing";
    const registrar = await startRegistrar({ users: { 2001: { password: "secret" } }, domain: "example.test" });
    const newPhone = () => new Phone({
      connections: registrar.url, user: "2001", domain: "example.test", password: "secret", WebSocket,
    });
    const [here, there] = [newPhone(), newPhone()];
    await there.registerPhone();
    const refusal = await here.registerPhone().catch((error) => error);
    const ousted = new Promise((resolve) => there.once("eConnectionTerminated", resolve));
    await here.registerPhone({ forceRegistration: true });
    await ousted;
    console.log(PhoneError.is(refusal, "eDeviceAlreadyRegistered"), here.status, there.status);
    await here.close();
    await there.close();
    await registrar.stop();
  `,
  "inline.js": `
    import WebSocket from "ws";
    import { Phone } from "graceline/inline";
    import { startRegistrar } from "graceline/testing";
    const registrar = await startRegistrar({ users: { 2001: { password: "secret" } } });
    const phone = new Phone({
      connections: registrar.url, user: "2001", domain: "example.test", password: "secret", WebSocket,
    });
    await phone.registerPhone();
    console.log(phone.status);
    await phone.close();
    await registrar.stop();
  `,
  "slim.js": `
    import { readFileSync } from "node:fs";
    import { createRequire } from "node:module";
    import WebSocket from "ws";
    import { Phone, init } from "graceline/slim";
    import { startRegistrar } from "graceline/testing";
    await init(readFileSync(createRequire(import.meta.url).resolve("graceline/wasm")));
    const registrar = await startRegistrar({ users: { 2001: { password: "secret" } } });
    const phone = new Phone({
      connections: registrar.url, user: "2001", domain: "example.test", password: "secret", WebSocket,
    });
    await phone.registerPhone();
    console.log(phone.status);
    await phone.close();
    await registrar.stop();
  `,
});
after(project.remove);

/** Runs a program of the project; it must end by itself, in good time, having printed `expected`. */
async function assertPrints(
  /** @type {string} */ file,
  /** @type {string} */ expected,
) {
  const { code, output } = await runIn(
    project.folder,
    process.execPath,
    [file],
    {
      timeout: 30_000,
    },
  );
  assert.equal(output.trim(), expected);
  assert.equal(code, 0, "it did not end by itself");
}

test("importing every entry and building a phone needs no browser and keeps no process alive", () =>
  assertPrints("import.js", "function function function function function"));

test("two phones in Node: refused, forced, told; then the process ends by itself", () =>
  assertPrints("register.js", "true eReady eConnectionTerminated"));

test("graceline/inline registers", () => assertPrints("inline.js", "eReady"));

test("graceline/slim registers with the bytes of graceline/wasm", () =>
  assertPrints("slim.js", "eReady"));

test("the wasm and package.json can be resolved", () => {
  assert.ok(existsSync(project.resolve("graceline/wasm")));
  assert.ok(existsSync(project.resolve("graceline/package.json")));
});
