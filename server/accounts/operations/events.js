/**
 * @param {import("../index.js").Parts} parts
 * @returns {Record<string, import("../http.js").Handler>}
 */
export const eventOperations = ({ events }) => ({
  listen: async ({ session, signal }) => events.listen(session, signal),
});
