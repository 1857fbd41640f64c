import { usePhone } from "graceline/react";

export function Line(options) {
  const { status, refused, registerPhone } = usePhone(options);
  const force = () => registerPhone({ forceRegistration: true });
  if (refused) return <button onClick={force}>Log in here</button>;
  return <p id="status">{status}</p>;
}
