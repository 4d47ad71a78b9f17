import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { increment } from '../../../core/domain/incidents/metrics.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Log, Counters } from '../../../core/domain/ports/system.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import type { Env } from '../context.ts';
import { BoundedMap } from '../../../core/domain/bounded-map.ts';
import { addressOf } from './credentials.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** Responses that refuse a request for a reason that its sender has to remove, with the reason if no code is set. */
const REFUSED: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  413: 'body-too-large',
  415: 'unsupported-media-type',
  422: 'invalid',
  429: 'too-many-requests',
};

/** How many series one instance can create. Routes and reasons are few, but there can be many tokens. */
const SERIES_MAX = 1000;

/** Each refusal is logged at most once in this time, with the number of those since. */
const LOGGED_EVERY_MS = 60_000;

/** How many series have an example of what was refused, and its maximum length, so that an item can hold all. */
const EXAMPLES_MAX = 200;
const EXAMPLE_MAX_CHARS = 300;

/** What is wrong with a request itself: only the details of the response say it. */
const WRONG_REQUEST: ReadonlySet<number> = new Set([400, 422]);

/** Reason of a request that was accepted without a part of what it has, such as some of its spans. */
export const PARTLY_REFUSED = 'partly-refused';

/** A response, and the request that it may refuse. `reason`: its code. `source`: the sender or token. `detail`: what it says. */
type Answered = {
  route: string;
  status: number;
  reason?: string;
  source?: string;
  address?: string;
  detail?: string | undefined;
};

/** Counts refused requests by route, reason, and source, and logs a sample: of a series at most once a minute. */
export class Refusals {
  readonly #deps: RefusalDeps;
  readonly #series = new Set<string>();
  readonly #logged = new BoundedMap<{ at: number; since: number }>(SERIES_MAX);

  constructor(deps: RefusalDeps) {
    this.#deps = deps;
  }

  /** Counts the request if the response refuses it. */
  async count(
    log: Log,
    { route, status, reason = REFUSED[status], source = 'unknown', detail, ...more }: Answered,
  ): Promise<void> {
    // Receivers of alerts have 503 instead of 429.
    if (reason === undefined || (REFUSED[status] === undefined && ![REFUSED[429], PARTLY_REFUSED].includes(reason)))
      return;
    const refused = { route, status, reason, source: this.#sourceIn([route, reason, source]), ...more };
    this.#write(log, refused, millisOf(this.#deps.clock.now()));
    const count = increment('firebreak_http_requests_refused_total', route, reason, refused.source);
    const isWrong = WRONG_REQUEST.has(status) || reason === PARTLY_REFUSED;
    const hasExample = detail !== undefined && isWrong && this.#series.size <= EXAMPLES_MAX;
    const example = hasExample ? truncated(detail, EXAMPLE_MAX_CHARS) : undefined;
    await this.#deps.counters.add([{ ...count, ...(example !== undefined && { example }) }]);
  }

  /** Returns the source, or `other` if it would create one series too many. */
  #sourceIn([route, reason, source]: [string, string, string]): string {
    const key = [route, reason, source].join(' ');
    if (this.#series.size >= SERIES_MAX && !this.#series.has(key)) return 'other';
    this.#series.add(key);
    return source;
  }

  /** @param now Unix milliseconds */
  #write(log: Log, refused: Required<Omit<Answered, 'address' | 'detail'>>, now: number): void {
    const key = [refused.route, refused.reason, refused.source].join(' ');
    const before = this.#logged.get(key);
    if (before !== undefined && now - before.at < LOGGED_EVERY_MS) {
      before.since += 1;
      return;
    }
    log.warn('a request was refused', { ...refused, requests: (before?.since ?? 0) + 1 });
    this.#logged.set(key, { at: now, since: 0 });
  }
}

type RefusalDeps = Pick<Deps, 'clock'> & { counters: Pick<Counters, 'add'> };

/** Counts the request as one of which a part was refused. @param detail what is wrong with it */
export function refusedPartly(c: Context<Env>, detail: string): void {
  c.set('refusedAs', PARTLY_REFUSED);
  c.set('refusedFor', detail);
}

/** Counts the refused requests of an app. */
export function countRefusals(deps: RefusalDeps): MiddlewareHandler<Env> {
  const refusals = new Refusals(deps);
  return async (c, next) => {
    await next();
    const [reason, source] = [c.get('refusedAs'), c.get('source')];
    if (reason === undefined && REFUSED[c.res.status] === undefined) return;
    const route = routeOf(c);
    // A request to no route has no receiver that could miss it.
    if (route === undefined) return;
    await refusals.count(c.get('log'), {
      route,
      status: c.res.status,
      ...(reason !== undefined && { reason }),
      ...(source !== undefined && { source }),
      address: addressOf(c),
      detail: c.get('refusedFor'),
    });
  };
}

/** Returns the pattern of the request's route: the first that matches, which answers. Undefined: it has none. */
export const routeOf = (c: Context<Env>): string | undefined =>
  matchedRoutes(c)
    .map(({ path }) => path)
    .find((path) => !path.includes('*'));
