import { Hono } from "../../pkg/libraries/http.js";
import { isSame } from "../accounts/secrets.js";
import { listen } from "../listen.js";
import { keyFor } from "./account-link.js";

/**
 * Serves messages to the account service, which alone knows who may hear them.
 *
 * @param {Pick<import("./options.js").Settings, "host" | "port" | "tls" | "accounts">} settings
 * @param {{ store: import("./store.js").Store, changed: (mailbox: string) => void }} parts
 */
export function serveMessages({ accounts, ...place }, { store, changed }) {
  const key = keyFor(accounts.token);
  const app = new Hono();
  app.use(async (context, next) => {
    const shown = context.req.header("authorization") ?? "";
    if (!isSame(shown, `Bearer ${key}`)) return context.body(null, 401);
    context.header("cache-control", "no-store");
    return next();
  });
  app.get("/mailboxes/:mailbox", (context) =>
    context.json(store.list(context.req.param("mailbox"))),
  );
  app.get("/mailboxes/:mailbox/:id", async (context) => {
    const { mailbox, id } = context.req.param();
    const sound = await store.sound(mailbox, id);
    if (!sound) return context.notFound();
    return context.body(new Uint8Array(sound), 200, {
      "content-type": "audio/wav",
    });
  });
  app.post("/mailboxes/:mailbox/:id/heard", async (context) => {
    const { mailbox, id } = context.req.param();
    const message = await store.heard(mailbox, id);
    if (!message) return context.notFound();
    changed(mailbox);
    return context.json(message);
  });
  app.delete("/mailboxes/:mailbox/:id", async (context) => {
    const { mailbox, id } = context.req.param();
    if (!(await store.delete(mailbox, id))) return context.notFound();
    changed(mailbox);
    return context.body(null, 204);
  });
  return listen(app, place);
}
