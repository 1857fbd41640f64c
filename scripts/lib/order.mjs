import { Functions } from "./functions.mjs";

/** Bytes of which two functions are compared: two or three instructions. */
const PIECE = 4;

/**
 * The module with functions that are alike beside each other: what a compressor has
 * just seen costs it least.
 *
 * @param {Uint8Array} module
 */
export function orderedForCompression(module) {
  const functions = new Functions(module);
  return functions.inOrder(
    chain(functions.list.map(({ body }) => piecesOf(body))),
  );
}

/**
 * From the largest on, each followed by the one of those left that it has most in
 * common with. A piece counts by how rare it is (its inverse document frequency).
 *
 * @param {Set<number>[]} all the pieces of each
 */
function chain(all) {
  /** Who has a piece. @type {Map<number, number[]>} */
  const holders = new Map();
  all.forEach((pieces, i) => {
    for (const piece of pieces) {
      const them = holders.get(piece);
      if (them) them.push(i);
      else holders.set(piece, [i]);
    }
  });
  const left = new Set(all.keys());
  const order = [];
  let next = highest(left, (i) => all[i].size);
  while (next !== undefined) {
    order.push(next);
    left.delete(next);
    const common = new Float64Array(all.length);
    for (const piece of all[next]) {
      const them = /** @type {number[]} */ (holders.get(piece));
      const weight = Math.log(all.length / them.length);
      for (const i of them) common[i] += weight;
    }
    next = highest(left, (i) => common[i]);
  }
  return order;
}

/**
 * @param {Set<number>} candidates
 * @param {(i: number) => number} worth
 */
function highest(candidates, worth) {
  /** @type {number | undefined} */
  let found;
  for (const i of candidates)
    if (found === undefined || worth(i) > worth(found)) found = i;
  return found;
}

/** @param {Uint8Array} body */
function piecesOf(body) {
  /** @type {Set<number>} */
  const pieces = new Set();
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  for (let i = 0; i + PIECE <= body.length; i++) pieces.add(view.getInt32(i));
  return pieces;
}
