/** Who has very many devices does not keep their user from being reached, nor fills the log. */
import assert from "node:assert/strict";
import { gracefulTest } from "../support/graceful-test.mjs";

/** As many as common.cfg lets one request be sent to. */
const MOST = 30;

gracefulTest(
  `of very many devices the ${MOST} that were heard last ring`,
  { nodes: [{ settings: { FORCES_PER_MINUTE: 0 } }] },
  async (world) => {
    const [node] = world.server.nodes;
    const alice = await world.connect({ name: "alice" });
    const devices = [];
    for (let index = 0; index < MOST + 10; index++) {
      const device = await world.connect({ name: `${index}`, user: "2002" });
      const own = `<sip:d${index}@d.invalid;transport=ws>;+u.sip!devicename.ccm.cisco.com="D${index}"`;
      assert.equal((await device.register({ contacts: [own] })).status, 200);
      devices.push({ device, own });
    }
    // The oldest of all is still there.
    const [{ device, own }] = devices;
    await device.register({ contacts: [own], reuseNonce: true });
    assert.equal((await alice.request("MESSAGE", device.aor)).status, 200);
    const last = devices.slice(10 + 1).concat(devices[0]);
    for (const one of last) await one.device.incoming("MESSAGE");
    assert.equal(
      devices.filter((one) => one.device.received.length > 0).length,
      MOST,
    );
    assert.doesNotMatch(node.log, /ERROR/);
  },
);
