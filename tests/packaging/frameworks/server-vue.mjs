import { createSSRApp, h } from "vue";
import { renderToString } from "vue/server-renderer";
import { CallAudio, useCall, useIncoming, usePhone } from "graceline/vue";

const app = createSSRApp({
  setup() {
    const { status, phone } = usePhone({
      ...{ connections: "wss://sip.example.com/", user: "2001" },
      domain: "example.com",
    });
    const call = useCall(useIncoming());
    return () =>
      h("p", [
        [status.value, phone.value, call.value].join(),
        h(CallAudio, { call: null }),
      ]);
  },
});
console.log(await renderToString(app));
