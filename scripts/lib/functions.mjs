import { Explained } from "./log.mjs";

/** Sections of a module, by number: WebAssembly Core Specification 2.0, §5.5. */
export const TYPES = 1;
export const IMPORTS = 2;
export const FUNCTIONS = 3;
export const TABLES = 4;
export const GLOBALS = 6;
export const EXPORTS = 7;
const START = 8;
export const ELEMENTS = 9;
export const CODE = 10;

export const CUSTOM = 0;

/** Of an import, or an export. */
export const [FUNCTION, TABLE, MEMORY, GLOBAL] = [0, 1, 2, 3];

/**
 * @typedef {object} Func one that the module defines
 * @property {Uint8Array} type its entry in the section of functions
 * @property {Uint8Array} body locals and instructions, without the size before them
 * @property {Call[]} calls where in the body another one is named, in order
 */
/** @typedef {{ start: number, end: number, index: number }} Call */
/** @typedef {{ id: number, content: Uint8Array }} Section */

/** The functions of a wasm module, which can be put in another order. */
export class Functions {
  /** @type {Uint8Array} */
  #preamble;
  /** @type {Section[]} */
  #sections;
  /** How many come first, being imports. */
  #imported;
  /** @type {Func[]} */
  list;

  /** @param {Uint8Array} module */
  constructor(module) {
    this.#preamble = module.subarray(0, 8);
    // Names would be of functions by their old numbers.
    this.#sections = sectionsOf(module).filter(({ id }) => id !== CUSTOM);
    this.#imported = importedFunctions(this.#reader(IMPORTS));
    const types = vector(this.#reader(FUNCTIONS), (it) =>
      it.taken(() => it.number()),
    );
    const bodies = vector(this.#reader(CODE), (it) => it.bytes(it.number()));
    this.list = bodies.map((body, i) => ({
      type: types[i],
      body,
      calls: callsIn(body),
    }));
  }

  /**
   * The module with its functions in another order.
   *
   * @param {number[]} order of each place, which of the list stands there
   * @returns {Uint8Array}
   */
  inOrder(order) {
    const places = order.map(() => 0);
    order.forEach((which, place) => (places[which] = place));
    const moved = (/** @type {number} */ index) =>
      index < this.#imported
        ? index
        : places[index - this.#imported] + this.#imported;
    const list = order.map((which) => this.list[which]);
    /** @type {Record<number, (it: Reader) => Uint8Array[]>} */
    const rewrite = {
      [FUNCTIONS]: () => [leb(list.length), ...list.map(({ type }) => type)],
      [EXPORTS]: (it) => renumberExports(it, moved),
      [START]: (it) => [leb(moved(it.number()))],
      [ELEMENTS]: (it) => renumberElements(it, moved),
      [CODE]: () => [
        leb(list.length),
        ...list.flatMap((func) => {
          const body = renumberBody(func, moved);
          return [leb(body.length), body];
        }),
      ],
    };
    const sections = this.#sections.flatMap(({ id, content }) => {
      const bytes = join(rewrite[id]?.(new Reader(content)) ?? [content]);
      return [Uint8Array.of(id), leb(bytes.length), bytes];
    });
    return join([this.#preamble, ...sections]);
  }

  /** @param {number} id of a section, which may be missing */
  #reader(id) {
    const section = this.#sections.find((it) => it.id === id);
    return new Reader(section?.content ?? Uint8Array.of(0));
  }
}

export class Reader {
  at = 0;

  /** @param {Uint8Array} all */
  constructor(all) {
    this.all = all;
  }

  get done() {
    return this.at >= this.all.length;
  }

  byte() {
    return this.all[this.at++];
  }

  /** LEB128, of unsigned numbers below 2³²; of others the value means nothing. */
  number() {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = this.byte();
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  }

  /** @param {number} size */
  bytes(size) {
    return this.all.subarray(this.at, (this.at += size));
  }

