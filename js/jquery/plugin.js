/** `$.fn.cwic`, on a given jQuery and for a given `Phone`. */

import { Containers, guarded } from "./containers.js";
import { createMethods, createMethods11 } from "./methods.js";
import { Session } from "./session.js";

/**
 * Registers the plug-in. Works with jQuery 1.12, 3.7 and 4.0.
 *
 * @param {any} $  jQuery
 * @param {object} options
 * @param {new (options: any) => any} options.Phone  the public Phone, or one that behaves like it
 */
export function attach($, { Phone }) {
  if (typeof $?.fn !== "object") {
    throw new TypeError(
      "attach needs jQuery: import it, and hand it over as attach(jQuery)",
    );
  }
  const session = new Session({
    Phone,
    jquery: $.fn.jquery,
    whenReady: (start) => $(() => queueMicrotask(start)),
    containers: new Containers($),
    forgetData: () => $(".cwic-data").removeData("cwic"),
    trigger: (target, name, properties) =>
      guarded(() => target.trigger(Object.assign($.Event(name), properties))),
  });
  const methods = createMethods(session, {
    unbind: () => $(document).off(".cwic"),
  });
  const methods11 = createMethods11(session);

  /**
   * @this {any} the selection
   * @param {unknown} [method]  a method's name; options of `init`; or nothing, for `init`
   * @param {...unknown} args
   */
  $.fn.cwic = function cwic(method, ...args) {
    try {
      if (typeof method === "object" || !method)
        return session.init(this, method ?? {});
      const name = String(method);
      const run =
        methods.get(name) ??
        (session.settings.compatibility === 11
          ? methods11.get(name)
          : undefined);
      if (!run) return session.refuse(this, "noMethod", { method: name });
      return run.apply(this, args);
    } catch (exception) {
      const text =
        exception instanceof Error ? exception.message : String(exception);
      return session.fail(this, null, session.errors.entry("Unknown"), text);
    }
  };
  $.fn.cwic.Phone = Phone;
}
