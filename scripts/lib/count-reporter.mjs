/**
 * A reporter for Node's test runner that writes the counts as JSON, and the names of
 * what failed: tests, not the suites around them. A file that breaks outside its tests
 * counts as a failed one.
 *
 * @param {AsyncIterable<{ type: string, data: any }>} events
 */
export default async function* count(events) {
  const result = {
    ...{ passed: 0, failed: 0, skipped: 0 },
    failures: /** @type {string[]} */ ([]),
  };
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.details?.type === "suite") continue;
    if (data.skip !== undefined) result.skipped += 1;
    else if (type === "test:pass") result.passed += 1;
    else {
      result.failed += 1;
      result.failures.push(failure(data));
    }
  }
  yield JSON.stringify(result);
}

/**
 * @param {{ name: string, file?: string, line?: number, details?: { error?: any } }} data
 */
function failure({ name, file, line, details }) {
  const error = details?.error?.cause ?? details?.error;
  const why = String(error?.message ?? error ?? "").split("\n")[0];
  return `${file ?? ""}:${line ?? ""} ${name}: ${why}`;
}
