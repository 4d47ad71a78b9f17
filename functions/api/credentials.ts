import { isIPv6 } from 'node:net';
import type { Context, MiddlewareHandler } from 'hono';
import { sha256 } from '../../aws/hash.ts';
import type { Deps } from '../../domain/ports.ts';
import { type Allowance, type Bucket, take } from '../../domain/token-bucket.ts';
import type { Principal } from '../../schemas/access.ts';
import { millisOf } from '../../schemas/time.ts';
import { principalOf } from './authentication.ts';
import { BoundedMap } from './bounded-map.ts';
import type { Env } from './context.ts';
import { Refusal } from './problem.ts';

/** Different wrong credentials from one address, at one instance: twenty at once, and twenty a minute. */
export const WRONG: Allowance = { perSecond: 20 / 60, burst: 20 };

/** For so long, in milliseconds, the same wrong credential counts once, and is not looked up while its address is limited. */
const WRONG_KEPT_MS = 60_000;

/** Credentials of a limited address are looked up one after the other. So many may wait for that. */
export const WAITING_MAX = 16;

/** Of each kind at one instance. Of more, those are forgotten that came first. */
const REMEMBERED_MAX = 10_000;

/** Senders of alerts give up on other answers, and their alerts would be lost. */
const RECEIVERS = /^\/(v1\/alerts\/|api\/v1\/rollback$)/;

type Limited = { bucket: Bucket; afterSeconds: number; waiting: number; turn: Promise<unknown> };

/**
 * Says whose credential it is. From an address that has sent too many wrong ones, others are looked up one at a time, so
 * that neither guessing nor a broken client costs more than that. A right credential is never refused for what others at
 * its address do: one that was right before is not held up either.
 *
 * @throws Refusal 429 for a wrong one of a limited address, 503 where too many wait to be looked up
 */
export class Credentials {
  readonly #deps: Pick<Deps, 'secrets' | 'tokens' | 'clock'>;
  /** By the hash of a credential. */
  readonly #right = new BoundedMap<true>(REMEMBERED_MAX);
  /** When it was found wrong, by address and hash. */
  readonly #wrong = new BoundedMap<number>(REMEMBERED_MAX);
  /** By address. */
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
    throw tooMany(429, 'too many wrong credentials came from this address', limited.afterSeconds);
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
    const { bucket } = take(known?.bucket, WRONG, this.#now());
    // The same object: those who wait have it, too.
    const counted = known ?? { bucket, waiting: 0, turn: Promise.resolve(), afterSeconds: 0 };
    counted.bucket = bucket;
    this.#addresses.set(address, counted);
  }

  /** Undefined: it has not sent too many. */
  #limited(address: string): Limited | undefined {
    const known = this.#addresses.get(address);
    if (known === undefined) return undefined;
    const next = take(known.bucket, WRONG, this.#now());
    if (next.ok) return undefined;
    known.afterSeconds = next.afterSeconds;
    return known;
  }

  async #inTurn<T>(limited: Limited, look: () => Promise<T>): Promise<T> {
    if (limited.waiting >= WAITING_MAX)
      throw tooMany(503, 'too many credentials of this address wait to be looked up', 1);
    limited.waiting += 1;
    const mine = limited.turn.then(look);
    limited.turn = mine.catch(() => undefined);
    return mine.finally(() => {
      limited.waiting -= 1;
    });
  }

  #now = (): number => millisOf(this.#deps.clock.now());
}

/** Where a request came from. */
export type From = { address: string; isReceiver: boolean };

const tooMany = (status: 429 | 503, detail: string, seconds: number): Refusal =>
  new Refusal(status, 'too-many-failures', detail, { 'retry-after': String(Math.max(1, Math.ceil(seconds))) });

/** Every handler asks here whose credential it is, and a request asks once. */
export function credentials(deps: Deps): MiddlewareHandler<Env> {
  const known = new Credentials(deps);
  return async (c, next) => {
    const from = { address: addressOf(c), isReceiver: RECEIVERS.test(c.req.path) };
    const asked = new Map<string | undefined, Promise<Principal | undefined>>();
    c.set('principalOf', (authorization) => {
      const found = asked.get(authorization) ?? known.principalOf(authorization, from);
      asked.set(authorization, found);
      return found;
    });
    await next();
  };
}

/** As API Gateway, or the server of one machine, has seen it. Nothing that a client can write counts. */
function addressOf({ env }: Context<Env>): string {
  const { requestContext } = (env ?? {}) as { requestContext?: { http?: { sourceIp?: string } } };
  return networkOf(requestContext?.http?.sourceIp ?? '');
}

/** Of IPv6, everybody has at least a /64 to choose addresses from. */
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
