import { createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { invalid } from "../../js/phone/options.js";
import { createLocalJWKSet, jwtVerify } from "../../pkg/libraries/jwt.js";

/** So that no other token that the same keys sign lets anybody in. */
const AUDIENCE = "graceline-account";
/** A token that lasts for ever cannot be taken back. */
const LONGEST = "1h";
/** Of a secret, in bytes (RFC 7518 §3.2). */
const SHORTEST = 32;

/**
 * Tokens of the operator's own backend (RFC 7519): `sub` is `user@domain`, `aud` is
 * `graceline-account`, and `iat` and `exp` are there.
 *
 * @param {string | undefined} jwks file of public keys (RFC 7517)
 * @param {string | undefined} secret file, for HMAC with SHA-256
 * @returns {Promise<import("./options.js").Authenticate | undefined>}
 */
export async function tokensOf(jwks, secret) {
  if (!jwks && !secret) return undefined;
  // Which algorithm counts is not the token's to say (RFC 8725 §3.1).
  const [key, algorithms] = jwks
    ? [keysIn(jwks), ["ES256", "ES384", "EdDSA", "RS256", "PS256"]]
    : [secretIn(`${secret}`), ["HS256"]];
  return async ({ token }) => {
    try {
      const { payload } = await jwtVerify(token, /** @type {any} */ (key), {
        algorithms,
        audience: AUDIENCE,
        maxTokenAge: LONGEST,
        requiredClaims: ["sub", "exp"],
      });
      const [user, domain, ...rest] = `${payload.sub}`.split("@");
      return domain && !rest.length ? { user, domain } : null;
    } catch {
      return null;
    }
  };
}

/** @param {string} file */
function keysIn(file) {
  const text = readFileSync(file, "utf8");
  try {
    return createLocalJWKSet(JSON.parse(text));
  } catch {
    throw invalid("jwks", "must be a JSON Web Key Set");
  }
}

/** @param {string} file */
function secretIn(file) {
  const secret = Buffer.from(readFileSync(file, "utf8").trim());
  if (secret.length < SHORTEST)
    throw invalid("jwt-secret", `must hold ${SHORTEST} bytes or more`);
  return createSecretKey(secret);
}
