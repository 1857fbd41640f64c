import type { Call } from "graceline";
import * as react from "graceline/react";
import { Sounds, attachAudio } from "graceline/sounds";
import * as vue from "graceline/vue";

const options = { connections: "wss://a/", user: "2001", domain: "a" };

export function App({ call }: { call: Call }) {
  const { status, refused, phone, registerPhone } = react.usePhone(options);
  const device: string | undefined = refused?.device;
  const ended: string | undefined = react.useCall(call).ended?.cause;
  const ringing: Call | null = react.useIncoming(phone);
  // @ts-expect-error there may be none
  react.useCall(ringing).state;
  // @ts-expect-error an option that is missing
  react.usePhone({ user: "2001" });
  return (
    <p onClick={() => registerPhone({ forceRegistration: true })}>
      {[status, device, ended].join()}
      <react.CallAudio call={ringing} className="quiet" />
      <react.CallAudio call={call} onBlocked={(audio) => audio.release()} />
    </p>
  );
}

export function setup() {
  const { status, calls } = vue.usePhone(() => options, { register: false });
  const first = vue.useCall(() => calls.value[0]);
  const state: string | undefined = first.value?.state;
  // @ts-expect-error a ref
  const wrong: string = status;
  return [state, wrong, vue.CallAudio];
}

export function hear(call: Call) {
  const sounds = new Sounds({ country: "gb" });
  // @ts-expect-error no country
  new Sounds({ country: "uk" });
  const stop: () => void = sounds.once("blocked", () => {}).play("ring");
  return [stop, attachAudio(call, new Audio()).blocked];
}
