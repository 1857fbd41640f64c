/**
 * Starts a real baresip as a desk phone: SIP over UDP, PCMU, no WebRTC. It plays a tone, and writes
 * what it hears into a file.
 */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  freePort,
  freeUdpPort,
} from "../../interop/support/server-process.mjs";
import { eventually } from "../../interop/support/eventually.mjs";
import { Watched } from "../../interop/support/watched.mjs";

const PROGRAM = process.env.BARESIP ?? "/usr/bin/baresip";
const MODULES =
  ["/usr/lib", "/usr/lib64", "/usr/local/lib"]
    .map((folder) => `${folder}/baresip/modules`)
    .find(existsSync) ?? "/usr/lib/baresip/modules";
const SAMPLE_RATE = 8000;

/** A running desk phone. */
export class DeskPhone {
  /** Events it told of, such as `CALL_ESTABLISHED`. @type {any[]} */
  events = [];
  /** Everything it printed. */
  log = "";
  controlPort = 0;
  /** Of its console. */
  #keysPort = 0;
  /** @type {import("node:dgram").Socket | undefined} */
  #keys = createSocket("udp4");
  #directory = "";
  #tone = "";
  #token = 0;
  /** By token. @type {Map<string, any>} */
  #answers = new Map();
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #process;
  /** @type {import("node:net").Socket | undefined} */
  #control;
  #told = new Watched();

