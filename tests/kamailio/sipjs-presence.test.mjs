/**
 * SIP.js watches a phone of ours through the test registrar and through two nodes of deploy/kamailio, and
 * publishes what the phone sees:
 * documents that neither side has written for itself (RFC 3856, 3863, 3903, 4480).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Phone } from "graceline";
import { fakeMedia, startRegistrar } from "graceline/testing";
import * as SIP from "sip.js";
import { WebSocket } from "ws";
import { Cluster } from "./support/cluster.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";

const password = "tell-nobody-4711";
const domain = "example.test";

const { setTimeout } = globalThis;

/**
 * SIP.js keeps the timers of what it has disposed of; the process need not wait for them.
 *
 * @param {Parameters<typeof setTimeout>} args
 */
const unhurried = (...args) => setTimeout(...args).unref();

/** Where the phone logs in, and where SIP.js does. @typedef {{ urls: [string, string], stop: () => Promise<unknown> }} Server */

/** @type {Record<string, () => Promise<Server>>} */
const servers = {
  "the test registrar": async () => {
    const registrar = await startRegistrar({
      users: { 2001: { password }, 2002: { password } },
      domain,
    });
    return {
      urls: [registrar.url, registrar.url],
      stop: () => registrar.stop(),
    };
  },
  "two nodes of deploy/kamailio": async () => {
    const cluster = await Cluster.start({
      accounts: ["2001", "2002"].map((user) => ({ user, password })),
      nodes: [
        { name: "a", host: "127.0.0.2" },
        { name: "b", host: "127.0.0.3" },
      ],
    });
    const [first, second] = cluster.nodes;
    return { urls: [first.url, second.url], stop: () => cluster.stop() };
  },
};

/**
 * @param {import("node:test").TestContext} t
 * @param {() => Promise<Server>} start
 */
async function setUp(t, start) {
  Object.assign(globalThis, { WebSocket, setTimeout: unhurried });
  const server = await start();
  const [own, other] = server.urls;
  const phone = new Phone({
    connections: own,
    user: "2001",
    domain,
    password,
    WebSocket: /** @type {any} */ (WebSocket),
    media: fakeMedia(),
  });
  const agent = new SIP.UserAgent({
    uri: SIP.UserAgent.makeURI(`sip:2002@${domain}`),
    transportOptions: { server: other },
    authorizationUsername: "2002",
    authorizationPassword: password,
    logLevel: "error",
    gracefulShutdown: false, // a graceful one never ends
  });
  t.after(async () => {
    await agent.stop();
    await phone.close();
    await server.stop();
  });
  await agent.start();
  return { phone, agent };
}

const address = (/** @type {string} */ user) =>
  /** @type {SIP.URI} */ (SIP.UserAgent.makeURI(`sip:${user}@${domain}`));

/**
 * Watches a user; each answer is the next document.
 *
 * @param {SIP.UserAgent} agent
 * @param {string} user
 */
async function watch(agent, user) {
  /** @type {string[]} */
  const documents = [];
  /** @type {() => void} */
  let news = () => {};
  const subscriber = new SIP.Subscriber(agent, address(user), "presence", {
    delegate: {
      onNotify(notification) {
        documents.push(notification.request.body);
        void notification.accept();
        news();
      },
    },
  });
  await subscriber.subscribe();
  return async () => {
    while (documents.length === 0)
      await new Promise((resolve) => (news = () => resolve(undefined)));
    return /** @type {string} */ (documents.shift());
  };
}

for (const [through, start] of Object.entries(servers)) {
  const skip =
    through !== "the test registrar" && !process.env.CI && deploymentMissing();
  const scene = (/** @type {import("node:test").TestContext} */ t) =>
    setUp(t, start);

  test(
    `SIP.js sees a phone of ours come, be busy, be away and go, through ${through}`,
    { skip },
    async (t) => {
      const { phone, agent } = await scene(t);
      const next = await watch(agent, "2001");
      assert.match(await next(), /<basic>closed</);
      await phone.registerPhone();
      const open = await next();
      assert.match(open, /<basic>open</);
      assert.doesNotMatch(open, /rpid:activities/);
      await phone.setPresence({ state: "away", note: "Tea & biscuits" });
      const away = await next();
      assert.match(away, /<rpid:away\/>/);
      assert.match(away, /<note>Tea &amp; biscuits<\/note>/);
      await phone.setPresence({ state: "busy" });
      assert.match(await next(), /<rpid:busy\/>/);
      await phone.unregisterPhone();
      // What it had said is taken back before it goes, or with it.
      let last = await next();
      if (!/closed/.test(last)) last = await next();
      assert.match(last, /<basic>closed</);
    },
  );

  test(
    `a phone of ours sees what SIP.js publishes, through ${through}`,
    { skip },
    async (t) => {
      const { phone, agent } = await scene(t);
      await phone.registerPhone();
      const registerer = new SIP.Registerer(agent);
      await registerer.register();
      const presence = phone.presence("2002");
      const becomes = (/** @type {string} */ wanted) =>
        new Promise((resolve) => {
          const look = () => presence.state === wanted && resolve(undefined);
          presence.on("change", look);
          look();
        });
      await becomes("available");
      const publisher = new SIP.Publisher(agent, address("2002"), "presence", {
        contentType: "application/pidf+xml",
        expires: 600,
      });
      publisher.publish(
        `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" ` +
          `xmlns:d="urn:ietf:params:xml:ns:pidf:data-model" ` +
          `xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:2002@${domain}">` +
          `<tuple id="a"><status><basic>open</basic></status></tuple>` +
          `<d:person id="b"><r:activities><r:away/></r:activities></d:person></presence>`,
      );
      await becomes("away");
      await publisher.unpublish();
      await becomes("available");
    },
  );
}
