/**
 * What a client sends and our configuration logs is one line of the log, whatever it says, and no
 * format, variable or command of Kamailio or Redis; and nothing secret is in it.
 */
import assert from "node:assert/strict";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

/** As SIP escapes it: a line end, and what would look like a line of the node's. */
const FORGED = "%0d%0a%200(1)%20ALERT:%20forged";

/** What the nodes' own script wrote. @param {string} log */
const written = (log) =>
  log.split("\n").filter((line) => line.includes("<script>"));

gracefulTest(
  "no name of a client becomes a line of the log",
  {},
  async (world) => {
    const [node] = world.server.nodes;
    const client = await world.connect();
    assert.equal(
      (await client.register({ contacts: [contact("a")] })).status,
      200,
    );
    const names = [`x${FORGED}`, `2002${FORGED}`, `2002%00${FORGED}`, FORGED];
    const speak = async () => {
      for (const name of names) {
        await client.send("MESSAGE", `sip:${name}@example.test`);
        await client.send("MESSAGE", `sip:2002@example.test;gr=${FORGED}`);
        await client.send("MESSAGE", `sip:x@x.invalid;line=${FORGED}`);
        await client.send("REGISTER", "sip:example.test", {
          to: `sip:${name}@example.test`,
        });
        client.user = name;
        await client.send("MESSAGE", "sip:2002@example.test");
        await client.send("SUBSCRIBE", `sip:${name}@example.test`, {
          headers: [["Event", "reg"]],
        });
        client.user = "2001";
      }
    };
    await speak();
    // With Redis gone more is logged.
    await world.server.redis.kill();
    await speak();
    assert.match(node.log, /Redis does not answer for/);
    assert.doesNotMatch(node.log, /^.?.?0\(1\) ALERT/m);
    assert.doesNotMatch(written(node.log).join("\n"), /[\0\r]/);
  },
);

gracefulTest(
  "formats and variables in a client's words mean nothing",
  { accounts: [{ user: "2001" }, { user: "2002" }] },
  async (world) => {
    const [node] = world.server.nodes;
    const odd = "$var(secret)$shv(boot)$(hdr(Via)[*])%s%n%b$redis(r=>value)!!";
    const client = await world.connect({ name: odd });
    const own = `<sip:a@a.invalid;transport=ws>;+sip.instance="<${instance("a")}>";+u.sip!devicename.ccm.cisco.com="${odd}"`;
    const said = await client.register({
      contacts: [own],
      callId: odd,
      headers: [["Reason", odd]],
    });
    assert.equal(said.status, 200);
    assert.ok(said.text.includes(odd), "what the client said, as it is");
    const [binding] = await world.server.bindings();
    assert.deepEqual(
      [binding.device, binding.agent, binding.call_id],
      [odd, odd, odd],
    );
    const rival = await world.connect({ name: "rival" });
    const refused = await rival.register({
      contacts: [
        own.replaceAll(/a(?=@|\.invalid)/g, "b").replace(/\+sip.*?;/, ""),
      ],
    });
    assert.equal(refused.status, 403);
    assert.match(
      refused.header("X-Graceline-Holder"),
      /agent="\$var\(secret\)/,
    );
    // What is told of it, too: the NOTIFY is made by a command with these words in it.
    const taken = await rival.register({
      contacts: [
        own
          .replaceAll(/a(?=@|\.invalid)/g, "b")
          .replace(instance("a"), instance("b")),
      ],
      headers: [
        [
          "Reason",
          'SIP;text="cisco-alarm:111 Last=Application-Requested-Destroy"',
        ],
      ],
    });
    assert.equal(taken.status, 200);
    const notify = await client.incoming("NOTIFY");
    assert.ok(notify.body.includes(`RegisterCallId={${odd}}`));
    const secrets = /0123456789abcdef0123456789abcdef|secret-200|response="/;
    assert.doesNotMatch(node.log, secrets);
  },
);
