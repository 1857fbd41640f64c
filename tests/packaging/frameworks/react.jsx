import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Line } from "./Line.jsx";
import { Softphone } from "./Softphone.jsx";

const app = createRoot(document.getElementById("app"));
app.render(
  <StrictMode>
    {location.search === "?line" ? (
      <Line {...window.line} password="secret" />
    ) : (
      <Softphone password="secret" />
    )}
  </StrictMode>,
);
window.unmount = () => app.unmount();
