/** Microphones, speakers and cameras as CWIC lists them, and which of them were chosen. */

/** @typedef {"Recording" | "Playout" | "Capture"} Use */

/** @type {Record<string, Use>} */
const USE_OF = {
  audioinput: "Recording",
  audiooutput: "Playout",
  videoinput: "Capture",
};

export class Devices {
  /** The id chosen for each use; "": the system's default. @type {Record<Use, string>} */
  chosen = { Recording: "", Playout: "", Capture: "" };
  /** @type {MediaDeviceInfo[]} */
  #known = [];
  #changed;
  #listens = false;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** CWIC's list is there at once; a browser's is not: it is read ahead, and when it changes. */
  async refresh() {
    const { mediaDevices } = globalThis.navigator ?? {};
    if (!mediaDevices?.enumerateDevices) return;
    if (!this.#listens)
      mediaDevices.addEventListener?.("devicechange", () => this.refresh());
    this.#listens = true;
    const known = await mediaDevices.enumerateDevices().catch(() => []);
    const before = JSON.stringify(this.#known);
    this.#known = known;
    if (JSON.stringify(known) !== before) this.#changed();
  }

  /** Before a page was allowed a device, browsers list them without id and name. */
  list() {
    return this.#known
      .filter(({ deviceId }) => deviceId)
      .map((device) => this.#describe(device));
  }

  /** @param {Use} use @param {string} id */
  choose(use, id) {
    this.chosen[use] = id;
  }

  /** What to ask the browser for. @param {"Recording" | "Capture"} use */
  constraints(use) {
    const id = this.chosen[use];
    return id ? { deviceId: { exact: id } } : true;
  }

  /** @param {MediaDeviceInfo} info */
  #describe({ kind, deviceId, groupId, label }) {
    const use = USE_OF[kind];
    /** @type {Record<string, unknown>} */
    const device = {
      deviceID: deviceId,
      deviceName: label,
      vendorID: "",
      productID: "",
      hardwareID: groupId,
      canRecord: use === "Recording",
      canPlayout: use === "Playout",
      canCapture: use === "Capture",
      isDefault: deviceId === "default",
    };
    for (const each of /** @type {Use[]} */ ([
      "Recording",
      "Playout",
      "Capture",
    ])) {
      const is = each === use;
      const name = each.toLowerCase();
      device[`${name}Name`] = is ? label : "";
      device[`${name}ID`] = is ? deviceId : "";
      device[`client${each}ID`] = is ? deviceId : "";
      device[`isSelected${each}Device`] =
        is && deviceId === (this.chosen[each] || "default");
    }
    return device;
  }
}
