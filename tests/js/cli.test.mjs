// `npx graceline`: what a person types, and what they see.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Phone } from "graceline";
import { WebSocket } from "ws";

const cli = fileURLToPath(
  new URL("../../js/cli/graceline.js", import.meta.url),
);

function start(t, args, env = {}) {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, ...env },
  });
  t.after(() => child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"])
    child[name].on("data", (data) => (output[name] += data));
  const lines = createInterface(child.stdout);
  return { child, output, firstLine: () => once(lines, "line") };
}

async function finish(t, ...args) {
  const { child, output } = start(t, args);
  const [code] = await once(child, "close");
  return { code, ...output };
}

/** An HTTP exchange with headers that fetch would not let one set. */
async function exchange(url, { method = "GET", path, headers, body } = {}) {
  const options = { method, headers, ...(path && { path }) };
  const asking = request(url, options);
  asking.end(body);
  const [response] = await once(asking, "response");
  let text = "";
  for await (const part of response) text += part;
  return { status: response.statusCode, headers: response.headers, text };
}

describe("help", () => {
  test("--help, and no command at all", async (t) => {
    for (const args of [["--help"], []]) {
      const { code, stdout } = await finish(t, ...args);
      assert.equal(code, 0);
      for (const word of ["registrar", "demo", "--user", "--policy"])
        assert.ok(stdout.includes(word), word);
    }
  });

  test("a gateway that cannot start says why, and nothing of its configuration", async (t) => {
    const missing = await finish(t, "gateway", "--config", "/no/such/file");
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /ENOENT/);
    const { child, output } = start(t, ["gateway", "--config", "-"]);
    child.stdin.end('{ "login": { "password": "tellnobody" ');
    const [code] = await once(child, "close");
    assert.equal(code, 1);
    assert.match(output.stderr, /it is no JSON/);
    assert.doesNotMatch(output.stderr, /tellnobody/);
  });

  test("of a command: what it is for, and its options alone", async (t) => {
    for (const args of [
      ["registrar", "--help"],
      ["registrar", "--port", "1", "-h"],
    ]) {
      const { code, stdout } = await finish(t, ...args);
      assert.equal(code, 0);
      assert.match(stdout, /^Usage: graceline registrar \[options\]/);
      assert.match(stdout, /--dialect/);
      assert.doesNotMatch(stdout, /--push-hosts/);
    }
    const { stdout } = await finish(t, "preload", "--help");
    assert.match(stdout, /^Usage: graceline preload \[FOLDER\]/);
  });

  test("the version is that of the package", async (t) => {
    const { version } = createRequire(import.meta.url)(
      "graceline/package.json",
    );
    for (const asked of ["--version", "version", "-v"])
      assert.equal((await finish(t, asked)).stdout.trim(), version);
  });

  for (const [line, sentence] of [
    ["registrar --port 70000", /^port must be a number from 0 to 65535/],
    ["registrar --user 1:a --user 1:b", /^The user 1 is given twice\./],
    ["registrar --dialect kamailio", /^--dialect needs --policy normal\./],
    ["registrar --port 1 --port 2", /^--port is given twice\./],
    ["registrar --port", /^--port needs a value\./],
    ["registrar --trace=1", /^--trace takes no value\./],
    ["registrar now", /^registrar takes no "now"\./],
    ["registrar --tls-cert a.pem", /^--tls-cert and --tls-key go together\./],
    ["demo --user 1:a", /^demo has no option --user\. Try: graceline demo --h/],
    ["--port 1", /^Name the command before --port\./],
    ["nothing", /^There is no command "nothing"\. Try: graceline --help/],
  ])
    test(`what is wrong is said in a sentence: ${line}`, async (t) => {
      const { code, stdout, stderr } = await finish(t, ...line.split(" "));
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, sentence);
    });

  for (const args of [
    ["regsitrar"],
    ["toString"],
    ["registrar", "--polcy", "graceful"],
    ["registrar", "--policy", "polite"],
    ["registrar", "--user", "2001"],
    ["registrar", "--port", "http"],
    ["registrar", "--host", "0.0.0.0"],
  ])
    test(`a mistake is explained without a stack: ${args.join(" ")}`, async (t) => {
      const { code, stdout, stderr } = await finish(t, ...args);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.ok(stderr.length > 10);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
});

test("registrar --json: one object a line; and TLS, by a certificate", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "graceline-cli-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
  execFileSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt"],
    ...["ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-keyout", key, "-out", cert],
  ]);
  const { child, firstLine } = start(t, [
    ...["registrar", "--json", "--user", "7001:sesame"],
    ...["--tls-cert", cert, "--tls-key", key],
  ]);
  const { url, users } = JSON.parse((await firstLine())[0]);
  assert.match(url, /^wss:\/\/127\.0\.0\.1:\d+\/$/);
  assert.deepEqual(users, ["7001"]);
  class Trusting extends WebSocket {
    constructor(address, protocols) {
      super(address, protocols, { ca: readFileSync(cert) });
    }
  }
  const phone = new Phone({
    ...{ connections: url, user: "7001", domain: "example.test" },
    ...{ password: "sesame", WebSocket: Trusting },
  });
  assert.equal((await phone.registerPhone()).connection, url);
  await phone.close();
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "close"), [0, null]);
});

test("registrar: prints its URL, serves, ends on SIGTERM", async (t) => {
  const { child, output, firstLine } = start(t, [
    "registrar",
    ...["--user", "7001:open:sesame"],
    ...["--domain", "example.test", "--trace"],
  ]);
  const [url] = await firstLine();
  assert.match(url, /^ws:\/\/127\.0\.0\.1:\d+\/$/);
  const phone = new Phone({
    connections: url,
    user: "7001",
    domain: "example.test",
    password: "open:sesame",
    WebSocket,
  });
  await phone.registerPhone();
  await phone.close();
  child.kill("SIGTERM");
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  assert.match(output.stderr, /REGISTER sip:example\.test/);
  assert.ok(!output.stderr.includes("sesame"));
});

