/**
 * The fuzzer fuzzed: each remedy of deploy/kamailio is taken out in turn, and what it kept out must
 * be found again.
 *
 *   node tests/kamailio/fuzz/mutants.mjs [NAME…]
 */
import { describe, fuzz } from "./run.mjs";

/**
 * @typedef {object} Mutant
 * @property {string} name what is taken out
 * @property {[file: string, from: string | RegExp, to: string][]} edits
 * @property {string[]} kinds of violations, one of which must be found
 */

/** @type {Mutant[]} */
export const MUTANTS = [
  {
    name: "a reply must fit a transaction",
    edits: [["door.cfg", "if (!t_check_trans()) drop;", ""]],
    kinds: ["trap"],
  },
  {
    name: "nodes prove that they are nodes",
    edits: [["cluster.cfg", /if \(\$var\(shown\) != .*\{/, "if (0) {"]],
    kinds: ["stranger heard"],
  },
  {
    name: "no reply without a transaction, no other framing, no proof: a stranger speaks by the way of a node",
    edits: [
      ["door.cfg", "if (!t_check_trans()) drop;", ""],
      ["door.cfg", "$var(ambiguous) = 1;", "$var(ambiguous) = 0; return;"],
      ["cluster.cfg", /if \(\$var\(shown\) != .*\{/, "if (0) {"],
    ],
    kinds: ["stranger heard"],
  },
  {
    name: "no URI of a client names a next hop: on the other node",
    edits: [
      [
        "cluster.cfg",
        "    $du = $var(to);\n",
        '    $du = $var(to);\n    if ($(ru{uri.param,alias}) != "") { handle_ruri_alias(); t_relay(); exit; }\n',
      ],
    ],
    kinds: ["trap", "in no dialog of theirs", "forged identity", "closed"],
  },
  {
    name: "no URI of a client names a next hop: at its own node",
    edits: [
      [
        "calls.cfg",
        "    # Nobody chooses the way that their requests take.\n",
        '    if ($(ru{uri.param,alias}) != "") { handle_ruri_alias(); t_relay(); exit; }\n',
      ],
    ],
    kinds: ["trap"],
  },
  {
    name: "a message has one meaning",
    edits: [
      ["door.cfg", "$var(ambiguous) = 1;", "$var(ambiguous) = 0; return;"],
    ],
    kinds: ["ambiguous", "rest", "forged identity"],
  },
  {
    name: "no NOTIFY of a user outside a dialog",
    edits: [["calls.cfg", /if \(is_method\("NOTIFY"\)\) \{/, "if (0) {"]],
    kinds: ["NOTIFY from a user", "rights", "closed"],
  },
  {
    name: "credentials go no further",
    edits: [
      [
        "calls.cfg",
        /^ *remove_hf_re\("\^\(Proxy-\)\?Authorization\$"\);$/m,
        "",
      ],
    ],
    kinds: ["credentials passed"],
  },
  {
    name: "nothing of a client speaks for the network",
    edits: [["door.cfg", /^ *remove_hf_re\("\^\(P-.*$/m, ""]],
    kinds: ["speaks for the network"],
  },
  {
    name: "a far end challenges nobody",
    edits: [["calls.cfg", /^ *if \(\$rs == 401 .*$/m, ""]],
    kinds: ["challenge passed"],
  },
  {
    name: "a dialog is between its two users",
    edits: [
      ["calls.cfg", ' + "\\n" + $var(caller) + "\\n" + $var(callee)', ""],
    ],
    kinds: ["in no dialog of theirs", "forged identity"],
  },
  {
    name: "the sender within a dialog is who From says",
    edits: [["calls.cfg", ' + "\\n" + $var(calling)', ""]],
    kinds: ["forged identity"],
  },
];

/**
 * Edits the shipped files; throws where there is nothing to edit any more.
 * @param {Mutant} mutant
 */
export const editor =
  ({ edits }) =>
  (/** @type {string} */ text, /** @type {string} */ file) => {
    for (const [of, from, to] of edits) {
      if (of !== file) continue;
      const found =
        typeof from === "string" ? text.includes(from) : from.test(text);
      if (!found) throw new Error(`${file} has no ${from}`);
      text = text.replace(from, () => to);
    }
    return text;
  };

/** @param {string[]} names */
async function main(names) {
  const wanted = MUTANTS.filter(
    ({ name }) => names.length === 0 || names.some((one) => name.includes(one)),
  );
  for (const mutant of wanted) {
    const { kinds, name } = mutant;
    const edit = editor(mutant);
    const { find, played } = await fuzz({ seed: 1, count: 1_500, edit, kinds });
    console.log(`${find ? "found" : "MISSED"} in ${played} cases: ${name}`);
    if (find) console.log(describe(find).replace(/^/gm, "    "));
    else process.exitCode = 1;
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname)
  await main(process.argv.slice(2));
