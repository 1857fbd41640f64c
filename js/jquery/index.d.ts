import type { Phone, PhoneOptions } from "../index.js";

/**
 * Registers `$.fn.cwic` on a jQuery (1.12, 3.7 or 4.0), so that a page written for CWIC 3.0.4 or
 * 11.0 works after swapping the script. Importing the module does this by itself for a global
 * `jQuery`; repeating it changes nothing.
 */
export default function attach(jQuery: object, options?: AttachOptions): void;

export interface AttachOptions {
  /** Another constructor than Graceline's, for tests. */
  Phone?: new (
    options: PhoneOptions,
  ) => Pick<
    Phone,
    | "on"
    | "registerPhone"
    | "close"
    | "call"
    | "status"
    | "registration"
    | "instanceId"
  >;
}

export type CwicMode = "SoftPhone" | "DeskPhone";

/** Options of `init`. Those marked "ours" are no part of CWIC. */
export interface CwicSettings {
  /**
   * The API can be used.
   * @param defaults  always empty: nothing from the page's URL becomes a credential or an address
   * @param registered  whether the phone is registered already
   */
  ready?:
    ((defaults: object, registered: boolean, mode: CwicMode) => void) | null;
  /** The API cannot be used: BrowserNotSupported. */
  error?: ((error: CwicError) => void) | null;
  /** Accepted, not needed. */
  encodeBase64?: ((text: string) => string) | null;
  /** Accepted; shows up in the registration. Default true. */
  useCcmcip?: boolean;
  /** The predicted device is this and the user. Default "ecp". */
  devicePrefix?: string;
  predictDevice?: ((options: { username: string }) => string) | null;
  /** Log more. Default false. */
  verbose?: boolean;
  /** Default: console.log. */
  log?: ((message: string, context?: unknown) => void) | null;
  /** Accepted, not needed. */
  node?: string;
  /** Key, or numeric code, to message or entry: extends and overrides the default errors. */
  errorMap?: Record<
    string,
    string | { code?: number | string; message?: string }
  >;
  /** Accepted, not needed. */
  mediaPortSplitting?: boolean;
  /** Never called: nothing has to be authorised. */
  delayedUserAuth?: (() => void) | null;
  /** Ours: the release whose error codes the page expects. Default 3. */
  compatibility?: 3 | 11;
  /** Ours: ws:// or wss:// URLs, for pages whose `cucm` holds none. */
  connections?: string | string[];
  /** Ours: the domain of the users. Default: the host of the first URL. */
  domain?: string;
  /** Ours: further options of `Phone`. */
  phone?: Partial<PhoneOptions>;
}

/** Device and line, as CWIC describes them. */
export interface CwicDevice {
  name: string;
  description: string;
  model: string;
  modelDescription: string;
  isSoftPhone: boolean;
  isDeskPhone: boolean;
  lineDNs: string[];
  serviceState: "eUnknown" | "eInService" | "eOutOfService";
  inService: boolean;
  serviceCause: string;
  isPrivate: boolean;
  isDND: boolean;
  DNDType: string;
  lines: CwicLine[];
  exists: boolean;
}

export interface CwicLine {
  directoryNumber: string;
  externalNumber: string;
  name: string;
  label: string;
  capabilities: Record<string, boolean>;
  exists: boolean;
  registered: boolean;
}

export interface CwicRegistration {
  user?: string;
  mode?: CwicMode;
  authenticate?: boolean;
  useCcmcip?: boolean;
  forceRegistration?: boolean;
  /** By name. */
  devices: Record<string, CwicDevice>;
  /** The active one. */
  device?: CwicDevice;
  line?: CwicLine;
  /** Ours, as are the next three. */
  domain?: string;
  instanceId?: string;
  /** The URL in use. */
  connection?: string;
  /** Seconds granted. */
  expires?: number;
}

/** What the `success` callback gets. */
export interface CwicSuccess extends CwicRegistration {
  /** As given. */
  cucm: unknown[];
  /**
   * To be given back as `password` at the next login. Not the password: a handle that this page
   * load alone understands.
   */
  password?: { cipher: "cucm"; encrypted: string };
  successfulCucm: { tftp?: string; cti: string };
}

/** Of error callbacks; `error.cwic` carries the same properties on the event. */
export interface CwicError {
  /** A number, or with `compatibility: 11` the key itself. */
  code: number | string;
  message: string;
  /**
   * The phone's code first, then a sentence. No markup: safe to show as HTML. Other words, or
   * another language: `translate` of "graceline", with the situations of docs/errors.md.
   */
  details: string[];
  registration?: CwicRegistration;
  /** The phone's code, such as "eDeviceAlreadyRegistered". */
  nativeError?: string;
  /** What to do, where there is something to be done; the sentence in `details` ends with it. */
  remedy?: string;
  /** SIP status code and reason. */
  status?: number;
  reason?: string;
  /** Who holds the device, where the registrar says so. Network text: show it as text. */
  elsewhere?: {
    instanceId?: string;
    userAgent?: string;
    contact?: string;
    since?: number;
  };
  [property: string]: unknown;
}

