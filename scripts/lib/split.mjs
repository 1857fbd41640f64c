import { createHash } from "node:crypto";
import { Explained } from "./log.mjs";
import {
  CODE,
  CUSTOM,
  ELEMENTS,
  END,
  EXPORTS,
  FUNCTION,
  FUNCTIONS,
  Functions,
  GLOBAL,
  GLOBALS,
  I32_CONST,
  IMPORTS,
  MEMORY,
  Reader,
  TABLE,
  TABLES,
  TYPES,
  join,
  leb,
  renumberBody,
  sectionsOf,
  unknown,
  vector,
} from "./functions.mjs";

const FUNCREF = 0x70;
const I32 = 0x7f;
const LOCAL_GET = 0x20;
const CALL_INDIRECT = 0x11;
/** The only global that is no constant. */
const STACK = 0;
/** In the section of names. */
const FUNCTION_NAMES = 1;

/** @typedef {import("./functions.mjs").Func} Func */

/**
 * @typedef {object} Parts
 * @property {Uint8Array} first does all but what only the second is for
 * @property {Uint8Array} second shares memory, table and stack with the first, whose exports it
 *   imports from the module ""
 */

/**
 * Cuts one module into two, of which the second may be loaded later. Functions that nothing
 * reaches but by a gate, or by the export `entry`, are in the second. The first has each gate
 * as a call by way of the table, where the second, once it is there, puts the function itself.
 * That no gate is called before is what its name promises: it takes something that `entry`
 * alone makes.
 *
 * @param {Uint8Array} module with names of functions
 * @param {string} entry an export, which moves to the second
 * @param {(name: string) => boolean} isGate by its name in Rust
 * @returns {Parts}
 */
