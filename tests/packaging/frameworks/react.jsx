import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Softphone } from "./Softphone.jsx";

const app = createRoot(document.getElementById("app"));
app.render(
  <StrictMode>
    <Softphone password="secret" />
  </StrictMode>,
);
window.unmount = () => app.unmount();
