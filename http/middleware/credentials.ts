import { isIPv6 } from 'node:net';
import type { Context, MiddlewareHandler } from 'hono';
import { sha256 } from '../../aws/hash.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { type Allowance, type Bucket, takeToken } from '../../domain/alerts/token-bucket.ts';
import type { Principal } from '../../schemas/access/access.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { principalOf } from './authentication.ts';
import { BoundedMap } from './bounded-map.ts';
import type { Env } from '../context.ts';
import { Refusal } from '../../actions/refusal.ts';

/** Limit for different wrong credentials from one address at one instance: a burst of 20, and 20 a minute. */
export const WRONG: Allowance = { perSecond: 20 / 60, burst: 20 };

/**
 * How long a wrong credential is remembered. Within this time it counts only once, and is not looked up again while its
 * address is limited.
 */
const WRONG_KEPT_MS = 60_000;

/** How many credentials of a limited address may wait. They are looked up one at a time. */
export const WAITING_MAX = 16;

/** The size of each map at one instance. The oldest entries are removed first. */
const REMEMBERED_MAX = 10_000;

/** Alert receivers never respond with 429: senders give up on it, and their alerts would be lost. */
const RECEIVERS = /^\/(v1\/alerts\/|api\/v1\/rollback$)/;

type Limited = { bucket: Bucket; afterSeconds: number; waiting: number; turn: Promise<unknown> };

/**
 * Looks up the principal of a credential. Credentials from an address that sent too many wrong ones are looked up one
 * at a time, which limits the cost of guessing and of broken clients. A valid credential is never refused because of
 * other requests from its address. A credential that was valid before does not wait either.
 *
 * @throws Refusal 429 for a wrong credential of a limited address, 503 if too many credentials wait to be looked up
 */
export class Credentials {
  readonly #deps: Pick<Deps, 'secrets' | 'tokens' | 'clock'>;
  /** Valid credentials, by their hash. */
  readonly #right = new BoundedMap<true>(REMEMBERED_MAX);
  /** When a credential was found wrong (Unix milliseconds), by address and hash. */
  readonly #wrong = new BoundedMap<number>(REMEMBERED_MAX);
  /** Addresses that sent wrong credentials. */
  readonly #addresses = new BoundedMap<Limited>(REMEMBERED_MAX);

  constructor(deps: Pick<Deps, 'secrets' | 'tokens' | 'clock'>) {
    this.#deps = deps;
  }

  async principalOf(authorization: string | undefined, from: From): Promise<Principal | undefined> {
    if (authorization === undefined) return undefined;
    const hash = sha256(authorization);
    const limited = this.#limited(from.address);
    if (limited === undefined || this.#right.get(hash) === true) return this.#look(authorization, hash, from);
    const found = this.#isKnownAsWrong(hash, from)
      ? undefined
      : await this.#inTurn(limited, () => this.#look(authorization, hash, from));
    if (found !== undefined || from.isReceiver) return found;
    throw tooMany(429, 'too many requests with wrong credentials came from this address', limited.afterSeconds);
  }

  async #look(authorization: string, hash: string, from: From): Promise<Principal | undefined> {
    const principal = await principalOf(this.#deps, authorization);
    if (principal !== undefined) {
      this.#right.set(hash, true);
      return principal;
    }
    this.#right.delete(hash);
    if (!this.#isKnownAsWrong(hash, from)) {
      this.#wrong.set(`${from.address} ${hash}`, this.#now());
      this.#count(from.address);
    }
    return undefined;
  }

  #isKnownAsWrong(hash: string, { address }: From): boolean {
    const at = this.#wrong.get(`${address} ${hash}`);
    return at !== undefined && this.#now() - at < WRONG_KEPT_MS;
  }

  #count(address: string): void {
    const known = this.#addresses.get(address);
    const { bucket } = takeToken(known?.bucket, WRONG, this.#now());
    // Change the existing object, because waiting requests hold a reference to it.
    const counted = known ?? { bucket, waiting: 0, turn: Promise.resolve(), afterSeconds: 0 };
    counted.bucket = bucket;
    this.#addresses.set(address, counted);
  }

  /** Returns the state of a limited address, or undefined if the address is within the limit. */
  #limited(address: string): Limited | undefined {
    const known = this.#addresses.get(address);
    if (known === undefined) return undefined;
    const next = takeToken(known.bucket, WRONG, this.#now());
    if (next.ok) return undefined;
    known.afterSeconds = next.afterSeconds;
    return known;
  }

  async #inTurn<T>(limited: Limited, look: () => Promise<T>): Promise<T> {
    if (limited.waiting >= WAITING_MAX)
      throw tooMany(503, 'too many credentials from this address are waiting to be checked; try again', 1);
    limited.waiting += 1;
    const mine = limited.turn.then(look);
    limited.turn = mine.catch(() => undefined);
    return mine.finally(() => {
      limited.waiting -= 1;
    });
  }

  #now = (): number => millisOf(this.#deps.clock.now());
}

/** The origin of a request. */
export type From = { address: string; isReceiver: boolean };

const tooMany = (status: 429 | 503, detail: string, seconds: number): Refusal =>
  new Refusal(status, 'too-many-failures', detail, { 'retry-after': String(Math.max(1, Math.ceil(seconds))) });

/** Provides `principalOf` to all handlers. Looks up each credential at most once per request. */
export function credentials(deps: Pick<Deps, 'secrets' | 'tokens' | 'clock'>): MiddlewareHandler<Env> {
  const known = new Credentials(deps);
  return async (c, next) => {
    const from = { address: addressOf(c), isReceiver: RECEIVERS.test(c.req.path) };
    const principals = new Map<string | undefined, Promise<Principal | undefined>>();
    c.set('principalOf', (authorization) => {
      const found = principals.get(authorization) ?? known.principalOf(authorization, from);
      principals.set(authorization, found);
      return found;
    });
    await next();
  };
}

/** Returns the source address that API Gateway or the local server saw. Ignores headers, which a client can forge. */
export function addressOf({ env }: Context<Env>): string {
  const { requestContext } = (env ?? {}) as { requestContext?: { http?: { sourceIp?: string } } };
  return networkOf(requestContext?.http?.sourceIp ?? '');
}

/**
 * Returns the address to count by: an IPv4 address, or the /64 prefix of an IPv6 address, since each client has at
 * least a /64.
 */
export function networkOf(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined || !isIPv6(address)) return v4 ?? address;
  const [before = '', after = ''] = (address.split('%')[0] ?? '').split('::');
  const [head, tail] = [before, after].map((part) => part.split(':').filter(Boolean));
  const missing = Array.from({ length: 8 - (head?.length ?? 0) - (tail?.length ?? 0) }, () => '0');
  const groups = address.includes('::') ? [...(head ?? []), ...missing, ...(tail ?? [])] : (head ?? []);
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
