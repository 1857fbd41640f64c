/**
 * A call whose servers die. Killed is killed: the nodes have no time to say goodbye, and forget what
 * they knew.
 */
import { describe, it } from "node:test";
import { hangUp } from "../real-calls/scenarios.mjs";
import { Call } from "./support/call.mjs";

describe("one node", () => {
  const call = new Call(1);

  call.outlives(
    "it is killed, and started again",
    async () => {
      const [node] = call.world.server.nodes;
      await node.kill();
      await node.start();
    },
    [0, 1],
  );
  it("and then one hangs up, and both are told", () => hangUp(...call.ends));
});

describe("two nodes", () => {
  const call = new Call(2);

  call.outlives(
    "the one in use is killed",
    () => call.world.server.nodes[0].kill(),
    [0, 1],
  );
  call.outlives(
    "it is back, and the other one is killed",
    async () => {
      const [first, second] = call.world.server.nodes;
      await first.start();
      await second.kill();
    },
    [0, 1],
  );
  it("and then one hangs up, and both are told", () => hangUp(...call.ends));
});