  /**
   * The bytes that `read` passes.
   *
   * @param {() => void} read
   */
  taken(read) {
    const { at } = this;
    read();
    return this.all.subarray(at, this.at);
  }
}

/**
 * @template T
 * @param {Reader} it
 * @param {(it: Reader) => T} read one item
 * @returns {T[]}
 */
export const vector = (it, read) =>
  Array.from({ length: it.number() }, () => read(it));

/** @param {Uint8Array} module @returns {Section[]} */
export function sectionsOf(module) {
  const it = new Reader(module);
  it.bytes(8);
  const sections = [];
  while (!it.done)
    sections.push({ id: it.byte(), content: it.bytes(it.number()) });
  return sections;
}

/** @param {Reader} it */
function importedFunctions(it) {
  const kinds = vector(it, () => {
    it.bytes(it.number());
    it.bytes(it.number());
    const kind = it.byte();
    if (kind === FUNCTION) it.number();
    else if (kind === GLOBAL) it.bytes(2);
    else {
      if (kind === TABLE) it.byte();
      const hasMost = it.byte() === 1;
      it.number();
      if (hasMost) it.number();
    }
    return kind;
  });
  return kinds.filter((kind) => kind === FUNCTION).length;
}

/**
 * @param {Reader} it
 * @param {(index: number) => number} moved
 */
function renumberExports(it, moved) {
  const entries = vector(it, () => {
    const name = it.taken(() => it.bytes(it.number()));
    const kind = it.byte();
    const index = it.number();
    const there = kind === FUNCTION ? moved(index) : index;
    return join([name, Uint8Array.of(kind), leb(there)]);
  });
  return [leb(entries.length), ...entries];
}

/**
 * @param {Reader} it
 * @param {(index: number) => number} moved
 */
function renumberElements(it, moved) {
  const segments = vector(it, () => {
    // Kind 0: into the first table, from a constant place on.
    const head = it.taken(() => {
      const kind = it.number();
      if (kind !== 0 || it.byte() !== I32_CONST)
        throw unknown(`elements of kind ${kind}`);
      it.number();
      if (it.byte() !== END) throw unknown("a computed place of elements");
    });
    const indices = vector(it, () => leb(moved(it.number())));
    return join([head, leb(indices.length), ...indices]);
  });
  return [leb(segments.length), ...segments];
}

/**
 * @param {Func} func
 * @param {(index: number) => number} moved
 */
export function renumberBody({ body, calls }, moved) {
  let done = 0;
  const parts = calls.flatMap(({ start, end, index }) => {
    const before = body.subarray(done, start);
    done = end;
    return [before, leb(moved(index))];
  });
  return join([...parts, body.subarray(done)]);
}

export const END = 0x0b;
const CALL = 0x10;
export const I32_CONST = 0x41;
const REF_FUNC = 0xd2;

/**
 * How many numbers follow an instruction, by the first and the last of a range
 * (§5.4); those that need more than counting are told apart in {@link callsIn}.
 *
 * @type {[first: number, last: number, numbers: number][]}
 */
const IMMEDIATES = [
  [0x00, 0x01, 0], // unreachable, nop
  [0x02, 0x04, 1], // block, loop, if
  [0x05, 0x05, 0], // else
  [END, END, 0],
  [0x0c, 0x0d, 1], // br, br_if
  [0x0f, 0x0f, 0], // return
  [CALL, CALL, 1],
  [0x11, 0x11, 2], // call_indirect
  [0x1a, 0x1b, 0], // drop, select
  [0x20, 0x26, 1], // locals, globals, tables
  [0x28, 0x3e, 2], // loads and stores
  [0x3f, 0x40, 1], // memory.size, memory.grow
  [I32_CONST, 0x42, 1], // i32.const, i64.const
  [0x45, 0xc4, 0], // arithmetic
  [0xd0, 0xd0, 1], // ref.null
  [0xd1, 0xd1, 0], // ref.is_null
  [REF_FUNC, REF_FUNC, 1],
  // After the prefix 0xFC, from 0x100 on.
  [0x100, 0x107, 0], // saturating truncations
  [0x10a, 0x10a, 2], // memory.copy
  [0x10b, 0x10b, 1], // memory.fill
];

/** @param {Uint8Array} body @returns {Call[]} */
function callsIn(body) {
  const it = new Reader(body);
  vector(it, () => (it.number(), it.byte())); // locals
  /** @type {Call[]} */
  const calls = [];
  while (!it.done) {
    const first = it.byte();
    const code = first === 0xfc ? 0x100 + it.number() : first;
    const { at: start } = it;
    if (code === 0x0e) {
      vector(it, () => it.number()); // br_table
      it.number();
    } else if (code === 0x43 || code === 0x44) {
      it.bytes(code === 0x43 ? 4 : 8); // f32.const, f64.const
    } else {
      const known = IMMEDIATES.find(([a, z]) => a <= code && code <= z);
      if (!known) throw unknown(`the instruction 0x${code.toString(16)}`);
      let index = 0;
      for (let i = 0; i < known[2]; i++) index = it.number();
      if (code === CALL || code === REF_FUNC)
        calls.push({ start, end: it.at, index });
    }
  }
  return calls;
}

/** @param {number} value */
export function leb(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Uint8Array.of(...bytes, value);
}

/** @param {Uint8Array[]} parts */
export const join = (parts) => new Uint8Array(Buffer.concat(parts));

/** @param {string} what */
export const unknown = (what) =>
  new Explained(
    `The module has ${what}, which scripts/lib/functions.mjs does not know. Add it there.`,
  );
