import createGlue from "../../pkg/csta.js";
import createCore from "../core/core.js";
import { Module, csta } from "../core/instance.js";

/** Makes the wasm's loader and class, named as the phone's. */
function createDesk() {
  const { default: load, DeskCore: Core } = createGlue();
  return { default: load, Core };
}

/** @returns {any} */
const createControl = () => createCore(createDesk);

const control = new Module();

/** Loads what controls desk phones, once. */
export function getInstance() {
  control.provide(createControl, csta);
  return control.getInstance();
}
