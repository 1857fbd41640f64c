import { Module, csta } from "../core/instance.js";

const control = new Module();

/** Loads what controls desk phones, once. */
export function getInstance() {
  control.provide(csta);
  return control.getInstance();
}