export interface CwicLoginArguments {
  user: string | number;
  /** Clear; or what `success` gave; or `{ cipher: "base64", encrypted }`. */
  password?: string | { cipher: "cucm" | "base64"; encrypted: string };
  /** 11.0's name of `password`. */
  passphrase?: CwicLoginArguments["password"];
  /** Addresses, of which ws:// and wss:// URLs count: "label ws://…", or lists of them. */
  cucm?: CwicAddress | CwicAddress[];
  /**
   * Default "SoftPhone". "DeskPhone": the desk phone `device`, or the first that the line is
   * on, is controlled through a CTI gateway.
   */
  mode?: CwicMode;
  /** Default: the predicted device. */
  device?: string | number | { name: string };
  line?: string | number | { directoryNumber: string };
  devicesAvailable?: (
    devices: CwicDevice[],
    mode: CwicMode,
    choose: (
      mode: CwicMode,
      device: string | CwicDevice,
      line?: string | CwicLine,
    ) => void,
  ) => unknown;
  /** Once per login, before `system.cwic` with eReady. */
  success?: (registration: CwicSuccess) => void;
  /** Also for later failures of this login. Without it, `error.cwic` is triggered. */
  error?: (error: CwicError) => void;
  authenticate?: boolean;
  useCcmcip?: boolean;
  /** Log out whoever else has the device. Default false. */
  forceRegistration?: boolean;
  /** Ours, as in `init`. */
  connections?: string | string[];
  gateway?: string;
  domain?: string;
  phone?: Partial<PhoneOptions>;
}

export type CwicAddress =
  string | { tftp?: string[]; ccmcip?: string[]; cti?: string[] };

/**
 * `event.phone` of the event `system.cwic`, and of ours, `eConnectionTerminated.cwic`, which also
 * has the `reason`, `message` and `by` of the phone's event; the message is free of markup.
 */
export interface CwicPhoneState {
  /**
   * "eConnectionTerminated": another client took the device over.
   * "eDeviceNotAuthorised": the user, or the administrator, has cut the device off.
   * "eConnectedButNoDeviceReady": the desk phone is out of service.
   */
  status: string;
  ready: boolean;
  mode: CwicMode;
  registration: CwicRegistration;
}

export interface CwicAbout {
  javascript: CwicVersion & { version: string; system_release: string };
  jquery: { version: string };
  plugin:
    | (CwicVersion & {
        version: { plugin: string; ecc: string; system_release: string };
      })
    | null;
  states: { system: string };
  device: Partial<CwicDevice> | { exists: false; name: string };
  capabilities: {
    video: boolean;
    /** Graceful registration: always true. */
    multireg: true;
    delayedUserAuth: boolean;
    certValidation: boolean;
  };
  upgrade: { plugin?: string; javascript?: string };
}

export interface CwicVersion {
  release: string;
  major: string;
  minor: string;
  revision: string;
}

/**
 * A call, as handlers get it and as `.data("cwic")` of its container holds it. Names and numbers
 * are free of markup.
 */
export interface CwicConversation {
  id: number;
  callId: number;
  /** "OffHook", "Ringout", "Ringin", "Connected", "Hold" (we), "RemHold" (they), "Busy", "Reorder", "OnHook". */
  state: string;
  callState: string;
  numericState: number;
  callType: "Incoming" | "Outgoing";
  exists: boolean;
  audioMuted: boolean;
  videoMuted: boolean;
  isConference: boolean;
  maxParticipants: number;
  lineId: number;
  mediaState: string;
  videoDirection: CwicVideoDirection;
  videoResolution: { width: number; height: number };
  /** Name → true, for what may be asked of it now. */
  capabilities: Record<string, boolean>;
  participants: CwicParticipant[];
  participant: CwicParticipant;
  localParticipant: CwicParticipant;
  /** Since when the page knows it as a call. */
  start?: Date;
  /** Since when both talk. */
  connect?: Date;
  media: "audio";
  /** Ours, at the end: as `cause` and `reason` of the phone's event `ended`. */
  endCause?: string;
  endReason?: string;
}

export interface CwicParticipant {
  name: string;
  number: string;
  translatedNumber: string;
  directoryNumber: string;
  externalNumber: string;
  recipient: string;
}

export type CwicVideoDirection =
  "Inactive" | "SendRecv" | "SendOnly" | "RecvOnly";

/** An element, its id, or a selection. A <video>, or something that gets one inside. */
export type CwicWindow = string | object;

