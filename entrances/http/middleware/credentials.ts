import { isIPv6 } from 'node:net';
import type { Context, MiddlewareHandler } from 'hono';
import { sha256 } from '../../../core/stores/hash.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Tokens } from '../../../core/domain/ports/access.ts';
import type { Secrets } from '../../../core/domain/ports/system.ts';
import { type Allowance, type Bucket, takeToken } from '../../../core/domain/time/token-bucket.ts';
import type { Principal } from '../../../schemas/access/access.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { principalOf, senderOf } from './authentication.ts';
import { BoundedMap } from '../../../core/domain/bounded-map.ts';
import type { Env } from '../context.ts';
import { Refusal } from '../../../core/domain/refusal.ts';

/** Limit for different wrong credentials from one address at one instance: a burst of 20, and 20 a minute. */
export const WRONG_CREDENTIALS: Allowance = { perSecond: 20 / 60, burst: 20 };

/**
 * How long a wrong credential is remembered. Within this time it counts only once, and is not looked up again while its
 * address is limited.
 */
const WRONG_REMEMBERED_MS = 60_000;

/** How many credentials of a limited address may wait. They are looked up one at a time. */
export const WAITING_MAX = 16;

/** The size of each map at one instance. The oldest entries are removed first. */
const REMEMBERED_MAX = 10_000;

/** Alert receivers never respond with 429: senders give up on it, and their alerts would be lost. */
const RECEIVER_PATHS = /^\/(v1\/alerts\/|api\/v1\/rollback$)/;

/** An address that sent wrong credentials. */
type AddressState = {
  bucket: Bucket;
  /** Seconds until the address is within the limit again. */
  afterSeconds: number;
  /** Number of credentials that wait to be looked up. */
  waiting: number;
  /** The newest lookup in the queue: the next one begins after it. */
  lastLookup: Promise<unknown>;
};

/**
 * Looks up the principal of a credential. Credentials from an address that sent too many wrong ones are looked up one
 * at a time, which limits the cost of guessing and of broken clients. A valid credential is never refused because of
 * other requests from its address. A credential that was valid before does not wait either.
 *
 * @throws Refusal 429 for a wrong credential of a limited address, 503 if too many credentials wait to be looked up
 */
export class CredentialLookup {
  readonly #deps: Pick<Deps, 'clock' | 'config'> & { secrets: Secrets; tokens: Tokens };
  /** Valid credentials, by their hash. */
  readonly #valid = new BoundedMap<true>(REMEMBERED_MAX);
  /** When a credential was found wrong (Unix milliseconds), by address and hash. */
  readonly #wrong = new BoundedMap<number>(REMEMBERED_MAX);
  /** Addresses that sent wrong credentials. */
  readonly #addresses = new BoundedMap<AddressState>(REMEMBERED_MAX);

  constructor(deps: Pick<Deps, 'clock' | 'config'> & { secrets: Secrets; tokens: Tokens }) {
    this.#deps = deps;
  }

  async principalOf(authorization: string | undefined, origin: RequestOrigin): Promise<Principal | undefined> {
    if (authorization === undefined) return undefined;
    const hash = sha256(authorization);
    const limited = this.#limited(origin.address);
    if (limited === undefined || this.#valid.get(hash) === true) return this.#lookUp(authorization, hash, origin);
    const found = this.#isKnownAsWrong(hash, origin)
      ? undefined
      : await this.#inTurn(limited, () => this.#lookUp(authorization, hash, origin));
    if (found !== undefined || origin.isReceiver) return found;
    throw tooMany(429, 'too many requests with wrong credentials came from this address', limited.afterSeconds);
  }

  async #lookUp(authorization: string, hash: string, origin: RequestOrigin): Promise<Principal | undefined> {
    const principal = await principalOf(this.#deps, authorization);
    if (principal !== undefined) {
      this.#valid.set(hash, true);
      return principal;
    }
    this.#valid.delete(hash);
    if (!this.#isKnownAsWrong(hash, origin)) {
      this.#wrong.set(`${origin.address} ${hash}`, this.#now());
      this.#count(origin.address);
    }
    return undefined;
  }

  #isKnownAsWrong(hash: string, { address }: RequestOrigin): boolean {
    const at = this.#wrong.get(`${address} ${hash}`);
    return at !== undefined && this.#now() - at < WRONG_REMEMBERED_MS;
  }

