export { serve } from "@hono/node-server";
export { Ajv2020 } from "ajv/dist/2020.js";
export { Hono } from "hono";
export { parse as parseYaml } from "yaml";
