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
 * What is spoken when it changes.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} className
 * @param {...(Node | string)} children
 */
export function live(tag, className, ...children) {
  const element = make(tag, className, ...children);
  element.setAttribute("role", "status");
  element.setAttribute("aria-live", "polite");
  return element;
}

/**
 * A button that does something once at a time, and tells where it fails.
 * @param {string} text
 * @param {() => unknown} act
 * @param {(error: Error) => void} trouble
 * @param {string} [look]
 */
export function button(text, act, trouble, look = "") {
  const element = make("button", `button ${look}`.trim(), text);
  element.type = "button";
  element.addEventListener("click", async () => {
    if (element.ariaDisabled) return;
    // Not disabled: that would lose the focus.
    element.ariaDisabled = "true";
    try {
      await act();
    } catch (error) {
      trouble(/** @type {Error} */ (error));
    }
    element.ariaDisabled = null;
  });
  return element;
}

/**
 * A drawing of icons.svg; what is seen stands beside it in words.
 * @param {string} name
 * @param {string} [className]
 */
export function icon(name, className = "icon") {
  const namespace = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(namespace, "svg");
  picture.setAttribute("class", className);
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `/demo/icons.svg#${name}`);
  picture.append(use);
  return picture;
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
