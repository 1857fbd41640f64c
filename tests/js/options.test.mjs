// Every option: what is refused, and that the error names it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkOptions, coreOptions } from "../../js/phone/options.js";
import { Phone } from "../../js/phone/phone.js";
import { turn } from "./support/fake-core.js";

const good = {
  connections: "wss://sip.example.com/",
  user: "2001",
  domain: "example.com",
};
const uuid = "urn:uuid:6b1ea9c3-3f1d-4c0b-9c1e-5d3c1a2b4c5d";

/** @type {Record<string, unknown[]>} */
const wrong = {
  connections: [
    undefined,
    "",
    [],
    7,
    null,
    "sip.example.com",
    "http://sip.example.com/",
    "sips:sip.example.com",
    "ws://sip.example.com/",
    "ws://0.0.0.0/",
    "ws://10.0.0.1/",
    "ws://127.0.0.1.example.com/",
    "ws://localhost.example.com/",
    "ws://notlocalhost/",
    "wss://alice@sip.example.com/",
    "wss://alice:pass@sip.example.com/",
    "wss://:pass@sip.example.com/",
    "wss://sip.example.com/#there",
    "wss://sip.example.com/\r\n",
    Array(9).fill("wss://sip.example.com/"),
    ["wss://sip.example.com/", "ws://sip.example.com/"],
    ["wss://sip.example.com/", undefined],
  ],
  watch: ["some", true],
  distribution: ["random", 1],
  heartbeat: [4, 601, "30", 7.5],
  user: [
    undefined,
    null,
    "",
    -1,
    1.5,
    NaN,
    2 ** 53,
    "sip:2001",
    "2001@example.com",
    "a b",
    "a\r\nb",
  ],
  domain: [undefined, "", "sip:example.com", "exa mple.com", "example.com/a"],
  authUser: ["", {}, "a\nb"],
  password: [true, null, "a\rb", "a\0b"],
  ha1: ["", "tellnobody", "0".repeat(33)],
  credentials: ["tellnobody", {}],
  device: ["", [7], "CSF\r\nALICE", "x".repeat(513)],
  instanceId: [
    "",
    "6b1ea9c3-3f1d-4c0b-9c1e-5d3c1a2b4c5d",
    "urn:uuid:00000000-0000-0000-0000-000000000000",
    `${uuid}>`,
  ],
  displayName: ["", "Alice\r\nContact: *"],
  account: [null, "https://a.example.com", {}, { url: 7 }],
  deviceClass: ["deskphone", "tablet", 1],
  publicId: ["", 7, "a b", "a\r\nb", "sip:ada@example.com", "tel:+4930", "é"],
  profile: ["cucm", "Cisco", 1],
  conflictScope: ["line", true],
  registrationType: ["forced", ""],
  expires: [0, -1, 1.5, "120", NaN, 4294967296],
  timeout: [0, 99, 600_001, "30000", Infinity],
  userAgent: ["", "A\r\nB"],
  extraHeaders: [
    "X-A: b",
    { "X A": "b" },
    { "X-A": "b\r\nVia: c" },
    { "X-A": "b\0" },
    { "X-A": 7 },
    [["X-A"]],
    ["X-A"],
    { Contact: "*" },
    { "content-length": "0" },
    { Via: "SIP/2.0/WS a" },
  ],
  WebSocket: [{}, "ws"],
  storage: [{}, "localStorage", { getItem() {} }],
  shared: [1, "yes", {}, null],
  page: [{}, "page", null],
  log: [{}, true],
  media: ["rtc", 1],
  iceServers: ["stun:example.com", {}],
  allowInsecure: ["yes", 1],
  forceMayRemoveOthers: [1],
  ignoreBindings: ["sip:2001@192.0.2.1", [7], ["sip:a\r\n@b"]],
  refuseMd5: ["no"],
  trustAssertedIdentity: ["yes", 1, null],
  trace: [1],
  isolate: [null],
};

