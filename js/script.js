// The entry of graceline.min.js, for a plain <script>: everything in one file,
// at window.Graceline.

import { Phone, PhoneError, init, translate } from "./inline.js";
import { attach } from "./jquery/plugin.js";

/** @type {any} */
const page = globalThis;

/** @param {any} jq */
function jquery(jq) {
  if (jq?.fn?.cwic?.Phone !== Phone) attach(jq, { Phone });
}

function jqueryIfThere() {
  if (page.jQuery?.fn) jquery(page.jQuery);
}

page.Graceline = { Phone, PhoneError, init, jquery, translate };

jqueryIfThere();
// jQuery may come after us in the page.
page.document?.addEventListener("DOMContentLoaded", jqueryIfThere);
page.addEventListener?.("load", jqueryIfThere);
