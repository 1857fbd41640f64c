/** @typedef {import("../core/seam.js").Element} Element */

/**
 * @param {Element | undefined} element
 * @param {string} name
 * @returns {string | undefined}
 */
export const attribute = (element, name) =>
  element?.attributes.find(([known]) => known === name)?.[1];

/**
 * @param {Element | undefined} element
 * @param {string} name
 */
export const children = (element, name) =>
  element?.children.filter((child) => child.name === name) ?? [];

/**
 * @param {Element | undefined} element
 * @param {string[]} path names, each a child of the one before
 */
export const child = (element, ...path) =>
  path.reduce((found, name) => children(found, name)[0], element);

/**
 * @param {Element | undefined} element
 * @returns {string} its text without the white space around it
 */
export const text = (element) => element?.text.trim() ?? "";
