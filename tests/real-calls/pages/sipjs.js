/** SIP.js behind the driver: its SessionManager, which its authors recommend. */
import { Invitation, SessionState } from "sip.js";
import { SessionManager } from "sip.js/lib/platform/web/index.js";
import { KEY_MS, serve } from "./driver.js";

serve(async (account, begin) => {
  const { url, user, domain, password, iceServers, replaces } = account;
  const calls = new Map();
  let registered = () => {};
  const manager = new SessionManager(url, {
    aor: `sip:${user}@${domain}`,
    media: { constraints: { audio: true, video: false } },
    maxSimultaneousSessions: 0,
    // What it offers for connections that fail: it looks for silent ones (10 s is the least that
    // its documentation calls sensible), opens lost ones again, and registers.
    optionsPingInterval: 10,
    registrationRetry: true,
    userAgentOptions: {
      authorizationUsername: user,
      authorizationPassword: password,
      sipExtensionReplaces: replaces ? "Supported" : "Unsupported",
      logLevel: "error",
      sessionDescriptionHandlerFactoryOptions: {
        peerConnectionConfiguration: { iceServers },
      },
    },
    delegate: {
      onRegistered() {
        registered();
        // Media are left to the app.
        for (const { session } of calls.values())
          if (session.state === SessionState.Established)
            session
              .invite({
                sessionDescriptionHandlerOptions: {
                  offerOptions: { iceRestart: true },
                },
              })
              .catch(() => {});
      },
      onCallCreated: wrap,
      // Without it SessionManager refuses the call. An INVITE with Replaces is for the app to answer.
      onCallReceived(session) {
        if (session.replacee) void manager.answer(session);
      },
      onCallAnswered: (session) => {
        const call = calls.get(session.id);
        call.play(manager.getRemoteMediaStream(session));
        call.report("connected");
      },
      onCallHold: (session, held) =>
        calls.get(session.id).report(held ? "held" : "resumed"),
      onCallDTMFReceived: (session, tone) =>
        calls.get(session.id).report("dtmf", { tone }),
      onCallHangup: (session) => calls.get(session.id).report("ended"),
    },
  });

  /** @param {any} session */
  function wrap(session) {
    const reinvite = (options) =>
      new Promise((resolve, reject) => {
        session
          .invite({
            sessionDescriptionHandlerOptions: options,
            requestDelegate: {
              onAccept: resolve,
              onReject: ({ message }) =>
                reject(new Error(`re-INVITE: ${message.statusCode}`)),
            },
          })
          .catch(reject);
      });
    const call = begin(
      {
        session,
        answer: () => manager.answer(session),
        reject: (statusCode) => session.reject({ statusCode }),
        hangup: () => manager.hangup(session),
        hold: async () => {
          await manager.hold(session);
          await heard(session, true);
        },
        resume: async () => {
          await manager.unhold(session);
          await heard(session, false);
        },
        restartIce: () => reinvite({ offerOptions: { iceRestart: true } }),
        dtmf: (tones) =>
          session.sessionDescriptionHandler.sendDtmf(tones, {
            duration: KEY_MS,
          }),
        transfer: (target) => refer(session, target),
        transferTo: (other) => refer(session, other.session),
        stats: () =>
          session.sessionDescriptionHandler.peerConnection.getStats(),
      },
      session instanceof Invitation ? "incoming" : "outgoing",
    );
    calls.set(session.id, call);
  }

  /** The manager's promise settles when the re-INVITE is sent: waits until it is agreed. */
  function heard(session, held) {
    return new Promise((resolve) => {
      const look = () =>
        manager.isHeld(session) === held
          ? resolve(undefined)
          : setTimeout(look, 5);
      look();
    });
  }

  /** The app ends the call when the target has answered. */
  function refer(session, target) {
    return new Promise((resolve, reject) => {
      manager
        .transfer(session, target, {
          requestDelegate: {
            onReject: ({ message }) =>
              reject(new Error(`REFER: ${message.statusCode}`)),
          },
          onNotify(notification) {
            void notification.accept();
            const [, status] =
              /^SIP\/2\.0 (\d+)/.exec(notification.request.body) ?? [];
            if (Number(status) < 200) return;
            if (Number(status) >= 300) return reject(new Error(status));
            if (session.state === SessionState.Established) void session.bye();
            resolve(undefined);
          },
        })
        .catch(reject);
    });
  }

  const registering = new Promise((resolve) => (registered = resolve));
  await manager.connect();
  await manager.register();
  await registering;
  return { call: (target) => void manager.call(target) };
});
