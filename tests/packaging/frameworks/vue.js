import { createApp } from "vue";
import Line from "./Line.vue";
import Softphone from "./Softphone.vue";

const password = "secret";
const app =
  location.search === "?line"
    ? createApp(Line, { options: { ...window.line, password } })
    : createApp(Softphone, { password });
app.mount("#app");
window.unmount = () => app.unmount();
