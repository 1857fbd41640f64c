// How the package loads: nothing on import, once, from wherever it is told to.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { password, setUp } from "./support/line.js";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Runs a module in a process of its own; it must end by itself. */
async function run(code, env = {}) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", code],
    // The limit only bounds a failure: the process would otherwise stay.
    { cwd: here, timeout: 20_000, env: { ...process.env, ...env } },
  );
  return stdout.trim();
}

const phone = (more = "") => `
  import { WebSocket } from "ws";
  const phone = new Phone({
    connections: process.env.URL, user: "2001", domain: "example.test",
    password: "${password}", WebSocket, ${more}
  });
  const { user } = await phone.registerPhone();
  console.log(user);
`;

describe("importing", () => {
  for (const entry of ["graceline", "graceline/slim", "graceline/inline"])
    test(`${entry} touches no browser global, and no network`, async () => {
      const output = await run(`
        const touched = [];
        const names = ["window", "document", "localStorage", "navigator",
          "location", "WebSocket", "RTCPeerConnection", "fetch", "self"];
        for (const name of names)
          Object.defineProperty(globalThis, name, {
            get() { touched.push(name); }, configurable: true,
          });
        const { Phone, PhoneError, init } = await import("${entry}");
        console.log(typeof PhoneError, typeof init, touched.join());
        // As a server that renders the page would.
        new Phone({ connections: "wss://a.example/", user: "a", domain: "b" })
          .on("status", () => {});
        console.log(touched.filter((name) => name !== "document").join());
      `);
      assert.equal(output, "function function");
    });

  test("what a page without wasm would say of the missing file", async () => {
    const output = await run(`
      import { Phone, init } from "graceline/slim";
      import { WebSocket } from "ws";
      try { await init(new Uint8Array([1, 2, 3])); }
      catch (error) { console.log(error.code, /wasm-unsafe-eval/.test(error.message)); }
    `);
    assert.equal(output, "eInternal true");
  });
});

describe("the wasm", () => {
  test("init may be called again and again", async () => {
    const output = await run(`
      import { init } from "graceline";
      await Promise.all([init(), init()]);
      await init();
      console.log("done");
    `);
    assert.equal(output, "done");
  });

  test("slim, from bytes; and not before init", async (t) => {
    const { registrar } = await setUp(t);
    const output = await run(
      `
      import { Phone, init } from "graceline/slim";
      import { readFile } from "node:fs/promises";
      import { createRequire } from "node:module";
      const early = new Phone({ connections: "ws://localhost/", user: "a",
        domain: "b", WebSocket: class {} });
      await early.registerPhone().catch(({ code }) => console.log(code));
      const path = createRequire(process.cwd() + "/x.js").resolve("graceline/wasm");
      await init(readFile(path));
      ${phone()}
      await phone.close();
      `,
      { URL: registrar.url },
    );
    assert.equal(output, "eInvalidState\n2001");
  });

  test("slim, from a URL, whatever its MIME type", async (t) => {
    const wasm = await readFile(
      new URL("../../pkg/client_bg.wasm", import.meta.url),
    );
    for (const type of ["application/wasm", "application/octet-stream"]) {
      const server = createServer((_, response) =>
        response.writeHead(200, { "content-type": type }).end(wasm),
      );
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      t.after(() => server.close());
      const output = await run(`
        import { init } from "graceline/slim";
        await init("http://127.0.0.1:${server.address().port}/");
        await init(await fetch("http://127.0.0.1:${server.address().port}/"));
        console.log("done");
        process.exit();
      `);
      assert.equal(output, "done");
    }
  });

  test("a load that fails may be repeated", async () => {
    const output = await run(`
      import { init } from "graceline/slim";
      import { readFile } from "node:fs/promises";
      import { createRequire } from "node:module";
      await init(Promise.reject(new Error("offline"))).catch(
        ({ message }) => console.log(/offline/.test(message)));
      const path = createRequire(process.cwd() + "/x.js").resolve("graceline/wasm");
      await init(readFile(path));
      console.log("done");
    `);
    assert.equal(output, "true\ndone");
  });

  test("inline, from itself", async (t) => {
    const { registrar } = await setUp(t);
    const output = await run(
      `import { Phone } from "graceline/inline"; ${phone()} await phone.close();`,
      { URL: registrar.url },
    );
    assert.equal(output, "2001");
  });
});

describe("a process ends by itself", () => {
  test("after close", async (t) => {
    const { registrar } = await setUp(t);
    const output = await run(
      `import { Phone } from "graceline"; ${phone()} await phone.close();`,
      { URL: registrar.url },
    );
    assert.equal(output, "2001");
    assert.deepEqual(registrar.bindings("2001"), []);
  });

  test("after unregisterPhone, without close", async (t) => {
    const { registrar } = await setUp(t);
    const output = await run(
      `import { Phone } from "graceline"; ${phone()} await phone.unregisterPhone();`,
      { URL: registrar.url },
    );
    assert.equal(output, "2001");
  });

  test("after a failure", async () => {
    const output = await run(
      `
      import { Phone } from "graceline";
      import { WebSocket } from "ws";
      const phone = new Phone({ connections: "ws://127.0.0.1:9/", user: "2001",
        domain: "example.test", WebSocket, timeout: 500 });
      await phone.registerPhone().catch(({ code }) => console.log(code));
      `,
    );
    assert.equal(output, "eCouldNotConnect");
  });

  test("though the server ignores that we close", async (t) => {
    const { WebSocketServer } = await import("ws");
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    // A paused socket never sees the close frame.
    server.on("connection", (socket) => socket.pause());
    t.after(() => {
      for (const socket of server.clients) socket.terminate();
      server.close();
    });
    const output = await run(
      `
      import { Phone } from "graceline";
      import { WebSocket } from "ws";
      const phone = new Phone({ connections: process.env.URL, user: "2001",
        domain: "example.test", WebSocket, timeout: 500 });
      await phone.registerPhone().catch(({ code }) => console.log(code));
      await phone.close();
      `,
      { URL: `ws://127.0.0.1:${server.address().port}/` },
    );
    assert.equal(output, "eTimeout");
  });

  test("a registrar that was unref'ed does not hold it", async () => {
    const output = await run(`
      import { startRegistrar } from "graceline/testing";
      const registrar = await startRegistrar();
      registrar.unref();
      console.log(registrar.url.startsWith("ws://127.0.0.1:"));
    `);
    assert.equal(output, "true");
  });
});
