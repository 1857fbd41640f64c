/**
 * `graceline/push`: for the service worker of an app that is woken by push.
 *
 * @example
 * import { handlePush, handleNotificationClick } from "graceline/push";
 * addEventListener("push", (event) => handlePush(event, { page: "/phone" }));
 * addEventListener("notificationclick", (event) => handleNotificationClick(event));
 */

export interface PushOptions {
  /**
   * The page that is opened when the user clicks; a URL of the worker's own origin, which may be
   * relative to the worker. Default: the worker's scope.
   */
  page?: string;
  /** Title of the notifications, such as the app's name. Default: "Incoming call" and the like. */
  title?: string;
  /** URL of an image that is shown beside it. */
  icon?: string;
}

/**
 * Takes what the account service pushed: shows who calls or has written, closes that again when
 * the call is answered elsewhere, and makes a missed call of it when the caller gives up. Pages of
 * the app that are open are told, so that a phone that slept logs in again (`phone.enablePush`).
 * What it shows is text; nothing of it is rendered.
 *
 * Returns whether the push was one of Graceline's: others are left to the app.
 *
 * Throws a TypeError if `page` is of another origin.
 */
export function handlePush(event: PushEvent, options?: PushOptions): boolean;

/**
 * Takes a click on what `handlePush` has shown: a page of the app that is open gets the focus and
 * logs in, else the page is opened, and the call rings there.
 *
 * Returns whether the notification was one of Graceline's.
 */
export function handleNotificationClick(
  event: NotificationClickEvent,
  options?: Pick<PushOptions, "page">,
): boolean;

// What is used of a service worker's scope, which the types of a page do not have.

/** @internal */
export interface PushEvent {
  readonly data: { json(): unknown } | null;
  waitUntil(work: Promise<unknown>): void;
}

/** @internal */
export interface NotificationClickEvent {
  readonly notification: { tag: string; data: any; close(): void };
  waitUntil(work: Promise<unknown>): void;
}

/** @internal */
export interface ServiceWorker {
  readonly location: { href: string; origin: string };
  readonly registration: ServiceWorkerRegistration;
  readonly clients: {
    matchAll(options: object): Promise<readonly WindowClient[]>;
    openWindow(url: string): Promise<unknown>;
  };
}

interface WindowClient {
  readonly url: string;
  postMessage(message: unknown): void;
  focus(): Promise<unknown>;
}
