// What is shipped against what is declared of it: compiles only where both agree.
// A class that lacks something, or has it in another way, does not; nor does one that
// has a member of which its declaration says nothing.

import * as api from "../../js/index.js";
import type * as testing from "../../js/testing/index.js";
import type * as accounts from "../../js/account/index.js";
import { Account } from "../../js/account/account.js";
import { Call } from "../../js/call/call.js";
import { DeskCall } from "../../js/desk/call.js";
import { Desk } from "../../js/desk/desk.js";
import { PhoneError, translate } from "../../js/errors/error.js";
import { Emitter } from "../../js/phone/events.js";
import { Phone } from "../../js/phone/phone.js";
import { FakeMediaHandler, fakeMedia } from "../../js/testing/media.js";
import { Message, parseMessage } from "../../js/testing/message.js";
import { Registrar, startRegistrar } from "../../js/testing/registrar.js";
import { DeskPhone } from "../../js/testing/switch/phone.js";
import { Switch, startSwitch } from "../../js/testing/switch/index.js";

/**
 * True, or the members of a class that its declaration does not name. Those that are named by
 * a symbol are nobody's who does not have the symbol.
 */
type Says<Declared, Class> =
  Undeclared<Declared, Class> extends never
    ? true
    : Undeclared<Declared, Class>;
type Undeclared<Declared, Class> = Exclude<
  Extract<keyof Class, string>,
  keyof Declared | keyof Emitter
>;

/** True, or the methods that give `any`: such a result fits whatever is declared. */
type Tells<Class> = Vague<Class> extends never ? true : Vague<Class>;
type Vague<Class> = {
  [M in keyof Class]: Class[M] extends (...args: never[]) => infer R
    ? 0 extends 1 & Awaited<R>
      ? M
      : never
    : never;
}[keyof Class];

export const classes: {
  Phone: typeof api.Phone;
  PhoneError: typeof api.PhoneError;
  translate: typeof api.translate;
} = { Phone, PhoneError, translate };

export const functions: Pick<
  typeof testing,
  "startRegistrar" | "startSwitch" | "fakeMedia" | "parseMessage"
> = { startRegistrar, startSwitch, fakeMedia, parseMessage };

export const call = (call: Call): api.Call => call;
export const deskCall = (call: DeskCall): api.Call => call;
export const desk = (desk: Desk): api.Desk => desk;

true satisfies Says<api.Phone, Phone>;
true satisfies Says<accounts.Account, Account>;
true satisfies Says<api.Desk, Desk>;
true satisfies Says<api.Call, DeskCall>;
true satisfies Says<api.PhoneError, PhoneError>;
true satisfies Says<testing.FakeMediaHandler, FakeMediaHandler>;
true satisfies Says<testing.SipMessage, Message>;
// But for what their own makers use.
true satisfies Says<api.Call, Omit<Call, "wanted">>;
true satisfies Says<testing.Registrar, Omit<Registrar, "listen">>;
true satisfies Says<testing.DeskPhone, Omit<DeskPhone, "changed">>;
true satisfies Says<testing.Switch, Omit<Switch, "listen">>;
true satisfies Tells<Phone>;
true satisfies Tells<Call>;
true satisfies Tells<DeskCall>;
true satisfies Tells<Desk>;
true satisfies Tells<FakeMediaHandler>;
true satisfies Tells<Message>;
true satisfies Tells<Omit<Registrar, "account">>;
true satisfies Tells<Switch>;