  /** Counts a wrong credential. */
  #count(address: string): void {
    const before = this.#addresses.get(address);
    const { bucket } = takeToken(before?.bucket, WRONG_CREDENTIALS, this.#now());
    // Change the existing object, because waiting requests hold a reference to it.
    const state = before ?? { bucket, waiting: 0, lastLookup: Promise.resolve(), afterSeconds: 0 };
    state.bucket = bucket;
    this.#addresses.set(address, state);
  }

  /** Returns the state of a limited address, or undefined if the address is within the limit. */
  #limited(address: string): AddressState | undefined {
    const state = this.#addresses.get(address);
    if (state === undefined) return undefined;
    const next = takeToken(state.bucket, WRONG_CREDENTIALS, this.#now());
    if (next.ok) return undefined;
    state.afterSeconds = next.afterSeconds;
    return state;
  }

  /** Runs a lookup after the earlier ones of its address. */
  async #inTurn<T>(limited: AddressState, lookUp: () => Promise<T>): Promise<T> {
    if (limited.waiting >= WAITING_MAX)
      throw tooMany(503, 'too many credentials from this address are waiting to be checked; try again', 1);
    limited.waiting += 1;
    const lookup = limited.lastLookup.then(lookUp);
    limited.lastLookup = lookup.catch(() => undefined);
    return lookup.finally(() => {
      limited.waiting -= 1;
    });
  }

  #now = (): number => millisOf(this.#deps.clock.now());
}

/** The origin of a request. */
export type RequestOrigin = { address: string; isReceiver: boolean };

const tooMany = (status: 429 | 503, detail: string, seconds: number): Refusal =>
  new Refusal(status, 'too-many-failures', detail, { 'retry-after': String(Math.max(1, Math.ceil(seconds))) });

/** Provides `principalOf` to all handlers. Looks up each credential at most once per request. */
export function credentials(
  deps: Pick<Deps, 'clock' | 'config'> & { secrets: Secrets; tokens: Tokens },
): MiddlewareHandler<Env> {
  const lookup = new CredentialLookup(deps);
  return async (c, next) => {
    const origin = { address: addressOf(c), isReceiver: RECEIVER_PATHS.test(c.req.path) };
    const principals = new Map<string | undefined, Promise<Principal | undefined>>();
    c.set('principalOf', (authorization) => {
      const found =
        principals.get(authorization) ??
        lookup.principalOf(authorization, origin).then((principal) => {
          if (principal !== undefined) c.set('source', senderOf(principal));
          return principal;
        });
      principals.set(authorization, found);
      return found;
    });
    await next();
  };
}

/** What an app gets with a request: the source address that API Gateway or the local server saw. */
export type Sender = { requestContext: { http: { sourceIp: string } } };

/** Returns the source address. Ignores headers, which a client can forge. */
export function addressOf({ env }: Context<Env>): string {
  const { requestContext } = (env ?? {}) as Partial<Sender>;
  return networkOf(requestContext?.http?.sourceIp ?? '');
}

/**
 * Returns the address to count by: an IPv4 address, or the /64 prefix of an IPv6 address, since each client has at
 * least a /64.
 */
export function networkOf(address: string): string {
  const ipv4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (ipv4 !== undefined || !isIPv6(address)) return ipv4 ?? address;
  const [before = '', after = ''] = (address.split('%')[0] ?? '').split('::');
  const [head, tail] = [before, after].map((part) => part.split(':').filter(Boolean));
  const missing = Array.from({ length: 8 - (head?.length ?? 0) - (tail?.length ?? 0) }, () => '0');
  const groups = address.includes('::') ? [...(head ?? []), ...missing, ...(tail ?? [])] : (head ?? []);
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
