/**
 * Who watches a user's presence, at the level of the policy: what follows from calls, what lapses, and
 * how many there are.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, test as nodeTest } from "node:test";
import { contact } from "./support/contacts.mjs";
import { DOMAIN } from "./support/deployment.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";

/** @type {PolicyUnderTest} */
let policy;
const skip = process.env.CI ? false : deploymentMissing();
before(async () => {
  if (!skip) policy = await PolicyUnderTest.start();
});
after(() => policy?.stop());
beforeEach(() => policy?.clear());

/** @param {string} name @param {() => Promise<void>} body */
const test = (name, body) => nodeTest(name, { skip }, body);

const ALICE = `2001@${DOMAIN}`;
const BOB = `2002@${DOMAIN}`;

/**
 * SUBSCRIBE of 2002 to the presence of 2001, from the node b.
 * @param {Record<string, string | number>} [says]
 * @returns {Promise<{ status: string, notify: any }>}
 */
async function watch({ user = "2002", ...says } = {}) {
  const key = policy.key(`${user}`);
  const [status, , , command] = await policy.call("watch", key, {
    ...policy.place("watcher", "b"),
    ...{ domain: DOMAIN, local_uri: `sip:${ALICE}`, remote_uri: `sip:${BOB}` },
    contact: "<sip:watcher@watcher.invalid>",
    ...{ expires: 600, call_id: "watch", cseq: 1, remote_tag: "far" },
    ...{ to_tag: "", tag: "near", event: "presence", package: "presence" },
    ...{ watched: ALICE, aor: `sip:${ALICE}`, ...says },
  });
  return { status, notify: command && JSON.parse(command).params };
}

/** One of 2001 over the connection of a client of theirs, to what their other devices do. @param {string} client */
const watchDialogs = (client) =>
  watch({
    ...policy.place(client, "b"),
    ...{ user: "2001", remote_uri: `sip:${ALICE}`, call_id: client },
    ...{ event: "dialog", package: "dialog" },
  });

/** PUBLISH of 2001. @param {string} [note] @param {number} [expires] */
const publish = async (note = "n", expires = 60) => {
  const body = `<presence><tuple><status><basic>open</basic></status><note>${note}</note></tuple></presence>`;
  const { node, boot, flow } = policy.place("phone");
  const fields = {
    ...{ node, boot, flow, package: "presence", type: "application/pidf+xml" },
    ...{ etag: "", expires, size: body.length, call_id: note, cseq: 1 },
  };
  const [status] = await policy.call("publish", policy.key(), fields, body);
  return status;
};

/**
 * The NOTIFYs that were left for the watcher's node since.
 * @returns {Promise<any[][]>} what each consists of
 */
async function left() {
  const list = "graceline:errands:b";
  const words = ["FCALL", "graceline_errands", 1, list, 1];
  /** @type {string[]} */
  const errands = await policy.command(...words);
  const commands = errands.filter((_, index) => index % 2);
  return commands.map((command) => JSON.parse(command).params);
}

/** Of presence: each one's basic, activity and note. */
async function told() {
  const notifies = await left();
  return notifies.map(([method, , , , headers, body]) => {
    assert.equal(method, "NOTIFY");
    const over = /Subscription-State: terminated/.test(headers) ? ["over"] : [];
    const said = /<basic>(\w+)<|<rpid:activities><rpid:([\w-]+)|<note>(\w+)</g;
    const parts = [...body.matchAll(said)].map((one) =>
      one.slice(1).find(Boolean),
    );
    return [...over, ...parts].join(" ");
  });
}

/** A second of a node that looks at what may have lapsed. */
const look = () =>
  policy.command("FCALL", "graceline_looks", 1, "graceline:looks", 100);

const phone = () =>
  policy.register("phone", { contacts: contact("phone"), expires: "120" });

test("who has called, or answered, is on the phone; who rings is not", async () => {
  await phone();
  assert.equal((await watch()).status, "200");
  const call = { call_id: "call", tag: "caller" };
  const began = {
    ...{ ...call, device: "", from_uri: `sip:${BOB}`, from_name: "" },
    ...{ to_uri: `sip:${ALICE}`, replaces: "", node: "a", boot: "1" },
  };
  await policy.call("call_began", [], { ...began, who: BOB, callee: ALICE });
  assert.deepEqual(await told(), []);
  const answered = { ...call, callee: "callee", who: ALICE, device: "" };
  await policy.call("call_answered", [], answered);
  assert.deepEqual(await told(), ["open on-the-phone"]);
  const over = { ...call, callee: "callee" };
  await policy.call("call_hung_up", [], over);
  assert.deepEqual(await told(), ["open"]);
  // And as the one who calls, until it comes to nothing.
  await policy.call("call_began", [], {
    ...{ ...began, call_id: "second", who: ALICE, callee: BOB },
  });
  assert.deepEqual(await told(), ["open on-the-phone"]);
  const failed = { call_id: "second", tag: "caller" };
  await policy.call("call_failed", [], {
    ...{ ...failed, outcome: "busy", target: "" },
  });
  assert.deepEqual(await told(), ["open"]);
});

test("what lapses is told: a state, a registration, a subscription, a node", async () => {
  await phone();
  await watch({ expires: 300 });
  assert.equal(await publish(), "200");
  assert.deepEqual(await told(), ["open n"]);
  await policy.pass(59);
  await look();
  assert.deepEqual(await told(), []);
  await policy.pass(2);
  await look();
  assert.deepEqual(await told(), ["open"]);
  await policy.pass(60);
  await look();
  assert.deepEqual(await told(), ["closed"]);

  await phone();
  assert.deepEqual(await told(), ["open"]);
  await policy.command("HSET", "graceline:node:a", "boot", "2");
  await policy.pass(16);
  await look();
  assert.deepEqual(await told(), ["closed"]);
  await policy.pass(200);
  await look();
  assert.deepEqual(await told(), ["over closed"]);
  assert.equal(await policy.command("EXISTS", "graceline:looks"), 0);
  assert.equal((await watch({ to_tag: "near", cseq: 2 })).status, "481");
});

