import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { CallAudio, useCall, useIncoming, usePhone } from "graceline/react";

function App() {
  const { status, phone } = usePhone({
    ...{ connections: "wss://sip.example.com/", user: "2001" },
    domain: "example.com",
  });
  const call = useCall(useIncoming());
  return createElement(
    "p",
    {},
    [status, phone, call].join(),
    createElement(CallAudio, { call: null }),
  );
}
console.log(renderToString(createElement(App)));
