import { readPublic } from "../../js/cli/static.js";

/** Where the page's own files stand, and what it takes of the rest of the package. */
const HOME = "/server/accounts/page/";
const OWN = /^\/server\/accounts\/page\/[a-z]+\.(html|css|js)$/;
const SHARED =
  /^\/(demo\/(base\.css|demo\.css|theme\.js|element\.js|icons?\.svg)|js\/(account|errors|phone)\/[a-z/-]+\.js)$/;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * The page for users, beside the API: it uses that as everybody does, by `graceline/account`.
 *
 * @param {import("hono").Hono} app
 * @param {() => Promise<string | undefined>} domain the one that is served, if it is one
 */
export function servePage(app, domain) {
  /** @param {string} path @param {RegExp} allowed */
  const file =
    (path, allowed) =>
    async (/** @type {import("hono").Context} */ context) => {
      const name = path || context.req.path;
      const found = await readPublic(name.replace(/^\/page\//, HOME), allowed);
      if (!found) return context.notFound();
      context.header("content-security-policy", POLICY);
      context.header("content-type", found.type);
      return context.body(new Uint8Array(found.content));
    };
  app.get("/", file("/page/index.html", OWN));
  app.get("/page/domain", async (context) =>
    context.json({ domain: (await domain()) ?? null }),
  );
  app.get("/page/:file", file("", OWN));
  app.get("/demo/*", file("", SHARED));
  app.get("/js/*", file("", SHARED));
}
