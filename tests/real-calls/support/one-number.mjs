/** A user with a page and a desk phone of one number. */
import { randomUUID } from "node:crypto";
import { Facts } from "../../kamailio/support/facts.mjs";
import { DeskPhone } from "./baresip.mjs";

/**
 * The desk phone of 2001, which is authorised with a page; 2002 needs no devices.
 * @param {import("./world.mjs").World} world
 * @param {string[]} settings of the desk phone's account
 * @param {{ lamp?: boolean }} [options] of the desk phone
 */
export async function oneNumber(world, settings, options) {
  const { domain, database } = world.server;
  const facts = await Facts.on(world);
  await database.sql(
    "UPDATE subscriber SET devices = 'off' WHERE username = '2002'",
  );
  // Ids of devices are made of the last digit.
  const [own, uuid] = ["1", "2"].map((digit) =>
    randomUUID().replace(/.$/, digit),
  );
  await facts.authorise(`urn:uuid:${own}`, "web");
  const deskId = await facts.authorise(`urn:uuid:${uuid}`, "deskphone");
  const { authUser, password } = await facts.credentials(deskId);
  const account = [
    `<sip:2001@${domain};transport=udp>`,
    ...[`auth_user=${authUser}`, `auth_pass=${password}`],
    `outbound="sip:127.0.0.1:${world.udpPort};transport=udp"`,
    ...["regint=60", "audio_codecs=pcmu/8000/1", ...settings],
  ];
  const desk = await DeskPhone.open([account.join(";")], { uuid, ...options });
  world.after(() => desk.stop());
  return { facts, desk, deskId, instanceId: `urn:uuid:${own}` };
}
