/**
 * What bundlers make of an import of a wasm file of ours: where it is. Vite and webpack want
 * `?url` behind the name, or a rule; see the README's table.
 */
declare const url: string;
export default url;