describe("demo", () => {
  async function demo(t) {
    const { firstLine, child } = start(t, ["demo"], { PORT: "0" });
    const [url] = await firstLine();
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    return { url, child, origin: url.slice(0, -1) };
  }

  /** The server-sent events of the demo, one after the other. */
  async function* events(t, url) {
    const controller = new AbortController();
    t.after(() => controller.abort());
    const { signal } = controller;
    const { body } = await fetch(`${url}demo/api/events`, { signal });
    let text = "";
    for await (const part of body.pipeThrough(new TextDecoderStream())) {
      text += part;
      let end;
      while ((end = text.indexOf("\n\n")) >= 0) {
        const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(
          text.slice(0, end),
        );
        text = text.slice(end + 2);
        yield { name, data: JSON.parse(data) };
      }
    }
  }

  const seek = async (stream, wanted) => {
    for (;;) {
      const { value } = await stream.next();
      if (wanted(value)) return value.data;
    }
  };

  test("leads to the page, under a strict policy", async (t) => {
    const { url } = await demo(t);
    const first = await exchange(url);
    assert.equal(first.status, 302);
    assert.equal(first.headers.location, "/demo/");
    const wasm = await exchange(`${url}pkg/client_bg.wasm`);
    assert.equal(wasm.status, 200);
    assert.equal(wasm.headers["content-type"], "application/wasm");
    const script = await exchange(`${url}js/index.js`);
    assert.match(script.headers["content-type"], /^text\/javascript/);
    const policy = script.headers["content-security-policy"];
    assert.match(
      policy,
      /default-src 'none'; script-src 'self' 'wasm-unsafe-eval'/,
    );
    assert.match(policy, /connect-src 'self' ws:\/\/127\.0\.0\.1:\d+;/);
  });

  test("serves js/, pkg/ and demo/, and nothing else", async (t) => {
    const { url } = await demo(t);
    for (const path of [
      "/package.json",
      "/README.md",
      "/node_modules/ws/package.json",
      "/js/../package.json",
      "/js/%2e%2e/package.json",
      "/js/..%2fpackage.json",
      "/js/..%5c..%5cpackage.json",
      "/js/%00.js",
      "/js/%",
      "/pkg/.stamps/client",
      "//etc/passwd",
      "/js//../../../../etc/passwd",
      "/js/",
      "/demo/missing.html",
    ]) {
      const { status, text } = await exchange(url, { path });
      assert.equal(status, 404, path);
      assert.equal(text, "Not found");
    }
    const deleted = { method: "DELETE", path: "/js/index.js" };
    assert.equal((await exchange(url, deleted)).status, 405);
  });

  test("events: config, bindings, and the trace of a login", async (t) => {
    const { url } = await demo(t);
    const stream = events(t, url);
    const config = await seek(stream, ({ name }) => name === "config");
    assert.equal(config.policy, "graceful");
    assert.deepEqual(await seek(stream, () => true), []);
    const [{ name, password }] = config.users;
    const phone = new Phone({
      connections: config.url,
      user: name,
      password,
      domain: config.domain,
      device: "CSFDEMO",
      WebSocket,
    });
    t.after(() => phone.close());
    const registering = phone.registerPhone();
    const trace = await seek(stream, ({ name }) => name === "trace");
    assert.equal(trace.direction, "received");
    assert.match(trace.message, /^REGISTER /);
    assert.deepEqual(Object.keys(trace).sort(), [
      "at",
      "connection",
      "direction",
      "message",
    ]);
    const [binding] = await seek(stream, ({ name }) => name === "bindings");
    assert.equal(binding.user, name);
    assert.equal(binding.device, "CSFDEMO");
    await registering;
  });

  test("the policy is changed by the page, and by nobody else", async (t) => {
    const { url, origin } = await demo(t);
    const stream = events(t, url);
    await seek(stream, ({ name }) => name === "config");
    const post = (body, headers) =>
      exchange(url, {
        method: "POST",
        path: "/demo/api/policy",
        headers: { "content-type": "application/json", origin, ...headers },
        body: JSON.stringify(body),
      });
    const policy = "duplicate";
    for (const [body, headers, wanted] of [
      [{ policy }, { origin: "https://evil.example" }, 403],
      [{ policy }, { origin: "null" }, 403],
      [{ policy }, { origin: "" }, 403],
      [{ policy }, { host: "evil.example" }, 403],
      [{ policy }, { "content-type": "text/plain" }, 415],
      [{ policy: "polite" }, {}, 400],
      [null, {}, 400],
      ["x".repeat(5000), {}, 400],
    ])
      assert.equal((await post(body, headers)).status, wanted);
    assert.equal((await post({ policy })).status, 204);
    const config = await seek(stream, ({ name }) => name === "config");
    assert.equal(config.policy, "duplicate");
  });

  test("a name that only resolves to this machine is not served", async (t) => {
    const { url } = await demo(t);
    for (const path of ["/demo/api/events", "/js/index.js"]) {
      const headers = { host: "evil.example" };
      assert.equal((await exchange(url, { path, headers })).status, 403);
    }
  });

  test("a port in use is explained", async (t) => {
    const { url } = await demo(t);
    const { port } = new URL(url);
    const { code, stderr } = await finish(t, "demo", "--port", port);
    assert.equal(code, 1);
    assert.match(stderr, /port/);
  });
});