describe("refused with eInvalidArgument, naming the option", () => {
  for (const [option, values] of Object.entries(wrong)) {
    for (const value of values) {
      test(`${option}: ${JSON.stringify(value)?.slice(0, 60)}`, () => {
        assert.throws(
          () => new Phone({ ...good, [option]: value }),
          (error) => {
            assert.equal(error.code, "eInvalidArgument");
            assert.equal(error.details.option, option);
            assert.match(error.message, new RegExp(`"${option}"`));
            return true;
          },
        );
      });
    }
  }

  // In either case, and the compact forms of RFC 3261 §7.3.3 as well.
  for (const name of [
    ...["Via", "v", "From", "f", "To", "t", "Call-ID", "i", "CSeq", "Contact"],
    ...["m", "Max-Forwards", "Content-Type", "c", "Content-Length", "l"],
    ...["Authorization", "Proxy-Authorization", "Expires", "Supported", "k"],
    ...["Require", "Proxy-Require", "Route", "Path", "Reason", "User-Agent"],
  ])
    test(`a header that the phone writes itself: ${name}`, () => {
      for (const own of [name, name.toUpperCase(), name.toLowerCase()]) {
        const extraHeaders = { [own]: "x" };
        assert.throws(
          () => new Phone({ ...good, extraHeaders }),
          ({ message, details }) =>
            details.option === "extraHeaders" && message.includes(own),
        );
        checkOptions({ ...good, extraHeaders: { [`X-${own}`]: "x" } });
      }
    });

  test("no options at all", () => {
    assert.throws(() => new Phone(), { code: "eInvalidArgument" });
    assert.throws(() => new Phone("2001"), { code: "eInvalidArgument" });
  });

  for (const [options, said] of [
    [{}, "connections"],
    [{ connections: good.connections }, "user"],
    [{ ...good, domain: undefined }, "domain"],
    [{ ...good, domain: null }, "domain"],
    [{ ...good, connections: "" }, "connections"],
  ])
    test(`what is needed and not there is missing: ${said}`, () => {
      const message = `The option "${said}" is missing.`;
      assert.throws(() => new Phone(options), { message });
    });

  for (const [value, said] of [
    ["", /"device" is empty/],
    [[7], /"device" must be text/],
    ["a\nb", /"device" holds CR, LF/],
    ["x".repeat(513), /"device" is longer than 512/],
  ])
    test(`what is wrong with a text is said: ${said}`, () => {
      assert.throws(() => new Phone({ ...good, device: value }), said);
    });

  test("the message does not repeat a password", () => {
    assert.throws(
      () => new Phone({ ...good, password: "tell\rnobody" }),
      (error) => !/tell/.test(error.message + error.stack),
    );
    assert.throws(
      () => new Phone({ ...good, connections: "wss://a:tellnobody@b/" }),
      (error) => !/tellnobody/.test(error.message),
    );
  });
});

/** @type {Record<string, unknown[]>} */
const right = {
  connections: [
    "ws://localhost:5066",
    "ws://pbx.localhost/",
    "ws://127.0.0.1:8080/sip",
    "ws://127.1.2.3/",
    "ws://[::1]:8080/",
    "WSS://sip.example.com/ws?tenant=1",
    Array(8).fill("wss://sip.example.com/"),
  ],
  user: ["alice", "+15551234", "al%20ice", "a.b_c-d"],
  domain: ["example.com", "pbx", "192.0.2.1", "[2001:db8::1]", "a_b.local"],
  password: ["", "pässwörd ✓", "a b:c"],
  ha1: ["0123456789abcdef".repeat(2), "0123456789ABCDEF".repeat(4)],
  instanceId: [uuid, uuid.toUpperCase().replace("URN:UUID", "urn:uuid")],
  expires: [1, 120, 4294967295],
  extraHeaders: [{}, { "X-A": "b", "X-B": "" }, [["X-A", "b"]]],
  storage: [null, { getItem() {}, setItem() {} }],
  page: [{ document: {} }],
  iceServers: [[], async () => []],
};

describe("accepted", () => {
  for (const [option, values] of Object.entries(right))
    for (const value of values)
      test(`${option}: ${JSON.stringify(value)?.slice(0, 60)}`, () => {
        new Phone({ storage: null, ...good, [option]: value });
      });

  test("ws:// to any host with allowInsecure", () => {
    const connections = "ws://sip.example.com/";
    new Phone({ ...good, connections, allowInsecure: true });
  });

  test("undefined is absent", () => {
    new Phone({ ...good, device: undefined, profile: undefined });
  });

  test("a number where its digits are meant", () => {
    const numbers = ["user", "authUser", "password", "device", "displayName"];
    const given = Object.fromEntries(numbers.map((name) => [name, 2001]));
    const settings = checkOptions({ ...good, ...given });
    for (const name of numbers) assert.equal(settings[name], "2001", name);
    assert.equal(checkOptions({ ...good, user: 0 }).user, "0");
    assert.equal(checkOptions({ ...good, user: 2001 }).device, "2001");
  });
});

