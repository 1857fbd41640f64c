/**
 * A call of a host that has two networks and loses them. Signalling and media of its end go by the
 * host's network.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Call } from "./support/call.mjs";

describe("a host with two networks", () => {
  const call = new Call(1);
  const port = () => call.world.server.nodes[0].port;
  const moving = () => call.ends[0].page;

  call.outlives("its connection is destroyed", () => call.host.cut(port()));
  call.outlives(
    "what it sends to and hears of the server is lost",
    async () => {
      await call.host.silencePort(port());
      await moving().do.closed();
      await call.host.hear();
    },
  );
  call.outlives("all that it sends and hears is lost", async () => {
    await call.host.silence("wifi");
    await moving().do.closed();
    await call.host.hear();
  });
  call.outlives("it goes to another network", () => call.host.move("mobile"));
  call.outlives("it comes back", () => call.host.move("wifi"));
  call.outlives("its network is silent, and there is another", async () => {
    await call.host.silence("wifi");
    await call.host.join("mobile");
    await moving().do.closed();
    await call.host.hear();
  });
  call.outlives("the browser goes offline", async () => {
    await moving().context?.setOffline(true);
    await moving().do.closed();
    await moving().context?.setOffline(false);
  });

  it(
    "away for longer than 12 s, the call ends at both ends, and a new one can be made",
    { timeout: 90_000 },
    async () => {
      await call.host.leave("mobile");
      for (const { page, call: number } of call.ends) {
        const { cause, reason } = await page.do.event(
          ...[number, "ended", 1, 40_000],
        );
        assert.equal(cause, "failed");
        assert.ok(reason);
      }
      await call.host.join("wifi");
      await moving().do.ready();
      await call.again();
    },
  );
});