export function split(module, entry, isGate) {
  const all = new Functions(module).list;
  const sections = new Map(
    sectionsOf(module).map(({ id, content }) => [id, content]),
  );
  if (sections.has(IMPORTS)) throw unknown("imports");
  const reader = (/** @type {number} */ id) =>
    new Reader(sections.get(id) ?? Uint8Array.of(0));
  const names = namesOf(module);
  const exported = vector(reader(EXPORTS), (it) => ({
    name: Buffer.from(it.bytes(it.number())).toString(),
    kind: it.byte(),
    index: it.number(),
  }));
  const { segment, placed } = elementsOf(reader(ELEMENTS));
  const parameters = vector(reader(TYPES), parametersOf);
  const mutable = vector(reader(GLOBALS), mutabilityOf);
  if (mutable.lastIndexOf(1) !== STACK)
    throw unknown("other variables than the pointer of the stack");

  const functions = exported.filter(({ kind }) => kind === FUNCTION);
  const root = functions.find(({ name }) => name === entry);
  if (!root) throw new Explained(`The module exports no ${entry}.`);
  const roots = functions.filter((it) => it !== root).map((it) => it.index);
  const gates = new Set(
    [...all.keys()].filter((i) => isGate(demangled(names.get(i) ?? ""))),
  );
  const stay = reached(all, [...roots, ...placed], gates);
  const move = [...all.keys()].filter((i) => !stay.has(i));
  const stubs = move.filter(
    (i) =>
      gates.has(i) &&
      [...stay].some((by) => all[by].calls.some((call) => call.index === i)),
  );
  const shared = [...stay]
    .filter((i) =>
      move.some((by) => all[by].calls.some((call) => call.index === i)),
    )
    .toSorted((a, b) => a - b);
  // Parts of two versions, one of them from a cache, must not meet: no table, no link.
  const tableName = createHash("sha256")
    .update(module)
    .digest("hex")
    .slice(0, 8);
  /** Where the table goes on behind what was there. */
  const behind = segment.start + placed.length;

  return { first: first(), second: second() };

  function first() {
    const kept = [...stay].toSorted((a, b) => a - b);
    const places = new Map([...kept, ...stubs].map((i, place) => [i, place]));
    const at = (/** @type {number} */ i) =>
      /** @type {number} */ (places.get(i));
    const stub = (/** @type {number} */ i, /** @type {number} */ slot) => {
      const type = new Reader(all[i].type).number();
      const gets = Array.from({ length: parameters[type] }, (_, n) => [
        Uint8Array.of(LOCAL_GET),
        leb(n),
      ]).flat();
      return join([
        leb(0),
        ...gets,
        Uint8Array.of(I32_CONST),
        signed(behind + slot),
        Uint8Array.of(CALL_INDIRECT),
        leb(type),
        leb(0),
        Uint8Array.of(END),
      ]);
    };
    const bodies = [
      ...kept.map((i) => renumberBody(all[i], at)),
      ...stubs.map(stub),
    ];
    const more = [
      ...shared.map((i, n) => exportOf(nameOf(n), FUNCTION, at(i))),
      exportOf(tableName, TABLE, 0),
      exportOf(STACK_NAME, GLOBAL, STACK),
    ];
    const old = exported
      .filter((it) => it !== root && it.kind !== GLOBAL)
      .map(({ name, kind, index }) =>
        exportOf(name, kind, kind === FUNCTION ? at(index) : index),
      );
    /** @type {Record<number, () => Uint8Array[]>} */
    const rewritten = {
      [FUNCTIONS]: () => list([...kept, ...stubs].map((i) => all[i].type)),
      [TABLES]: () => [
        leb(1),
        Uint8Array.of(FUNCREF, 0),
        leb(behind + stubs.length),
      ],
      [EXPORTS]: () => list([...old, ...more]),
      [ELEMENTS]: () => list([elements(segment.start, placed.map(at))]),
      [CODE]: () => list(bodies.map(sized)),
    };
    return moduleOf(
      sectionsOf(module)
        .filter(({ id }) => id !== CUSTOM)
        .map(({ id, content }) => [id, join(rewritten[id]?.() ?? [content])]),
    );
  }

  function second() {
    const places = new Map([...shared, ...move].map((i, place) => [i, place]));
    const at = (/** @type {number} */ i) =>
      /** @type {number} */ (places.get(i));
    const imports = [
      ...shared.map((i, n) =>
        importOf(nameOf(n), Uint8Array.of(FUNCTION), all[i].type),
      ),
      importOf("memory", Uint8Array.of(MEMORY), Uint8Array.of(0, 0)),
      importOf(
        tableName,
        Uint8Array.of(TABLE, FUNCREF, 0),
        leb(behind + stubs.length),
      ),
      importOf(STACK_NAME, Uint8Array.of(GLOBAL), Uint8Array.of(I32, 1)),
    ];
    return moduleOf([
      [TYPES, /** @type {Uint8Array} */ (sections.get(TYPES))],
      [IMPORTS, join(list(imports))],
      [FUNCTIONS, join(list(move.map((i) => all[i].type)))],
      [
        EXPORTS,
        join(
          list([
            exportOf(entry, FUNCTION, at(/** @type {any} */ (root).index)),
          ]),
        ),
      ],
      [ELEMENTS, join(list([elements(behind, stubs.map(at))]))],
      [CODE, join(list(move.map((i) => sized(renumberBody(all[i], at)))))],
    ]);
  }
}

/** @param {Uint8Array} module */
export const withoutNames = (module) =>
  moduleOf(
    sectionsOf(module)
      .filter(({ id }) => id !== CUSTOM)
      .map(({ id, content }) => [id, content]),
  );

const STACK_NAME = "s";

/** Short, and no other export's. @param {number} n */
const nameOf = (n) => n.toString(36).padStart(2, "0");

/**
 * @param {Func[]} all
 * @param {number[]} from
 * @param {Set<number>} but what is not gone through
 */
function reached(all, from, but) {
  /** @type {Set<number>} */
  const seen = new Set();
  const left = [...from];
  for (let i = left.pop(); i !== undefined; i = left.pop()) {
    if (seen.has(i) || but.has(i)) continue;
    seen.add(i);
    left.push(...all[i].calls.map(({ index }) => index));
  }
  return seen;
}