export interface CwicStartConversation {
  /** Whom to call. */
  participant?: string | number | { recipient: string | number; name?: string };
  /** Instead: the call that rings, to answer it. */
  id?: number | string;
  /** Where the call lives in the page. Default: the selection; at an answer, where it rings. */
  container?: string | object;
  /** Default "Inactive". */
  videoDirection?: CwicVideoDirection;
  remoteVideoWindow?: CwicWindow;
  /** The window that `remoteVideoWindow` is in. */
  window?: Window;
  /** Accepted, not sent. */
  subject?: string;
  error?: (error: CwicError) => void;
}

/** Microphone, speaker or camera. Before the page was allowed one, browsers list none. */
export interface CwicMultimediaDevice {
  deviceID: string;
  deviceName: string;
  canRecord: boolean;
  canPlayout: boolean;
  canCapture: boolean;
  isDefault: boolean;
  /** For `setRecordingDevice`. */
  clientRecordingID: string;
  /** For `setPlayoutDevice`. */
  clientPlayoutID: string;
  /** For `setCaptureDevice`. */
  clientCaptureID: string;
  isSelectedRecordingDevice: boolean;
  isSelectedPlayoutDevice: boolean;
  isSelectedCaptureDevice: boolean;
  [property: string]: unknown;
}

declare global {
  // The type parameter is that of @types/jquery, with which this merges.
  interface JQuery<TElement = HTMLElement> {
    cwic(options?: CwicSettings): this;
    cwic(method: "init", options?: CwicSettings): this;
    cwic(method: "about"): CwicAbout;
    cwic(method: "registerPhone", args: CwicLoginArguments): this;
    cwic(
      method: "switchPhoneMode",
      options?: {
        progress?: (progress: { message: string }) => void;
        success?: (registration: CwicSuccess) => void;
        error?: (error: CwicError) => void;
        mode?: CwicMode;
        device?: string;
        line?: string;
        forceRegistration?: boolean;
      },
    ): this;
    /** Without `forceLogout` the phone stays registered; `complete` is called once, always. */
    cwic(
      method: "unregisterPhone",
      options?: { complete?: () => void; forceLogout?: boolean },
    ): this;
    cwic(method: "getInstanceId"): string;
    cwic(method: "getUserAuthStatus"): "UserAuthorized";
    /** Whether the plug-in is usable; if not, calls back. */
    cwic(method: "rebootIfBroken", restart: () => void): boolean;
    /** Logs out. Until the next `init` every other method is an error: PluginNotAvailable. */
    cwic(method: "shutdown"): void;
    cwic(method: "getMultimediaDevices"): {
      multimediadevices: CwicMultimediaDevice[];
    };
    cwic(
      method: "setRecordingDevice" | "setPlayoutDevice" | "setCaptureDevice",
      id: string | number,
    ): this | { error?: string };
    /** Calls somebody, or with the `id` of a call that rings, answers. */
    cwic(
      method: "startConversation",
      conversation?: string | number | CwicStartConversation | CwicConversation,
    ): this;
    /** Without `which`: the call of this container. */
    cwic(
      method: "updateConversation",
      update:
        | "hold"
        | "resume"
        | "mute"
        | "unmute"
        | "muteAudio"
        | "muteVideo"
        | "unmuteAudio"
        | "unmuteVideo"
        /** 3.0.4: another call's id; 11.0: a number, which is asked first. */
        | {
            transferCall: number | string | { id: number };
            completeButton?: string | object;
          }
        /** Ours: a number, or any other target, for a blind transfer. */
        | { transferTo: number | string }
        | { videoDirection: CwicVideoDirection }
        | { addRemoteVideoWindow: CwicWindow; window?: Window }
        | { removeRemoteVideoWindow: CwicWindow; window?: Window },
      which?: number | string | { id: number },
    ): this;
    /**
     * Hangs up, or declines what rings. With `true` what rings goes to voicemail
     * (`canImmediateDivert`: the server tells what waits in a mailbox).
     */
    cwic(
      method: "endConversation",
      iDivertOrWhich?: boolean | number | string | { id: number },
      which?: number | string | { id: number },
    ): this;
    cwic(
      method: "sendDTMF",
      digits: string | number,
      which?: number | string | { id: number },
    ): this;
    /** Appends a <video> of that id. */
    cwic(
      method: "createVideoWindow",
      options: {
        id: string;
        success?: (id: string) => void;
        onload?: string;
        window?: Window;
      },
    ): this;
    /** Shows our own picture, or ends that. */
    cwic(
      method: "addPreviewWindow" | "removePreviewWindow",
      options: { previewWindow: CwicWindow; window?: Window },
    ): this;
    cwic(
      method:
        | "showUserAuthorization"
        | "disableCertValidation"
        | "enableCertValidation",
      ...args: unknown[]
    ): this;
    /** Only with `compatibility: 11`. */
    cwic(method: "manualSignIn", args: CwicLoginArguments): this;
    cwic(method: "signOut", options?: { complete?: () => void }): this;
  }
}
