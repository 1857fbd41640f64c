import { Hono } from "../../pkg/libraries/http.js";
import { Problem, invalid, notFound } from "./problem.js";

/** @typedef {import("hono").Context} Context */

/** Of a request's body, in bytes: the largest of the document is a push subscription. */
const MAX_BODY = 16 * 1024;

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const CORS = {
  "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
  "access-control-allow-headers": "authorization, content-type",
  "access-control-max-age": "600",
};

/**
 * @typedef {object} Asked
 * @property {string} operation its id
 * @property {any} body as the document has it
 * @property {Record<string, string>} params of the path
 * @property {Record<string, any>} query as the document has it
 * @property {string} address of the client
 * @property {import("./sessions.js").Session} session where the caller is a user
 * @property {AbortSignal} signal the client is gone
 * @property {string | undefined} range of a file, as the header Range has it
 *
 * @typedef {(asked: Asked) => Promise<unknown>} Handler what it resolves with becomes JSON;
 *   nothing is 204
 *
 * @typedef {object} Wiring
 * @property {import("./document.js").Operation[]} operations
 * @property {Record<string, Handler>} handlers by the operations' ids
 * @property {Record<string, (token: string, address: string) => Promise<any>>} callers by
 *   kind: who a token stands for; rejects where it is none
 * @property {(origin: string) => boolean} isAllowed pages of which origin may ask
 * @property {(context: Context) => string} addressOf
 * @property {(error: unknown) => Problem} failed what is told of a fault that is not the
 *   client's
 */

/** @param {Wiring} wiring */
export function createApp({ operations, handlers, callers, ...wiring }) {
  const app = new Hono();
  app.use(async (context, next) => {
    for (const [name, value] of Object.entries(HEADERS))
      context.header(name, value);
    const { origin, host } = context.req.header();
    if (origin) {
      context.header("vary", "origin");
      // The service's own page: its origin has the host that was asked.
      const own = /^https?:\/\/(.*)$/.exec(origin)?.[1] === host;
      if (!own && !wiring.isAllowed(origin)) throw strangeOrigin();
      context.header("access-control-allow-origin", origin);
      context.header("access-control-expose-headers", "retry-after");
    }
    if (context.req.method !== "OPTIONS") return next();
    for (const [name, value] of Object.entries(CORS))
      context.header(name, value);
    return context.body(null, 204);
  });
  for (const operation of operations) {
    const handle = handlers[operation.id];
    const method = operation.method.toUpperCase();
    app.on(method, operation.path, async (context) => {
      // The framework takes HEAD for GET, and drops what comes of it: a stream too.
      if (context.req.method !== method) throw notFound();
      const address = wiring.addressOf(context);
      const params = context.req.param();
      const session =
        operation.caller &&
        (await callers[operation.caller](bearer(context), address));
      if (!operation.areParams(params)) throw notFound();
      const query = operation.readQuery(context.req.query());
      const body = operation.hasBody ? await bodyOf(context) : undefined;
      operation.checkBody(body);
      const asked = {
        operation: operation.id,
        body,
        params,
        query,
        address,
        session,
        signal: context.req.raw.signal,
        range: context.req.header("range"),
      };
      const value = await handle(asked);
      return answer(context, value);
    });
  }
  app.notFound(() => {
    throw notFound();
  });
  app.onError((error, context) => {
    const problem = error instanceof Problem ? error : wiring.failed(error);
    const { status, code, message, details } = problem;
    if (status === 401) context.header("www-authenticate", "Bearer");
    if (details?.retryAfter)
      context.header("retry-after", `${details.retryAfter}`);
    return context.json(
      { error: { code, message, ...(details && { details }) } },
      /** @type {any} */ (status),
    );
  });
  return app;
}

/** What was made, rather than found: 201. */
export class Created {
  /** @param {unknown} value */
  constructor(value) {
    this.value = value;
  }
}

/** Sound, of which pages of other sites may play what they know the URL of. */
export class Sound {
  /** @param {Uint8Array} bytes a WAV file @param {string} [range] what is asked of it */
  constructor(bytes, range) {
    this.bytes = bytes;
    this.range = range;
  }
}

/** @param {Context} context @param {unknown} value */
function answer(context, value) {
  if (value instanceof Sound) return play(context, value);
  if (value === undefined) return context.body(null, 204);
  if (value instanceof ReadableStream) {
    context.header("content-type", "text/event-stream");
    // Of proxies, which else would gather events before they pass them on.
    context.header("x-accel-buffering", "no");
    return context.body(value);
  }
  return value instanceof Created
    ? context.json(/** @type {any} */ (value.value), 201)
    : context.json(/** @type {any} */ (value));
}

/**
 * All of it, or the part that is asked for (RFC 9110 §14.2): some browsers play nothing else.
 *
 * @param {Context} context
 * @param {Sound} sound
 */
function play(context, { bytes, range }) {
  context.header("content-type", "audio/wav");
  context.header("cross-origin-resource-policy", "cross-origin");
  context.header("accept-ranges", "bytes");
  const [, from, to] = /^bytes=(\d{1,12})-(\d{0,12})$/.exec(range ?? "") ?? [];
  const start = Number(from);
  if (from === undefined || start >= bytes.length)
    return context.body(new Uint8Array(bytes));
  const end = Math.min(to ? Number(to) : Infinity, bytes.length - 1);
  context.header("content-range", `bytes ${start}-${end}/${bytes.length}`);
  return context.body(new Uint8Array(bytes.subarray(start, end + 1)), 206);
}

/** @param {Context} context */
const bearer = (context) =>
  /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(
    context.req.header("authorization") ?? "",
  )?.[1] ?? "";

/** @param {Context} context */
async function bodyOf(context) {
  // A page of another site cannot send this type without asking first (CORS).
  if (!/^application\/json\b/i.test(context.req.header("content-type") ?? ""))
    throw new Problem(
      415,
      "eInvalidArgument",
      "The body must be application/json.",
    );
  const text = await textOf(context.req.raw.body);
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("", "is no JSON");
  }
}

/** @param {ReadableStream<Uint8Array> | null} stream */
async function textOf(stream) {
  const parts = [];
  let length = 0;
  for await (const part of /** @type {any} */ (stream ?? [])) {
    length += part.length;
    if (length > MAX_BODY)
      throw new Problem(
        413,
        "eInvalidArgument",
        `The body must not exceed ${MAX_BODY} bytes.`,
      );
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

const strangeOrigin = () =>
  new Problem(
    403,
    "eForbidden",
    "Pages of this origin may not ask. The administrator allows it by --origins.",
  );