/** @param {Uint8Array} module @returns {Map<number, string>} */
function namesOf(module) {
  for (const { id, content } of sectionsOf(module)) {
    if (id !== CUSTOM) continue;
    const it = new Reader(content);
    if (Buffer.from(it.bytes(it.number())).toString() !== "name") continue;
    while (!it.done) {
      const kind = it.byte();
      const part = new Reader(it.bytes(it.number()));
      if (kind === FUNCTION_NAMES)
        return new Map(
          vector(part, () => [
            part.number(),
            Buffer.from(part.bytes(part.number())).toString(),
          ]),
        );
    }
  }
  throw new Explained("The module has no names of functions.");
}

/**
 * A name as people write it, of those that rustc makes by its older scheme.
 *
 * @param {string} mangled
 */
export function demangled(mangled) {
  const parts = [];
  let [, rest] = /^_ZN(.*)E$/.exec(mangled) ?? [];
  if (rest === undefined) return mangled;
  for (let found; (found = /^(\d+)/.exec(rest));) {
    const [digits] = found;
    parts.push(rest.slice(digits.length, digits.length + Number(digits)));
    rest = rest.slice(digits.length + Number(digits));
  }
  return parts
    .filter((part) => !/^h[0-9a-f]{16}$/.test(part))
    .map((part) => part.replace(/^_\$/, "$"))
    .join("::")
    .replaceAll("$LT$", "<")
    .replaceAll("$GT$", ">")
    .replaceAll("$u20$", " ")
    .replaceAll("..", "::");
}

/** @param {Reader} it */
function elementsOf(it) {
  const segments = vector(it, () => {
    if (it.number() !== 0 || it.byte() !== I32_CONST)
      throw unknown("elements of another kind");
    const start = it.number();
    if (it.byte() !== END) throw unknown("a computed place of elements");
    return { start, placed: vector(it, () => it.number()) };
  });
  if (segments.length !== 1)
    throw unknown(`${segments.length} segments of elements`);
  const [{ start, placed }] = segments;
  return { segment: { start }, placed };
}

/** @param {Reader} it how many a type of functions has */
function parametersOf(it) {
  it.byte();
  const parameters = it.bytes(it.number()).length;
  it.bytes(it.number());
  return parameters;
}

/** @param {Reader} it */
function mutabilityOf(it) {
  const [, mutability] = it.bytes(2);
  if (it.byte() !== I32_CONST) throw unknown("a computed global");
  it.number();
  it.byte();
  return mutability;
}

/** A small number, as i32.const has it. @param {number} value */
const signed = (value) =>
  value < 64
    ? Uint8Array.of(value)
    : Uint8Array.of((value & 127) | 128, value >> 7);

/** @param {Uint8Array} bytes */
const sized = (bytes) => join([leb(bytes.length), bytes]);

/** @param {Uint8Array[]} items */
const list = (items) => [leb(items.length), ...items];

/** @param {string} name */
const named = (name) => sized(new Uint8Array(Buffer.from(name)));

/**
 * @param {string} name
 * @param {number} kind
 * @param {number} index
 */
const exportOf = (name, kind, index) =>
  join([named(name), Uint8Array.of(kind), leb(index)]);

/**
 * @param {string} name
 * @param {Uint8Array} kind
 * @param {Uint8Array} type
 */
const importOf = (name, kind, type) =>
  join([named(""), named(name), kind, type]);

/**
 * @param {number} start
 * @param {number[]} indices
 */
const elements = (start, indices) =>
  join([
    Uint8Array.of(0, I32_CONST),
    signed(start),
    Uint8Array.of(END),
    ...list(indices.map((index) => leb(index))),
  ]);

/** @param {[id: number, content: Uint8Array][]} sections */
const moduleOf = (sections) =>
  join([
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    ...sections.flatMap(([id, content]) => [Uint8Array.of(id), sized(content)]),
  ]);
