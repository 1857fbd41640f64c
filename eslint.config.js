import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["pkg/", "target/", "tools/", "test-output/"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
  },
  {
    // Shipped to both worlds: what only one of them has is tested for, never assumed.
    files: ["js/**", "tests/**"],
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
  },
  { files: ["demo/**"], languageOptions: { globals: globals.browser } },
  {
    files: [
      "scripts/**",
      "benches/**",
      "js/cli/**",
      "js/testing/**",
      "server/**",
      "*.js",
    ],
    languageOptions: { globals: globals.node },
  },
  {
    files: ["server/accounts/page/**"],
    languageOptions: { globals: globals.browser },
  },
];