test("a watcher whose connection is gone is told nothing, nor one of a node that is gone", async () => {
  await watch();
  const { node, boot, flow, cluster_socket } = policy.place("watcher", "b");
  const lost = { node, boot, flow, cluster_socket, in_call: 0 };
  await policy.call("gone", policy.key("2002"), lost);
  await phone();
  assert.deepEqual(await told(), []);
  assert.deepEqual(await policy.command("KEYS", "graceline:watche*"), []);

  await watch({ call_id: "other" });
  await policy.command("HSET", "graceline:node:b", "boot", "2");
  assert.equal(await publish(), "200");
  assert.deepEqual(await told(), []);
  assert.deepEqual(await policy.command("KEYS", "graceline:watche*"), []);
});

test("300 subscriptions of one user, and 20 changes in 10 s", async () => {
  const many = Array.from({ length: 300 }, (_, index) => `${index}`);
  for (const call_id of many)
    assert.equal(
      (await watch({ call_id, watched: `${call_id}@x` })).status,
      "200",
    );
  const full = await watch({ call_id: "full" });
  assert.equal(full.status, "503");
  // Those that are over make room.
  await policy.pass(601);
  assert.equal((await watch({ call_id: "full" })).status, "200");

  const statuses = [];
  for (let change = 0; change < 22; change++)
    statuses.push(await publish(`n${change}`));
  assert.deepEqual(
    [statuses.indexOf("503"), statuses.lastIndexOf("200")],
    [20, 19],
  );
  assert.equal((await told()).length, 20);
  await policy.command("DEL", `graceline:changes:${ALICE}`);
  assert.equal(await publish("later"), "200");
});

/** What a document of dialogs says of each. @param {string} body */
const dialogs = (body) =>
  [...body.matchAll(/<dialog [^]*?<\/dialog>/g)].map(([dialog]) => {
    const attribute = (/** @type {string} */ name) =>
      new RegExp(` ${name}="([^"]*)"`).exec(dialog)?.[1];
    const [, state] = /<state>(\w+)</.exec(dialog) ?? [];
    const [, far] = /<remote>.*<target uri="([^"]*)"/.exec(dialog) ?? [];
    const tags = [attribute("local-tag"), attribute("remote-tag")];
    return [attribute("display"), attribute("direction"), state, tags, far];
  });

test("each device is told of the others' calls, with what takes them over", async () => {
  const uuid = (/** @type {number} */ digit) =>
    `urn:uuid:00000000-0000-4000-8000-00000000000${digit}`;
  policy.settings.devices = "on";
  for (const [digit, user] of /** @type {const} */ ([
    [1, "2001"],
    [2, "2001"],
    [3, "2002"],
  ])) {
    const [id, instance] = [`d${digit}`, uuid(digit)];
    await policy.account(
      "authorise",
      {
        ...{ id, instance, class: "mobile", name: `Phone ${digit}` },
        limits: { mobile: 4, deskphone: 4 },
      },
      user,
    );
    const bound = await policy.register(id, {
      ...{ user, instance, node: "b" },
      contacts: contact(id, { device: "" }),
    });
    assert.equal(bound.status, 200);
  }
  policy.settings.devices = "off";
  for (const client of ["d1", "d2"]) {
    const { notify } = await watchDialogs(client);
    assert.deepEqual(dialogs(notify.at(-1)), []);
    assert.match(notify.at(-1), / version="0" state="full" /);
  }

  // It rings at the first of Alice's phones, and at both.
  const call = { call_id: "call", tag: "caller" };
  const party = { ...call, who: ALICE };
  await policy.call("call_began", [], {
    ...{ ...call, who: BOB, device: "d3", from_uri: `sip:${BOB}` },
    ...{ from_name: "Bo <b", to_uri: `sip:${ALICE}`, callee: ALICE },
    ...{ replaces: "", node: "a", boot: "1" },
  });
  assert.deepEqual(await left(), []);
  await policy.call("call_rings", [], {
    ...{ ...party, device: "d1", callee: "first" },
  });
  const [ringing] = await left();
  assert.match(ringing[2], /d2/);
  assert.deepEqual(dialogs(ringing.at(-1)), [
    [
      ...["Phone 1", "recipient", "early", ["first", "caller"]],
      `sip:${BOB};gr=${uuid(3)}`,
    ],
  ]);
  assert.match(ringing.at(-1), / version="1" .*display="Bo &lt;b"/s);
  await policy.call("call_rings", [], {
    ...{ ...party, device: "d2", callee: "second" },
  });
  const [both] = await left();
  assert.deepEqual(dialogs(both.at(-1)), []);

  await policy.call("call_answered", [], {
    ...{ ...party, callee: "callee", device: "d1" },
  });
  const connected = await left();
  assert.equal(connected.length, 1);
  assert.match(connected[0][2], /d2/);
  assert.deepEqual(dialogs(connected[0].at(-1)), [
    [
      ...["Phone 1", "recipient", "confirmed", ["callee", "caller"]],
      `sip:${BOB};gr=${uuid(3)}`,
    ],
  ]);
  await policy.call("call_hung_up", [], { ...call, callee: "callee" });
  const [over] = await left();
  assert.deepEqual(dialogs(over.at(-1)), []);
});
