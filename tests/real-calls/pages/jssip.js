/** JsSIP behind the driver, by its documented API. */
import JsSIP from "jssip";
import { KEY_MS, serve } from "./driver.js";

serve(async ({ url, user, domain, password, iceServers }, begin) => {
  // New ones each time: it adds headers to them.
  const options = () => ({
    mediaConstraints: { audio: true, video: false },
    pcConfig: { iceServers },
  });
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(url)],
    uri: `sip:${user}@${domain}`,
    password,
  });
  /** @type {Set<any>} */
  const sessions = new Set();
  // A lost connection it opens again by itself, and registers; media are left to the app.
  agent.on("registered", () => {
    for (const session of sessions)
      if (session.isEstablished())
        session.renegotiate({ rtcOfferConstraints: { iceRestart: true } });
  });
  // Outgoing ones too, those that it makes by itself upon a REFER included.
  agent.on("newRTCSession", ({ session, originator }) => {
    if (originator === "local") wrap(session, "outgoing");
    else wrap(session, "incoming");
  });

  /**
   * @param {any} session
   * @param {"incoming" | "outgoing"} direction
   */
  function wrap(session, direction) {
    const call = begin(
      {
        session,
        answer: () => session.answer(options()),
        reject: (status_code) => session.terminate({ status_code }),
        hangup: () => session.terminate(),
        hold: () => done((callback) => session.hold({}, callback)),
        resume: () => done((callback) => session.unhold({}, callback)),
        restartIce: () =>
          done((callback) =>
            session.renegotiate(
              { rtcOfferConstraints: { iceRestart: true } },
              callback,
            ),
          ),
        dtmf: (tones) =>
          session.sendDTMF(tones, {
            transportType: "RFC2833",
            duration: KEY_MS,
          }),
        dtmfByInfo: (tones) => session.sendDTMF(tones),
        transfer: (target) => refer(session, target, {}),
        transferTo: (other) =>
          refer(session, other.session.remote_identity.uri.toString(), {
            replaces: other.session,
          }),
        stats: () => session.connection.getStats(),
      },
      direction,
    );
    const listen = (connection) =>
      connection.addEventListener("track", ({ track }) =>
        call.play(new MediaStream([track])),
      );
    if (session.connection) listen(session.connection);
    session.on("peerconnection", ({ peerconnection }) =>
      listen(peerconnection),
    );
    sessions.add(session);
    session.on("ended", () => sessions.delete(session));
    session.on("failed", () => sessions.delete(session));
    session.on("progress", () => call.report("ringing"));
    session.on("confirmed", () => call.report("connected"));
    session.on("hold", ({ originator }) => call.report("held", { originator }));
    session.on("unhold", ({ originator }) =>
      call.report("resumed", { originator }),
    );
    session.on("newDTMF", ({ originator, dtmf }) => {
      if (originator === "remote") call.report("dtmf", { tone: dtmf.tone });
    });
    session.on("ended", ({ cause }) => call.report("ended", { cause }));
    session.on("failed", ({ cause }) => call.report("ended", { cause }));
    session.on("refer", ({ accept }) => accept(() => {}, options()));
    session.on("replaces", ({ accept }) =>
      accept((replacement) => replacement.answer(options())),
    );
  }

  await new Promise((resolve, reject) => {
    agent.once("registered", resolve);
    agent.once("registrationFailed", ({ cause }) => reject(new Error(cause)));
    agent.start();
  });
  return { call: (target) => void agent.call(target, options()) };
});

/** @param {(callback: () => void) => unknown} start answers false where it cannot */
function done(start) {
  return new Promise((resolve, reject) => {
    if (start(() => resolve(undefined)) === false)
      reject(new Error("JsSIP is not ready to renegotiate"));
  });
}

/**
 * As its documentation shows: the app ends the call when the target has answered.
 * @param {any} session
 * @param {string} target
 * @param {object} options
 */
function refer(session, target, options) {
  return new Promise((resolve, reject) => {
    const subscriber = session.refer(target, options);
    const fail = ({ status_line, cause }) =>
      reject(new Error(`${status_line?.status_code ?? cause}`));
    subscriber.on("requestFailed", fail);
    subscriber.on("failed", fail);
    subscriber.on("accepted", () => {
      if (!session.isEnded()) session.terminate();
      resolve(undefined);
    });
  });
}
