/** The elements that stand for conversations: their classes, their data, and the events on them. */

import { textOf } from "./arguments.js";

/**
 * What a handler of the page throws reaches window.onerror, and does not disturb the phone.
 *
 * @param {() => void} act
 */
export function guarded(act) {
  try {
    act();
  } catch (exception) {
    queueMicrotask(() => {
      throw exception;
    });
  }
}

/** @typedef {any} Container  a jQuery selection of one element */

const MARKS = "cwic-data cwic-conversation";

export class Containers {
  #$;

  /** @param {any} $ jQuery */
  constructor($) {
    this.#$ = $;
  }

  /**
   * @param {any} [where]  a selector, an element or a selection; default: a new element, which the
   *   page attaches where it likes
   * @returns {Container}
   */
  get(where = "<div>") {
    return this.#$(where).first();
  }

  /** @param {Container} container */
  isAttached(container) {
    return this.#$.contains(document.documentElement, container[0]);
  }

  /**
   * @param {Container} container
   * @param {number} id
   * @param {object} conversation
   */
  bind(container, id, conversation) {
    container
      .addClass(`${MARKS} cwic-conversation-${id}`)
      .data("cwic", conversation);
  }

  /** @param {Container} container @param {number} id */
  free(container, id) {
    container
      .removeClass(`${MARKS} cwic-conversation-${id}`)
      .removeData("cwic");
  }

  /**
   * A page may listen at the container, at the element of `init`, or at the document: each hears
   * the event once, wherever the container is.
   *
   * @param {string} name
   * @param {any} root  the selection of `init`
   * @param {Container} container
   * @param {object} conversation
   */
  tell(name, root, container, conversation) {
    const $ = this.#$;
    const details = [conversation, container];
    const element = container[0];
    const attached = this.isAttached(container);
    const inside = root
      .toArray()
      .some(
        (/** @type {Element} */ node) =>
          node === element || $.contains(node, element),
      );
    // One of the two bubbles up to the document.
    const [bubbles, quiet] = attached
      ? [container, inside ? null : root]
      : [root.first(), container];
    guarded(() => quiet?.triggerHandler($.Event(name), details));
    guarded(() => bubbles.trigger($.Event(name), details));
  }

  /**
   * The <video> that an id, an element or a selection stands for; an element of another kind (a
   * page of CWIC's time has an <object>) gets one inside.
   *
   * @param {any} which
   * @param {Window} [page]  that the element is in; default: this one
   * @returns {HTMLVideoElement | undefined}
   */
  video(which, page = window) {
    const $ = this.#$;
    const id = textOf(which).replace(/^#/, "");
    const element = id ? page.document.getElementById(id) : $(which)[0];
    if (!element) return undefined;
    if (element.localName === "video") return element;
    return (
      $(element).find("video")[0] ?? this.addVideo($(element), undefined, page)
    );
  }

  /**
   * @param {any} target  a selection
   * @param {string} [id]
   * @param {Window} [page]
   * @returns {HTMLVideoElement}
   */
  addVideo(target, id, page = window) {
    const video = page.document.createElement("video");
    if (id) video.id = id;
    // The sound has a player of its own.
    Object.assign(video, { autoplay: true, playsInline: true, muted: true });
    target.first().append(video);
    return video;
  }
}
