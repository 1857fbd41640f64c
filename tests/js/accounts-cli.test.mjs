// `npx graceline account`: what a person types, and what they see.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac, createSign, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { AccountClient, DOMAIN, password } from "./support/account-client.js";

const cli = fileURLToPath(
  new URL("../../js/cli/graceline.js", import.meta.url),
);

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "accounts-cli-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return (name, text) => {
    const file = join(path, name);
    if (text !== undefined) writeFileSync(file, text);
    return file;
  };
}

function run(t, ...args) {
  const child = spawn(process.execPath, [cli, "account", ...args]);
  t.after(() => child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"])
    child[name].on("data", (data) => (output[name] += data));
  return { child, output };
}

/** A service that is ready, and a client of it. */
async function start(t, ...args) {
  const { child, output } = run(
    t,
    ...["--user", `2001:${password}`, "--domain", DOMAIN, ...args],
  );
  const [url] = await once(createInterface(child.stdout), "line");
  return { child, output, client: new AccountClient(url) };
}

const base64 = (value) =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

/** A JWT (RFC 7515), signed by `sign` or not at all. */
const jwt = (alg, claims, sign, kid) => {
  const text = `${base64({ alg, kid })}.${base64(claims)}`;
  return `${text}.${sign ? sign(text) : ""}`;
};

const claims = (more) => {
  const iat = Math.floor(Date.now() / 1000);
  const sub = `2001@${DOMAIN}`;
  return { sub, aud: "graceline-account", iat, exp: iat + 60, ...more };
};

test("serves, with an audit log, until it is ended", async (t) => {
  const file = folder(t);
  const audit = file("audit.jsonl");
  const admin = file("token", "administrators-4711\n");
  const { child, output, client } = await start(
    t,
    ...["--admin-token", admin, "--audit", audit, "--limits", "mobile=1"],
  );
  const own = await client.signedIn();
  assert.equal((await own.authorise()).status, 201);
  const user = await client
    .as("administrators-4711")
    .get("GET", "/v1/admin/users/2001");
  assert.deepEqual(user.limits, { mobile: 1, deskphone: 4 });
  assert.match(output.stderr, /SIP: ws:\/\/127\.0\.0\.1:\d+\//);
  child.kill("SIGTERM");
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  const entries = readFileSync(audit, "utf8").trim().split("\n");
  const { act, who, at } = JSON.parse(entries[0]);
  assert.deepEqual([entries.length, act, who], [1, "authoriseDevice", "2001"]);
  assert.ok(Date.parse(at));
  for (const secret of [password, "administrators-4711", own.token])
    assert.ok(!JSON.stringify([output, entries]).includes(secret));
});

describe("codes that confirm a number", () => {
  /** What the operator's server was asked, and what it answers. */
  async function sender(t) {
    const asked = [];
    const state = { status: 204 };
    const server = createServer(async (request, response) => {
      let text = "";
      for await (const part of request) text += part;
      const { authorization } = request.headers;
      asked.push({ authorization, ...JSON.parse(text) });
      response.writeHead(state.status, { location: "/elsewhere" }).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    return { asked, state, url: `http://127.0.0.1:${server.address().port}/` };
  }

  test("are sent by the operator's server, and stand in no log", async (t) => {
    const { asked, url } = await sender(t);
    const token = folder(t)("token", "codes-4711\n");
    const { client, output } = await start(
      t,
      ...["--send-code", url, "--send-code-token", token],
    );
    const own = await client.signedIn();
    const id = "+4930123456";
    await own.get("POST", "/v1/public-ids", { id, channel: "call" });
    const [{ code, ...rest }] = asked;
    const authorization = "Bearer codes-4711";
    assert.deepEqual(rest, { id, channel: "call", authorization });
    const path = `/v1/public-ids/${encodeURIComponent(id)}/confirm`;
    const confirmed = await own.get("POST", path, { code });
    assert.equal(confirmed.confirmed, true);
    for (const secret of [code, "codes-4711"])
      assert.ok(!JSON.stringify(output).includes(secret));
  });

  test("that it does not send are said not to be sent", async (t) => {
    const { state, url } = await sender(t);
    const { client } = await start(t, "--send-code", url);
    const own = await client.signedIn();
    for (const status of [500, 403, 302]) {
      state.status = status;
      const id = `+49301234${status}`;
      const answer = await own.ask("POST", "/v1/public-ids", { id });
      assert.deepEqual([answer.status, answer.code], [503, "eOutOfService"]);
    }
  });

  for (const [what, args] of [
    ["in clear text", ["--send-code", "http://sms.example.com/"]],
    ["with a password in the URL", ["--send-code", "https://a:b@example.com/"]],
    ["by no URL", ["--send-code", "send-sms.sh $CODE"]],
    ["with a token alone", ["--send-code-token", "/dev/null"]],
    ["in clear text", ["--push-hook", "http://push.example.com/"]],
    ["with a password in the URL", ["--push-hook", "https://a:b@example.com/"]],
    ["with a token alone", ["--push-hook-token", "/dev/null"]],
  ])
    test(`are not sent ${what}`, async (t) => {
      const { child, output } = run(t, ...args);
      const [code] = await once(child, "close");
      assert.equal(code, 1);
      assert.match(output.stderr, /send-code|push-hook/);
      assert.doesNotMatch(output.stderr, /a:b@/);
    });
});

describe("tokens of the operator's own backend", () => {
  test("signed with a secret", async (t) => {
    const secret = "0123456789abcdef0123456789abcdef";
    const file = folder(t)("secret", `${secret}\n`);
    const { client } = await start(t, "--jwt-secret", file);
    const hmac = (key) => (text) =>
      createHmac("sha256", key).update(text).digest("base64url");
    const sign = async (token) =>
      (await client.ask("POST", "/v1/session", { token })).status;
    assert.equal(await sign(jwt("HS256", claims(), hmac(secret))), 200);
    const soon = Math.floor(Date.now() / 1000);
    for (const token of [
      jwt("HS256", claims(), hmac("another")),
      jwt("none", claims()),
      jwt("HS256", claims({ aud: "another-service" }), hmac(secret)),
      jwt("HS256", claims({ aud: undefined }), hmac(secret)),
      jwt("HS256", claims({ exp: soon - 60 }), hmac(secret)),
      jwt("HS256", claims({ exp: undefined }), hmac(secret)),
      jwt("HS256", claims({ iat: soon - 4000 }), hmac(secret)),
      jwt("HS256", claims({ sub: "2009@example.test" }), hmac(secret)),
      jwt("HS256", claims({ sub: "2001" }), hmac(secret)),
      jwt("HS256", claims({ sub: undefined }), hmac(secret)),
      "x",
      "a.b.c",
    ])
      assert.equal(await sign(token), 401);
  });

  test("signed with a private key", async (t) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", {
      namedCurve: "P-256",
    });
    const key = { ...publicKey.export({ format: "jwk" }), kid: "one" };
    const text = JSON.stringify({ keys: [key] });
    const { client } = await start(t, "--jwks", folder(t)("jwks.json", text));
    const ecdsa = (text) =>
      createSign("sha256")
        .update(text)
        .sign({ key: privateKey, dsaEncoding: "ieee-p1363" }, "base64url");
    const sign = async (token) =>
      (await client.ask("POST", "/v1/session", { token })).status;
    assert.equal(await sign(jwt("ES256", claims(), ecdsa, "one")), 200);
    assert.equal(await sign(jwt("ES256", claims(), ecdsa, "two")), 401);
    // The public key is no secret: it signs nothing.
    const pem = publicKey.export({ format: "pem", type: "spki" });
    const hmac = (text) =>
      createHmac("sha256", pem).update(text).digest("base64url");
    assert.equal(await sign(jwt("HS256", claims(), hmac, "one")), 401);
  });
});

describe("a mistake is explained, without a stack and without a secret", () => {
  for (const args of [
    ["--limits", "mobile=many"],
    ["--limits", "fridge=1"],
    ["--shared-slot", "maybe"],
    ["--origins", "app.example"],
    ["--push-hosts", "://"],
    ["--redis", "redis://:tellnobody@127.0.0.1:1"],
    ["--database", "sqlite:///x"],
    ["--redis", "redis://:tellnobody@127.0.0.1:1", "--database", "sqlite:///x"],
    ["--redis", "tellnobody", "--database", "sqlite:///x"],
    ["--admin-token", "/no/such/file"],
    ["--jwks", cli],
    ["--tls-cert", cli],
    ["--host", "0.0.0.0"],
    ["--port", "http"],
  ])
    test(args.join(" "), async (t) => {
      const { child, output } = run(t, ...args);
      const [code] = await once(child, "close");
      assert.equal(code, 1);
      assert.equal(output.stdout, "");
      assert.ok(output.stderr.length > 10);
      assert.doesNotMatch(output.stderr, /\n\s+at |tellnobody/);
    });

  test("a secret that is too short to keep", async (t) => {
    const file = folder(t)("secret", "tellnobody");
    const { child, output } = run(t, "--jwt-secret", file);
    const [code] = await once(child, "close");
    assert.equal(code, 1);
    assert.match(output.stderr, /32 bytes/);
    assert.doesNotMatch(output.stderr, /tellnobody/);
  });
});
