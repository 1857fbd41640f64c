// What a phone says of the browser and the system that it runs on.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { platform as tell } from "../../js/phone/platform.js";
import { setUp } from "./support/line.js";

const mozilla = (more) => `Mozilla/5.0 (${more}`;
const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0";
const webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)";

describe("in a browser", () => {
  for (const [told, userAgent] of [
    [
      "Chrome 156; Linux",
      mozilla(`X11; Linux x86_64) ${chrome} Safari/537.36`),
    ],
    [
      "Chrome 156; Windows",
      mozilla(`Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36`),
    ],
    [
      "Chrome 156; Android",
      mozilla(`Linux; Android 10; K) ${chrome} Mobile Safari/537.36`),
    ],
    [
      "Chrome 156; CrOS",
      mozilla(`X11; CrOS x86_64 14541.0.0) ${chrome} Safari/537.36`),
    ],
    [
      "Edge 155; Windows",
      mozilla(`Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36 Edg/155.0`),
    ],
    [
      "Opera 130; Mac",
      mozilla(
        `Macintosh; Intel Mac OS X 10_15_7) ${chrome} Safari/537.36 OPR/130.0.0.0`,
      ),
    ],
    [
      "Firefox 140; Linux",
      mozilla("X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ],
    [
      "Safari 19; Mac",
      mozilla(
        `Macintosh; Intel Mac OS X 10_15_7) ${webkit} Version/19.1 Safari/605.1.15`,
      ),
    ],
    [
      "Safari 19; iPhone",
      mozilla(
        `iPhone; CPU iPhone OS 18_6 like Mac OS X) ${webkit} Version/19.1 Mobile/15E148 Safari/604.1`,
      ),
    ],
    [
      "Chrome 156; iPad",
      mozilla(
        `iPad; CPU OS 18_6 like Mac OS X) ${webkit} CriOS/156.0.1 Mobile/15E148 Safari/604.1`,
      ),
    ],
    [
      "Chrome 156; Android",
      mozilla(
        `Linux; Android 10; K; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/156.0.0.0 Mobile Safari/537.36`,
      ),
    ],
    ["", "Somebody's own/7 (a secret machine)"],
    ["", ""],
  ])
    test(told || `"${userAgent}"`, () => {
      const page = { document: {}, navigator: { userAgent } };
      assert.equal(tell(page), told);
    });

  test("one that hides who it is", () => {
    assert.equal(tell({ document: {} }), "");
  });
});

describe("in Node", () => {
  for (const platform of ["linux", "darwin", "win32"])
    test(platform, () => {
      const process = { versions: { node: "22.4.1" }, platform };
      assert.equal(tell({ process }), `Node 22; ${platform}`);
    });
});

const { version } = createRequire(import.meta.url)("graceline/package.json");
const [major] = process.versions.node.split(".");

test("the registrar hears it, and others are told where one is logged in", async (t) => {
  const { registrar, phone } = await setUp(t);
  await phone().registerPhone();
  const told = `Graceline/${version} (${tell()})`;
  assert.match(
    told,
    new RegExp(`^Graceline/[\\d.]+ \\(Node ${major}; \\w+\\)$`),
  );
  assert.equal(registrar.bindings("2001")[0].userAgent, told);
  await assert.rejects(phone().registerPhone(), ({ details }) => {
    assert.equal(details.elsewhere.userAgent, told);
    return true;
  });
});
