import { Module, sources } from "../core/instance.js";

const control = new Module();

/** Loads what controls desk phones, once. */
export function getInstance() {
  control.provide(sources.csta);
  return control.getInstance();
}
