import { PhoneError } from "../../js/errors/error.js";
import { invalid } from "../../js/phone/options.js";
import { Redis } from "../../pkg/libraries/redis.js";

/** For an answer of Redis, in ms. While it is away requests fail rather than gather. */
const PATIENCE = 2_000;

/**
 * @param {string} url or the path of a socket
 * @param {(message: string) => void} warn
 */
export async function connectRedis(url, warn) {
  // Not what it is, which may hold a password.
  if (!/^(rediss?:\/\/|\/)/.test(url))
    throw invalid("redis", "must be redis://…, rediss://… or /path/to/socket");
  const redis = new Redis(url, {
    connectTimeout: PATIENCE,
    commandTimeout: PATIENCE,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    lazyConnect: true,
    // Again and again, at least every two seconds.
    retryStrategy: (times) => Math.min(times * 100, 2_000),
  });
  let trouble = "";
  let isConnected = false;
  redis.on("error", ({ message }) => {
    if (isConnected && message !== trouble)
      warn(`Redis cannot be asked: ${message}.`);
    trouble = message;
  });
  redis.on("ready", () => {
    if (trouble) warn("Redis can be asked again.");
    trouble = "";
  });
  try {
    await redis.connect();
  } catch {
    redis.disconnect();
    const message = `Redis cannot be reached: ${trouble}.`;
    throw new PhoneError("eCouldNotConnect", message);
  }
  isConnected = true;
  return redis;
}
