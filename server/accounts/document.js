import { readFileSync } from "node:fs";
import { Ajv2020, parseYaml } from "../../pkg/libraries/http.js";
import { invalid } from "./problem.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

/**
 * @typedef {object} Operation
 * @property {string} id
 * @property {string} method
 * @property {string} path as the framework writes it: `/v1/devices/:id`
 * @property {"user" | "administrator" | undefined} caller who may; nobody in particular
 * @property {boolean} hasBody
 * @property {(body: unknown) => void} checkBody throws what is wrong with it
 * @property {(params: Record<string, string>) => boolean} areParams whether there can be
 *   anything of these names
 * @property {(query: Record<string, string>) => Record<string, any>} readQuery throws what is
 *   wrong with it
 */

/**
 * The operations of docs/account-api.yaml: what it does not describe is not served.
 *
 * @returns {Operation[]}
 */
export function readOperations() {
  const file = new URL("../../docs/account-api.yaml", import.meta.url);
  const document = parseYaml(readFileSync(file, "utf8"));
  const ajv = new Ajv2020({
    strict: false,
    useDefaults: true,
    discriminator: true,
  });
  // What stands in a URL is text.
  const ofText = new Ajv2020({ strict: false, coerceTypes: true });
  for (const each of [ajv, ofText])
    each.addSchema({ $id: "api", components: document.components });
  /** @param {any} schema as in the document, where it refers to its components */
  const compile = (schema) => ajv.compile(rooted(schema));

  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => {
      const operation = item[method];
      const [security] = operation.security ?? document.security;
      const schema = operation.requestBody?.content["application/json"].schema;
      const check = schema && compile(schema);
      const params = (item.parameters ?? [])
        .map((/** @type {any} */ it) => resolved(document, it))
        .map((/** @type {any} */ it) => ({
          name: it.name,
          is: compile(it.schema),
        }));
      const isQuery = ofText.compile(rooted(querySchema(operation)));
      return {
        id: operation.operationId,
        method,
        path: path.replace(/{(\w+)}/g, ":$1"),
        caller: security && Object.keys(security)[0],
        hasBody: !!schema,
        checkBody: (/** @type {unknown} */ body) => {
          if (check && !check(body)) throw complaint(check.errors);
        },
        areParams: (/** @type {Record<string, string>} */ given) =>
          params.every((/** @type {any} */ { name, is }) => is(given[name])),
        readQuery: (/** @type {Record<string, string>} */ given) => {
          const query = { ...given };
          if (!isQuery(query)) throw complaint(isQuery.errors);
          return query;
        },
      };
    }),
  );
}

/** What may stand in the query of an operation, each once. @param {any} operation */
const querySchema = ({ parameters = [] }) => ({
  type: "object",
  additionalProperties: false,
  properties: Object.fromEntries(
    parameters.map((/** @type {any} */ { name, schema }) => [name, schema]),
  ),
});

/** @param {any} document @param {any} part @returns {any} */
const resolved = (document, { $ref, ...part }) =>
  $ref
    ? $ref
        .slice(2)
        .split("/")
        .reduce(
          (/** @type {any} */ at, /** @type {string} */ key) => at[key],
          document,
        )
    : part;

/**
 * The same schema on its own, with its references into the document as it was added.
 *
 * @param {any} schema
 * @returns {any}
 */
function rooted(schema) {
  if (Array.isArray(schema)) return schema.map(rooted);
  if (Object(schema) !== schema) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === "$ref" ? `api${value}` : rooted(value),
    ]),
  );
}

/** @param {import("ajv").ErrorObject[] | null | undefined} errors */
function complaint(errors) {
  // Of several alternatives the deepest complaint is of the one that was meant.
  const [first] = [...(errors ?? [])].sort((a, b) => depth(b) - depth(a));
  const { instancePath = "", message = "is wrong", params } = first ?? {};
  const stranger = params?.additionalProperty;
  return invalid(
    stranger ? `${instancePath}/${stranger}` : instancePath,
    stranger ? "is not known" : message,
  );
}

/** @param {import("ajv").ErrorObject} error */
const depth = ({ instancePath, keyword }) =>
  instancePath.split("/").length - (keyword === "oneOf" ? 1 : 0);
