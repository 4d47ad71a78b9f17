import { createLocalJWKSet, type JWSHeaderParameters, type LocalJWKSet } from 'jose';
import * as z from 'zod';
import type { Clock } from '../../core/domain/ports/system.ts';
import { isLoopbackHostname } from '../../schemas/config/endpoint.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { call, NoResponse } from '../shared/http.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Milliseconds for one call. A freeze check waits for at most two calls. */
const TIMEOUT_MS = 3_000;
const DOCUMENT_MAX_BYTES = 256 * 1024;

/** Milliseconds for which a revoked key is still accepted while the issuer responds. */
const CACHE_MS = 10 * 60_000;

/** Milliseconds for which the last response is used while the issuer doesn't respond. */
const STALE_MAX_MS = 60 * 60_000;

/**
 * Milliseconds between requests for unknown keys. An unknown key can be new, but invented key IDs must not cause a
 * request each.
 */
const UNKNOWN_KEY_PAUSE_MS = 30_000;

/** Milliseconds after a failure without another request, so that checks don't each wait for an unresponsive issuer. */
const FAILURE_CACHE_MS = 5_000;

const KEYS_MAX = 100;

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.string() });
const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(KEYS_MAX) });

/** The failure to get an issuer's keys, with its reason. */
export class NoKeys extends Error {
  override readonly name = 'NoKeys';
}

/** The published keys of an issuer. `lookUp` finds the key of a token. */
export type IssuerKeys = { lookUp: LocalJWKSet; has(header: JWSHeaderParameters): boolean };

/**
 * Creates a cache of issuers' public keys, found by OpenID Connect Discovery and kept for 10 minutes. It calls every
 * issuer that it is given, so issuers must come from the policy, never from a token.
 *
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html
 */
export function issuerKeys(clock: Clock): (issuer: string, header: JWSHeaderParameters) => Promise<IssuerKeys> {
  const issuers = new Map<string, Issuer>();
  const now = () => millisOf(clock.now());
  return (issuer, header) => {
    const cache = issuers.get(issuer) ?? new Issuer(issuer);
    issuers.set(issuer, cache);
    return cache.keysFor(header, now());
  };
}

/** An issuer and its last response. Times are milliseconds since the Unix epoch. */
class Issuer {
  readonly #name: string;
  #cached: { keys: IssuerKeys; at: number } | undefined;
  #fault: { error: Error; at: number } | undefined;
  /** Shared by concurrent callers. */
  #pending: Promise<IssuerKeys> | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  async keysFor(header: JWSHeaderParameters, now: number): Promise<IssuerKeys> {
    const cached = this.#cached;
    const age = cached === undefined ? Infinity : now - cached.at;
    if (cached !== undefined && age < (cached.keys.has(header) ? CACHE_MS : UNKNOWN_KEY_PAUSE_MS)) return cached.keys;
    try {
      return await this.#load(now);
    } catch (error) {
      if (cached !== undefined && age < STALE_MAX_MS) return cached.keys;
      throw error;
    }
  }

  #load(now: number): Promise<IssuerKeys> {
    if (this.#fault !== undefined && now - this.#fault.at < FAILURE_CACHE_MS) return Promise.reject(this.#fault.error);
    this.#pending ??= fetchKeys(this.#name)
      .then(
        (keys) => {
          this.#cached = { keys, at: now };
          this.#fault = undefined;
          return keys;
        },
        (error: Error) => {
          this.#fault = { error, at: now };
          throw error;
        },
      )
      .finally(() => (this.#pending = undefined));
    return this.#pending;
  }
}

async function fetchKeys(issuer: string): Promise<IssuerKeys> {
  const discoveryUrl = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const discovery = await fetchDocument(discoveryUrl, Discovery, issuer);
  // Otherwise, anyone who can write a file below some URL could impersonate another issuer.
  if (discovery.issuer !== issuer)
    throw new NoKeys(
      `${discoveryUrl} belongs to the issuer ${discovery.issuer.slice(0, 200)}; write the issuer exactly like this in the configuration`,
    );
  const { keys } = await fetchDocument(discovery.jwks_uri, KeySet, issuer);
  return {
    lookUp: createLocalJWKSet({ keys }),
    has: ({ kid }) => kid === undefined || keys.some((key) => key['kid'] === kid),
  };
}

async function fetchDocument<T>(url: string, schema: z.ZodType<T>, issuer: string): Promise<T> {
  const fault = faultOf(url);
  if (fault !== undefined)
    throw new NoKeys(`the keys of ${issuer} are not requested from ${url.slice(0, 200)}: ${fault}`);
  try {
    const headers = { accept: 'application/json', 'user-agent': 'firebreak' };
    const response = await call(url, { method: 'GET', headers, timeoutMs: TIMEOUT_MS, maxBytes: DOCUMENT_MAX_BYTES });
    const parsed = schema.safeParse(parseJson(response.text));
    if (response.status === 200 && parsed.success) return parsed.data;
    throw new NoKeys(
      `${url} answered ${response.status}${response.status === 200 ? ', but not in the form of OpenID Connect' : ''}`,
    );
  } catch (error) {
    if (error instanceof NoResponse) throw new NoKeys(error.message, { cause: error });
    throw error;
  }
}

/** Returns why a URL is unsafe for keys: over an unencrypted connection, an attacker could replace them. */
function faultOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return 'it is not an https URL';
  if (url.username !== '' || url.password !== '') return 'it contains a user name or a password';
  return url.protocol === 'https:' || isLoopbackHostname(url.hostname)
    ? undefined
    : 'http is allowed only for this machine';
}
