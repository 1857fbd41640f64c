// Small helpers for building elements. Everything from the network reaches the
// page as a text node: there is no way here to insert markup.

/**
 * A new element with a class and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} className
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/**
 * The element that the page's own markup promises.
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {E}
 */
export function find(root, selector) {
  const element = root.querySelector(selector);
  if (!element) throw new Error(`The page has no ${selector}.`);
  return /** @type {E} */ (/** @type {unknown} */ (element));
}

/**
 * Changes a text only if it is new, so that a live region speaks once.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * With a capital at the start, for the beginning of a sentence.
 * @param {string} text
 */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * Time of day, to the second or to the millisecond.
 * @param {number} at milliseconds since 1970
 * @param {boolean} [fine]
 */
export function clock(at, fine = false) {
  const date = new Date(at);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return fine
    ? `${time}.${String(date.getMilliseconds()).padStart(3, "0")}`
    : time;
}

/**
 * The part of an instance id by which a person tells two apart.
 * @param {string} instanceId
 */
export function shortInstance(instanceId) {
  return instanceId.replace(/^<?urn:uuid:/, "").slice(0, 8);
}