  /**
   * A phone of a user. Resolves once it is registered.
   * @param {{ udpPort: number, server: Pick<import("../../interop/support/interop-test.mjs").Server, "domain" | "passwords"> }} world
   * @param {string} user
   * @param {object} [options]
   * @param {"auto" | "manual"} [options.answer] whether it answers by itself
   * @param {boolean} [options.driven] its control port, which serves one at a time, is left to a gateway
   */
  static async start(
    { udpPort, server: { domain, passwords } },
    user,
    { answer = "auto", driven = false } = {},
  ) {
    const account = [
      `<sip:${user}@${domain};transport=udp>`,
      ...[`auth_user=${user}`, `auth_pass=${passwords[user]}`],
      `outbound="sip:127.0.0.1:${udpPort};transport=udp"`,
      ...[`answermode=${answer}`, "regint=60", "audio_codecs=pcmu/8000/1"],
    ];
    const phone = await DeskPhone.open([account.join(";")], { driven });
    try {
      await phone.#told.until("a 200 to the REGISTER of the desk phone", () =>
        / 200 OK .*\[1 binding\]/.test(phone.log) ? true : undefined,
      );
    } catch (error) {
      await phone.stop();
      throw error;
    }
    return phone;
  }

  /**
   * A phone with any accounts.
   * @param {string[]} accounts lines of its configuration
   * @param {object} [options]
   * @param {number} [options.sipPort] default: any
   * @param {boolean} [options.driven]
   * @param {string} [options.uuid] of its instance; default: one that it makes up
   * @param {boolean} [options.lamp] whether it watches its mailbox: event `MWI_NOTIFY`
   */
  static async open(
    accounts,
    { sipPort = 0, driven = false, uuid, lamp = false } = {},
  ) {
    const phone = new DeskPhone();
    phone.#directory = await mkdtemp(join(tmpdir(), "baresip-"));
    try {
      phone.controlPort = await freePort();
      phone.#keysPort = await freeUdpPort();
      if (uuid) await writeFile(join(phone.#directory, "uuid"), uuid);
      await phone.#configure(accounts, sipPort, lamp);
      await phone.#launch();
      if (!driven) await phone.#takeControl();
      return phone;
    } catch (error) {
      if (error instanceof Error) error.message += `\n${phone.log}`;
      await phone.stop();
      throw error;
    }
  }

  /** Does something at the phone itself, as its user would. @param {string} command */
  key(command) {
    this.#keys?.send(`/${command}\n`, this.#keysPort, "127.0.0.1");
  }

  /**
   * One of its commands, such as `dial`: resolves when it is done.
   * @param {string} command
   * @param {string} [params]
   */
  async do(command, params) {
    const token = `${++this.#token}`;
    const text = JSON.stringify({ command, params, token });
    this.#control?.write(`${Buffer.byteLength(text)}:${text},`);
    const { ok, data } = await this.#told.until(
      `an answer of the desk phone to ${command}`,
      () => this.#answers.get(token),
    );
    if (!ok) throw new Error(`${command} at the desk phone: ${data}`);
  }

  /** A mark for `event`. */
  get mark() {
    return this.events.length;
  }

  /**
   * Resolves with the first event of a type after a mark.
   * @param {string} type
   * @param {number} [mark]
   * @returns {Promise<any>}
   */
  event(type, mark = 0) {
    return this.#told.until(`${type} of the desk phone`, () =>
      this.events.slice(mark).find((event) => event.type === type),
    );
  }

  /** @param {string | Buffer} text */
  #print(text) {
    this.log += text;
    this.#told.changed();
  }

  /**
   * Resolves once it has heard half a second of sound, and not silence, since this was called. Only
   * before a call is renegotiated: then baresip 1.0.0 drops the filter that writes the sound down.
   */
  async hears() {
    const before = this.#heard();
    await eventually("the desk phone to hear something", async () => {
      const now = this.#heard();
      return (
        now.samples - before.samples >= SAMPLE_RATE / 2 &&
        now.energy - before.energy >= 1e-3
      );
    });
  }

  /**
   * What it sends: a tone (as in the beginning), or what it hears.
   * @param {"tone" | "echo"} source
   */
  async send(source) {
    await this.do(
      "ausrc",
      source === "echo" ? "aubridge,loop" : `aufile,${this.#tone}`,
    );
  }

  /**
   * Samples, and the energy in them, that it heard so far, in all calls. The energy is that of
   * `totalAudioEnergy` in WebRTC's statistics: squares of the amplitude, times seconds.
   */
  #heard() {
    const total = { samples: 0, energy: 0 };
    const folder = join(this.#directory, "heard");
    for (const name of readdirSync(folder)) {
      if (!name.endsWith("-dec.wav")) continue;
      const file = readFileSync(join(folder, name));
      const samples = Math.max(0, file.length - 44) >> 1;
      for (let i = 0; i < samples; i += 1)
        total.energy += (file.readInt16LE(44 + 2 * i) / 32768) ** 2;
      total.samples += samples;
    }
    total.energy /= SAMPLE_RATE;
    return total;
  }

  async stop() {
    this.#control?.destroy();
    this.#keys?.close();
    this.#keys = undefined;
    const child = this.#process;
    if (child?.pid && child.exitCode === null && !child.signalCode) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await rm(this.#directory, { recursive: true, force: true });
  }

  /**
   * @param {string[]} accounts
   * @param {number} sipPort
   * @param {boolean} lamp
   */
  async #configure(accounts, sipPort, lamp) {
    const heard = join(this.#directory, "heard");
    this.#tone = join(this.#directory, "tone.wav");
    await mkdir(heard);
    await writeFile(this.#tone, wav(440));
    await writeFile(join(this.#directory, "accounts"), accounts.join("\n"));
    const modules = [
      ...["account", "uuid", "menu", "g711", "cons"],
      ...["aufile", "aubridge", "sndfile", "ctrl_tcp"],
      ...(lamp ? ["mwi"] : []),
    ];
    await writeFile(
      join(this.#directory, "config"),
      [
        // The address and not "lo", or it offers another address of the machine.
        "net_interface 127.0.0.1",
        `module_path ${MODULES}`,
        `audio_source aufile,${this.#tone}`,
        "audio_player aubridge,loop",
        "audio_alert aubridge,alert",
        "audio_srate 8000",
        "audio_channels 1",
        "statmode_default off",
        `snd_path ${heard}`,
        `ctrl_tcp_listen 127.0.0.1:${this.controlPort}`,
        `cons_listen 127.0.0.1:${this.#keysPort}`,
        ...(sipPort ? [`sip_listen 127.0.0.1:${sipPort}`] : []),
        ...modules.map((name) =>
          ["account", "menu", "ctrl_tcp", "mwi"].includes(name)
            ? `module_app ${name}.so`
            : `module ${name}.so`,
        ),
      ].join("\n"),
    );
  }

  async #launch() {
    const child = spawn(PROGRAM, ["-f", this.#directory], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    running.set(child, this.#directory);
    child.once("exit", () => {
      running.delete(child);
      this.#print("(ended)\n");
    });
    child.stdout?.on("data", (chunk) => this.#print(chunk));
    child.stderr?.on("data", (chunk) => this.#print(chunk));
    await this.#told.until("the desk phone to start", () => {
      if (child.exitCode !== null) throw new Error("baresip ended");
      return this.log.includes("baresip is ready") ? true : undefined;
    });
  }

  async #takeControl() {
    const socket = connect(this.controlPort, "127.0.0.1");
    this.#control = socket;
    await once(socket, "connect");
    let rest = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      // Netstrings: LENGTH:TEXT,
      for (;;) {
        const colon = rest.indexOf(":");
        if (colon < 0) return;
        const length = Number(rest.subarray(0, colon));
        if (rest.length < colon + length + 2) return;
        const text = rest.subarray(colon + 1, colon + 1 + length);
        rest = rest.subarray(colon + length + 2);
        const message = JSON.parse(`${text}`);
        if (message.event) this.events.push(message);
        if (message.response) this.#answers.set(message.token, message);
        this.#print(`${text}\n`);
      }
    });
  }
}

/**
 * Two minutes of a tone, as a WAV file. At its end baresip would hang up.
 * @param {number} hertz
 */
function wav(hertz) {
  const samples = 120 * SAMPLE_RATE;
  const file = Buffer.alloc(44 + 2 * samples);
  file.write("RIFF", 0);
  file.writeUInt32LE(36 + 2 * samples, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20); // PCM
  file.writeUInt16LE(1, 22); // one channel
  file.writeUInt32LE(SAMPLE_RATE, 24);
  file.writeUInt32LE(2 * SAMPLE_RATE, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(2 * samples, 40);
  for (let i = 0; i < samples; i += 1) {
    const phase = (2 * Math.PI * hertz * i) / SAMPLE_RATE;
    file.writeInt16LE(Math.round(8000 * Math.sin(phase)), 44 + 2 * i);
  }
  return file;
}

/**
 * Processes, and their directories, that must not outlive a test run which ends in mid-air.
 * @type {Map<import("node:child_process").ChildProcess, string>}
 */
const running = new Map();
process.on("exit", () => {
  for (const [child, directory] of running) {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
});
