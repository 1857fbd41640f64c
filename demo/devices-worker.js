// The service worker of devices.html: shows who calls a device that sleeps, and wakes the page.

import { handleNotificationClick, handlePush } from "../js/push/index.js";

const PAGE = "/demo/devices.html";
const ICON = "/demo/icon.svg";

addEventListener("install", () => /** @type {any} */ (self).skipWaiting());
addEventListener("push", (event) =>
  handlePush(/** @type {any} */ (event), { page: PAGE, icon: ICON }),
);
addEventListener("notificationclick", (event) =>
  handleNotificationClick(/** @type {any} */ (event), { page: PAGE }),
);
