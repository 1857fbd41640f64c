// Asks the account service as a stranger would, and checks each answer against
// docs/account-api.yaml.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { once } from "node:events";
import { startAccounts, startRegistrar } from "graceline/testing";
// @ts-ignore: made by the build, which the lints do without
import { Ajv2020, parseYaml } from "../../../pkg/libraries/http.js";

export const DOMAIN = "example.test";
export const password = "tell-nobody-4711";

const require = createRequire(import.meta.url);
const at = require
  .resolve("graceline/package.json")
  .replace("package.json", "docs/account-api.yaml");
const text = readFileSync(at, "utf8").replaceAll(
  '"#/components',
  '"api#/components',
);
export const document = parseYaml(text);
const ajv = new Ajv2020({ strict: false, formats: { "date-time": true } });
ajv.addSchema({ $id: "api", components: document.components });

/** What the document says of an answer. */
function schemaOf(method, path, status) {
  const item = Object.entries(document.paths).find(([template]) =>
    new RegExp(`^${template.replace(/{\w+}/g, "[^/]+")}$`).test(path),
  )?.[1];
  const operation = item?.[method.toLowerCase()];
  let response = operation?.responses[status] ?? operation?.responses.default;
  if (!operation && status >= 400)
    response = document.components.responses.Error;
  assert.ok(response, `${method} ${path} is not described`);
  if (response.$ref) {
    const name = response.$ref.split("/").at(-1);
    response = document.components.responses[name];
  }
  assert.ok(
    operation?.responses[status] || status >= 400,
    `${method} ${path} is not said to answer ${status}`,
  );
  return response.content?.["application/json"]?.schema;
}

function check(method, path, status, body) {
  const schema = schemaOf(method, path, status);
  if (!schema)
    return assert.equal(body, undefined, `${method} ${path}: a body`);
  const isRight = ajv.compile(schema);
  assert.ok(
    isRight(body),
    `${method} ${path} ${status}: ${JSON.stringify(body)} ${ajv.errorsText(isRight.errors)}`,
  );
}

export class AccountClient {
  constructor(url, token) {
    this.url = url;
    this.token = token;
  }

  /** The same service, with another token. */
  as(token) {
    return new AccountClient(this.url, token);
  }

  async ask(method, path, body, headers = {}) {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    const value = text ? JSON.parse(text) : undefined;
    check(method, path.split("?")[0], response.status, value);
    assert.equal(response.headers.get("cache-control"), "no-store");
    return {
      status: response.status,
      headers: response.headers,
      body: value,
      code: value?.error?.code,
      details: value?.error?.details,
    };
  }

  /** The value of what must succeed. */
  async get(method, path, body) {
    const { status, body: value } = await this.ask(method, path, body);
    assert.ok(
      status < 300,
      `${method} ${path}: ${status} ${JSON.stringify(value)}`,
    );
    return value;
  }

  signIn(user = "2001", more) {
    const proof = { user, domain: DOMAIN, password, ...more };
    return this.ask("POST", "/v1/session", proof);
  }

  /** A client that is signed in by password. */
  async signedIn(user) {
    const { body } = await this.signIn(user);
    return this.as(body.token);
  }

  authorise(more) {
    const device = { instanceId: instance(1), class: "mobile", name: "Phone" };
    return this.ask("POST", "/v1/devices", { ...device, ...more });
  }

  /** Server-sent events, one after the other, from when it resolves on. */
  async events(t) {
    const controller = new AbortController();
    t.after(() => controller.abort());
    const { body, status } = await fetch(new URL("/v1/events", this.url), {
      headers: { authorization: `Bearer ${this.token}` },
      signal: controller.signal,
    });
    assert.equal(status, 200);
    const stream = eventsIn(body);
    assert.equal((await stream.next()).value, "listening");
    return {
      next: async () => /** @type {any} */ ((await stream.next()).value),
      leave: () => controller.abort(),
    };
  }
}

async function* eventsIn(body) {
  let text = "";
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (
      let end;
      (end = text.indexOf("\n\n")) >= 0;
      text = text.slice(end + 2)
    ) {
      const [, comment, name, data] =
        /^(?:: (.*)|event: (.*)\ndata: (.*))$/.exec(text.slice(0, end));
      yield comment ?? { name, data: JSON.parse(data) };
    }
  }
}

/** A device's instance id. */
export const instance = (number) =>
  `urn:uuid:00000000-0000-4000-8000-${`${number}`.padStart(12, "0")}`;

/** A registrar with an account service; both end with the test. */
export async function serve(t, options = {}, ofRegistrar = {}) {
  const registrar = await startRegistrar({
    users: { 2001: { password }, 2002: { password } },
    domain: DOMAIN,
    ...ofRegistrar,
  });
  t.after(() => registrar.stop());
  const audit = [];
  const log = [];
  const accounts = await startAccounts({
    registrar,
    audit: (entry) => audit.push(entry),
    log: (entry) => log.push(entry),
    ...options,
  });
  t.after(() => accounts.stop());
  const client = new AccountClient(accounts.url);
  return { registrar, accounts, client, audit, log };
}

/**
 * An exchange with headers that fetch would not let one set.
 *
 * @param {string | URL} url
 * @param {{ method?: string, path?: string, headers?: Record<string, string>, body?: string }} [options]
 */
export async function exchange(
  url,
  { method = "GET", path, headers, body } = {},
) {
  const asking = request(url, { method, headers, ...(path && { path }) });
  asking.end(body);
  const [response] = await once(asking, "response");
  let text = "";
  for await (const part of response) text += part;
  return { status: response.statusCode, headers: response.headers, text };
}
