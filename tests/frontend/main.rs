//! Phones of `graceline::browser` in a real browser, at the test registrar in Node, with
//! phones of the npm package beside them in the same page. `npm test -- web` starts what
//! they need (scripts/lib/web.mjs).

#![cfg(target_arch = "wasm32")]
// The panics of a test are its verdict.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
mod registration;
mod support;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
