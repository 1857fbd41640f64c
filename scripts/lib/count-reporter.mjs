/**
 * A reporter for Node's test runner that writes the counts as JSON: tests, not
 * the suites around them. A file that breaks outside its tests counts as a
 * failed one.
 *
 * @param {AsyncIterable<{ type: string, data: any }>} events
 */
export default async function* count(events) {
  const result = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.details?.type === "suite") continue;
    if (data.skip !== undefined) result.skipped += 1;
    else if (type === "test:pass") result.passed += 1;
    else result.failed += 1;
  }
  yield JSON.stringify(result);
}
