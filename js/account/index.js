export { PhoneError, translate } from "../errors/error.js";
export { Account } from "./account.js";
