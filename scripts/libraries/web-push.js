export { default as webPush } from "web-push";
