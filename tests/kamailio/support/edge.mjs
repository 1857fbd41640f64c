import { fileURLToPath } from "node:url";
import { Kamailio } from "../../interop/support/kamailio.mjs";

/**
 * An edge, and the registrar behind it.
 * @param {any} world
 */
export async function edge(world) {
  const backEnd = await Kamailio.start({
    config: fileURLToPath(new URL("../back-end.cfg", import.meta.url)),
  });
  world.after(() => backEnd.stop());
  const { port } = new URL(backEnd.url);
  const settings = {
    BACK_END: `sip:127.0.0.1:${port};transport=tcp`,
    BACK_END_ROUTE: `127[.]0[.]0[.]1:${port}`,
  };
  await world.server.add({ config: "edge.cfg", settings });
  return backEnd;
}
