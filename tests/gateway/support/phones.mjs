import { freeUdpPort } from "../../interop/support/server-process.mjs";
import { DeskPhone } from "../../real-calls/support/baresip.mjs";

/** A phone that is driven, and two users to call, by way of their phone. */
export async function startPhones(t) {
  const [here, there] = [await freeUdpPort(), await freeUdpPort()];
  const account = (user, port) =>
    `<sip:${user}@example.test;transport=udp>;outbound="sip:127.0.0.1:${port};transport=udp";` +
    "regint=0;answermode=manual;audio_codecs=pcmu/8000/1";
  const others = await DeskPhone.open(
    // Where it is transferred to is a user of its own phone.
    [account("2002", there), account("2003", here)],
    { sipPort: there },
  );
  t.after(() => others.stop());
  const desk = await DeskPhone.open([account("2001", there)], {
    sipPort: here,
    driven: true,
  });
  t.after(() => desk.stop());
  return { desk, others };
}
