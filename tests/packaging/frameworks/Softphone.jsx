import { CallAudio, useCall, useIncoming, usePhone } from "graceline/react";

export function Softphone({ password }) {
  const { user, connections, domain } = window.line;
  const { status, refused, registerPhone, terminated, error, phone, calls } =
    usePhone({ connections, user, domain, password });
  const ringing = useIncoming();
  return (
    <main>
      <p id="status">{status}</p>
      <p id="said">{terminated?.message ?? error?.message}</p>
      {refused && (
        <button onClick={() => registerPhone({ forceRegistration: true })}>
          Log in here
        </button>
      )}
      {ringing && <button onClick={() => ringing.answer()}>Answer</button>}
      <button onClick={() => phone.call(window.line.target)}>Call</button>
      {calls.map((call) => (
        <Talk key={call.id} call={call} />
      ))}
    </main>
  );
}

function Talk({ call }) {
  const { state, remote } = useCall(call);
  return (
    <p>
      <span className="call">{`${state} ${remote.uri}`}</span>
      <CallAudio call={call} />
      <button onClick={() => call.hangup()}>Hang up</button>
    </p>
  );
}
