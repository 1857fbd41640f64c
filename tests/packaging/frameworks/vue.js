import { createApp } from "vue";
import Softphone from "./Softphone.vue";

const app = createApp(Softphone, { password: "secret" });
app.mount("#app");
window.unmount = () => app.unmount();
