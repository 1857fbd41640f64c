import { Explained } from "./log.mjs";

/**
 * wasm-bindgen's glue is one module with one instance of the wasm in it. A phone
 * whose instance has trapped needs a fresh one, with bindings of its own, so the
 * glue becomes a function that makes them:
 *
 *     export default function createGlue(): { default(init), Core }
 *
 * Its loader is cut: ours (js/core/instance.js) hands in a compiled module, and
 * bundlers would take the URL in it for a second copy of the wasm.
 *
 * @param {string} glue what `wasm-bindgen --target web` wrote
 */
export function asFactory(glue) {
  const exported = [...glue.matchAll(/^export class (\w+)/gm)].map(
    ([, name]) => name,
  );
  const loader = "async function __wbg_load(";
  const body = before(loader, glue).replace(/^export (?=class )/gm, "");
  mustNot(/^(export|import)\b|import\.meta/m, body);
  return `export default function createGlue() {
${body}
async function load({ module_or_path: module }) {
  const instance = await WebAssembly.instantiate(module, __wbg_get_imports());
  return __wbg_finalize_init(instance, module);
}

return { default: load, ${exported.join(", ")} };
}
`;
}

/**
 * The types of the same.
 *
 * @param {string} types the `.d.ts` beside the glue
 */
export function typesOfFactory(types) {
  const classes = before("export type InitInput", types);
  const names = [...classes.matchAll(/^export class (\w+)/gm)].map(
    ([, name]) => `${name}: typeof ${name};`,
  );
  return `${classes}export default function createGlue(): {
    default(init: { module_or_path: WebAssembly.Module }): Promise<{ memory: WebAssembly.Memory }>;
    ${names.join("\n    ")}
};
`;
}

/**
 * @param {string} marker
 * @param {string} text
 */
function before(marker, text) {
  const end = text.indexOf(marker);
  if (end < 0) throw unknownForm(marker);
  return text.slice(0, end);
}

/**
 * @param {RegExp} pattern
 * @param {string} text
 */
function mustNot(pattern, text) {
  const found = pattern.exec(text);
  if (found) throw unknownForm(found[0]);
}

/** @param {string} what */
function unknownForm(what) {
  return new Explained(
    `wasm-bindgen wrote its glue in a form that scripts/lib/glue.mjs does not know (${what}). Adapt it to the new version.`,
  );
}