describe("an option that nobody knows", () => {
  /** What finds the option that was meant loads where one is misspelt. */
  async function spelled() {
    await import("../../js/phone/spelling.js");
    await turn();
  }

  /** What is said of options. */
  async function warnings(options) {
    const entries = [];
    const log = (entry) => entries.push(entry);
    checkOptions({ ...good, log, ...options });
    await spelled();
    return entries;
  }

  for (const [name, meant] of [
    ["pasword", "password"],
    ["usre", "user"],
    ["Domain", "domain"],
    ["display_name", "displayName"],
    ["conections", "connections"],
    ["conection", "connections"],
    ["useragent", "userAgent"],
    ["instanceID", "instanceId"],
    ["logger", "log"],
    ["username", "user"],
    ["userAgentString", "userAgent"],
    ["webSocket", "WebSocket"],
    ["forceMayRemoveOther", "forceMayRemoveOthers"],
  ])
    test(`${name}: ${meant} was meant`, async () => {
      const [entry, ...more] = await warnings({ [name]: "tellnobody" });
      assert.deepEqual(entry, {
        level: "warn",
        message: `Graceline knows no option "${name}". Did you mean "${meant}"?`,
        option: name,
      });
      assert.deepEqual(more, []);
    });

  test("is named also where what it should have been is missing, or a log is none", async (t) => {
    const warn = t.mock.method(console, "warn", () => {});
    const { connections, ...rest } = good;
    for (const log of [undefined, {}])
      assert.throws(() => new Phone({ conection: connections, log, ...rest }), {
        message: 'The option "connections" is missing.',
      });
    await spelled();
    const said = warn.mock.calls.map(({ arguments: [message] }) => message);
    assert.equal(said.length, 2);
    assert.match(said[0], /"conection"\. Did you mean "connections"\?/);
  });

  test("that is like none: those that there are", async () => {
    const [{ message }] = await warnings({ future: 1 });
    assert.match(
      message,
      /"future"\. There are: connections, .*, user, domain/,
    );
  });

  test("without a value, nothing; several, each", async () => {
    assert.deepEqual(await warnings({ pasword: undefined }), []);
    assert.equal((await warnings({ one: 1, two: 2 })).length, 2);
  });

  test("without a log: in the console; a log that throws does not stop the phone", async (t) => {
    const warn = t.mock.method(console, "warn", () => {});
    checkOptions({ ...good, pasword: "x" });
    await spelled();
    const [[message]] = warn.mock.calls.map((call) => call.arguments);
    assert.match(message, /knows no option "pasword"/);
    const thrown = [];
    t.mock.method(globalThis, "queueMicrotask", (task) => thrown.push(task));
    const log = () => assert.fail("mistake");
    assert.equal(checkOptions({ ...good, log, pasword: "x" }).user, "2001");
    await spelled();
    assert.equal(thrown.length, 1);
  });

  test("of a call, and of a login", async () => {
    const entries = [];
    const log = ({ message }) => entries.push(message);
    const phone = new Phone({ ...good, log, storage: null });
    phone.call("2002", { vidio: true }).on("ended", () => {});
    const { signal } = new AbortController();
    const login = phone.registerPhone({ force: true, signal });
    await phone.close();
    await assert.rejects(login, { code: "eAborted" });
    await spelled();
    assert.match(entries[0], /"vidio"\. Did you mean "video"\?/);
    assert.match(
      entries[1],
      /"force"\. There are: mode, line, device, forceRegistration, signal/,
    );
  });
});

describe("whom to call", () => {
  const phone = new Phone({ ...good, storage: null });

  for (const target of [undefined, null, "", 2002, {}, "a\r\nb"])
    test(`${JSON.stringify(target)} is nobody`, () => {
      assert.throws(() => phone.call(target), {
        code: "eInvalidArgument",
        details: { option: "target" },
      });
    });
});

describe("what the core is given", () => {
  const core = (options) =>
    coreOptions(checkOptions({ ...good, ...options }), {
      instanceId: uuid,
      memory: undefined,
      trace: false,
    });

  test("the defaults", () => {
    const given = core();
    assert.deepEqual(given.connections, ["wss://sip.example.com/"]);
    assert.equal(given.device, "2001");
    assert.equal(given.profile, "auto");
    assert.equal(given.conflictScope, "device");
    assert.equal(given.registrationType, "graceful");
    assert.equal(given.timeout, 30_000);
    assert.equal(given.hasCredentials, false);
    assert.equal(given.instanceId, uuid);
  });

  test("headers as pairs, schemes in lower case", () => {
    const given = core({
      connections: ["WSS://sip.example.com/A"],
      extraHeaders: { "X-A": "b" },
    });
    assert.deepEqual(given.extraHeaders, [["X-A", "b"]]);
    assert.deepEqual(given.connections, ["wss://sip.example.com/A"]);
  });

  for (const [connections, loopback] of [
    ["wss://sip.example.com/", true],
    [["wss://sip.example.com/", "ws://localhost/"], true],
    [["wss://sip.example.com/", "ws://sip.example.com/"], false],
  ])
    test(`bearer tokens may go to ${connections}: ${loopback}`, () => {
      const given = core({ connections, allowInsecure: true });
      assert.equal(given.loopback, loopback);
    });
});
