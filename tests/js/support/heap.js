// How much the client's wasm has in use, read in its memory from outside: the
// shipped module is what is measured, and carries nothing for it.

/** Free lists of the allocator, as `src/bridge/bare.rs` lays them out. */
const LISTS = 64;

/**
 * Bytes that are allocated and not freed, but for a constant.
 *
 * @param {WebAssembly.Memory} memory
 */
export function bytesInUse(memory) {
  const words = new Uint32Array(memory.buffer);
  const state = allocator(words);
  const fresh = words[state + LISTS];
  let free = 0;
  for (let list = 0; list < LISTS; list++)
    for (let block = words[state + list]; block; block = words[block / 4])
      free += sizeOf(list);
  return fresh - free;
}

/**
 * Position of the allocator's state: the heads of its lists, the first byte never
 * handed out, and how many there are of those, up to the memory's end.
 *
 * @param {Uint32Array} words
 */
function allocator(words) {
  const found = [];
  for (let at = LISTS; at < words.length - 1; at++) {
    const fresh = words[at];
    if (!fresh || fresh + words[at + 1] !== words.byteLength) continue;
    const heads = words.subarray(at - LISTS, at);
    const block = (/** @type {number} */ head) =>
      head % 8 === 0 && head < fresh;
    if (heads.some(Boolean) && heads.every(block)) found.push(at - LISTS);
  }
  if (found.length !== 1)
    throw new Error(
      `the allocator of src/bridge/bare.rs fits ${found.length} places`,
    );
  return found[0];
}

/** Bytes of the blocks in a list. @param {number} list */
function sizeOf(list) {
  const log = list >> 1;
  return list % 2 ? 2 << log : 3 << (log - 1);
}
