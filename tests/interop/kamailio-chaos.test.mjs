/**
 * Users who log in, force, leave, lose their connections, and a server that restarts, at random:
 * whatever happened, once it is quiet there is one binding for each device, and it belongs to the
 * one phone that says it is ready.
 */
import assert from "node:assert/strict";
import { eventually } from "./support/eventually.mjs";
import { interopTest } from "./support/interop-test.mjs";
import { PhoneUnderTest, bindingsOfDevice } from "./support/phones.mjs";
import { Transcript } from "./support/transcript.mjs";

const DEVICES = { CSFALICE: 3, CSFDESK: 2 };
const ACTIONS = 60;
/** Up to this many round trips lie between two actions. */
const LONGEST_GAP = 100;
/** How a login may fail; the last one while the server is down. */
const ACCEPTABLE = ["eDeviceAlreadyRegistered", "eAborted", "eCouldNotConnect"];
/** An ousted phone is hinted at; a hint within 10 s of another one is put off to their end. */
const QUIET_DEADLINE_MS = 15_000;

/** @type {Record<number, import("./support/kamailio.mjs").Variants>} */
const runs = {
  1: {},
  2: { nonceExpire: 1 },
  3: { gruu: false },
  4: { dropOnClose: true },
  5: { proxyAuth: true, nonceCount: true },
};

for (const [seed, variants] of Object.entries(runs))
  interopTest(
    `whatever users do, one phone of a device remains (seed ${seed})`,
    variants,
    async (world) => {
      const { server, transcript, connect } = world;
      const random = randomFrom(Number(seed));
      const phones = Object.entries(DEVICES).flatMap(([device, count]) =>
        Array.from(
          { length: count },
          (_, index) => new Participant(world, `${device}-${index}`, device),
        ),
      );
      // Its round trips are the time that passes; they would drown the transcript.
      const ticking = { transcript: new Transcript() };
      let clock = await connect(ticking);
      for (let action = 0; action < ACTIONS; action += 1) {
        const participant = phones[Math.floor(random() * phones.length)];
        const choice = random();
        transcript.add(participant.name, "note", `action ${choice.toFixed(2)}`);
        if (choice < 0.35) participant.login(false);
        else if (choice < 0.65) participant.login(true);
        else if (choice < 0.75) participant.logout();
        else if (choice < 0.97) participant.Socket.opened.at(-1)?.terminate();
        else {
          await server.kill();
          await server.start();
          clock = await connect(ticking);
        }
        for (let gap = random() * LONGEST_GAP; gap > 0; gap -= 1)
          await clock.request("OPTIONS", `sip:${server.domain}`);
      }
      await Promise.all(phones.flatMap(({ logins }) => logins));

      await eventually(
        "one phone of each device to remain",
        async () => {
          for (const device of Object.keys(DEVICES)) {
            const own = phones.filter(
              (participant) => participant.device === device,
            );
            const gone = own.filter(
              ({ mayLinger, phone }) => mayLinger && !phone.ready,
            );
            const bound = (await bindingsOfDevice(server, device))
              .map(({ instance }) => instance)
              .filter(
                (bound) => !gone.some(({ instance }) => instance === bound),
              );
            const ready = own.filter(({ phone }) => phone.ready);
            const unsettled = own.some(({ phone }) =>
              ["eRegistering", "eRecoveryPending"].includes(phone.status),
            );
            const same =
              bound.length === ready.length && bound[0] === ready[0]?.instance;
            if (unsettled || ready.length > 1 || !same) return false;
          }
          return true;
        },
        QUIET_DEADLINE_MS,
      );
      for (const participant of phones)
        if (participant.oustedAt !== undefined)
          assert.deepEqual(participant.registers(participant.oustedAt), []);
    },
  );

/** A phone whose app calls `registerPhone` without waiting for the outcome. */
class Participant extends PhoneUnderTest {
  /** Settled once each. @type {Promise<unknown>[]} */
  logins = [];
  /** Where in the transcript it was ousted, until its app logs in again. @type {number | undefined} */
  oustedAt;
  /**
   * Whether a binding of it may be left until it expires: it logged out while nobody could be
   * reached, or was refused while an earlier binding of its own was listed.
   */
  mayLinger = false;

  /**
   * @param {import("./support/interop-test.mjs").World} world
   * @param {string} name
   * @param {string} device
   */
  constructor(world, name, device) {
    super(world, name, { device });
    this.device = device;
    this.phone.on("eConnectionTerminated", () => {
      this.oustedAt = world.transcript.length;
    });
  }

  logout() {
    this.mayLinger = true;
    this.phone.unregisterPhone();
  }

  /** @param {boolean} force */
  login(force) {
    this.oustedAt = undefined;
    this.mayLinger = false;
    const outcome = this.register(force).catch((/** @type {any} */ error) => {
      assert.ok(
        ACCEPTABLE.includes(error.code),
        `${this.name}: ${error.code} ${error.message}`,
      );
      this.mayLinger = true;
    });
    this.logins.push(outcome);
  }
}

/**
 * Numbers from 0 to 1, the same for the same seed (mulberry32).
 * @param {number} seed
 */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
