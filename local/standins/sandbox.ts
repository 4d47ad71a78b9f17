import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod';
import { InstantIn, millisOf } from '../../schemas/time.ts';
import { faultRule, type Faults } from './faults.ts';
import { callId, seqOf, type Journal } from './journal.ts';
import { MAILBOX, mailFault } from './mail.ts';
import { page } from './page.ts';
import { check, problem, readJson, readQuery } from './problem.ts';
import { sandboxStates, type SandboxStates } from './sandbox-state.ts';
import type { People, StandIn, StandInDeps } from './stand-in.ts';
import type { Store } from './store.ts';

export type SandboxParts = {
  store: Store;
  journal: Journal;
  faults: Faults;
  deps: StandInDeps;
  standIns: readonly StandIn[];
  /** Where each vendor's stand-in listens. */
  urls: Readonly<Record<string, string>>;
  /** By vendor, what people do there that the product is told of. */
  people: ReadonlyMap<string, People>;
};

const CallId = z.string().transform((text, context) => {
  const seq = seqOf(text);
  if (seq !== undefined) return seq;
  context.addIssue({ code: 'custom', message: `not the id of a call, which looks like call_12: ${text.slice(0, 64)}` });
  return z.NEVER;
});

const CallsQuery = (vendors: readonly string[]) =>
  z.strictObject({
    vendor: z.enum(vendors).optional(),
    since: z
      .union([CallId.transform((seq) => ({ seq })), InstantIn.transform((at) => ({ at: millisOf(at) }))], {
        error: 'since is an RFC 3339 time with an offset, or the id of a call such as call_12',
      })
      .optional(),
    limit: z.coerce.number().int().min(1).max(10_000).default(1000),
    cursor: CallId.optional(),
  });

/**
 * The routes under `/sandbox`: what the stand-ins received, and how they are made to fail. They ask for no credential,
 * so whoever mounts them serves them on loopback only.
 */
export function sandbox(parts: SandboxParts): Hono {
  const { store, deps, standIns, urls } = parts;
  const vendors = standIns.map(({ vendor }) => vendor);

  const app = new Hono();
  app.onError((error) => (error instanceof HTTPException ? error : problem(500, error.message)).getResponse());
  app.use('/sandbox/*', ownOrigin);
  app.route('/', page()); // outside a unit: the page changes nothing, and nobody waits for its files
  // Outside a unit as well: the product, which they wait for, calls the stand-ins back.
  for (const [vendor, people] of parts.people) app.route(`/sandbox/${vendor}`, people.app);
  app.use('/sandbox/*', (c, next) => store.unit(() => whole(next, () => c.error))); // also matches /sandbox itself
  app.get('/sandbox', (c) => c.json({ urls, faults: parts.faults.list().length }));
  app.route('/sandbox/state', state(sandboxStates(parts)));
  app.route('/sandbox/calls', calls(parts.journal, [...vendors, MAILBOX]));
  app.route('/sandbox/faults', faults(parts.faults, [...vendors, MAILBOX]));
  for (const { vendor, sandbox: helpers } of standIns) {
    if (helpers) app.route(`/sandbox/${vendor}`, helpers(deps));
  }
  return app;
}

/** Whole or not at all: a handler that failed half-way changes nothing. Hono keeps its error instead of throwing it. */
async function whole(next: () => Promise<void>, errorOf: () => Error | undefined): Promise<void> {
  await next();
  const error = errorOf();
  if (error && !(error instanceof HTTPException)) throw error;
}

/**
 * No other web page in the same browser may drive this one, nor one at another port of this machine. Who is no browser
 * sends neither header.
 */
const ownOrigin: MiddlewareHandler = async (c, next) => {
  const site = c.req.header('sec-fetch-site') ?? 'none';
  const origin = c.req.header('origin') ?? new URL(c.req.url).origin;
  const isOwn = (site === 'same-origin' || site === 'none') && origin === new URL(c.req.url).origin;
  if (isOwn || isNavigation(c)) return next();
  throw problem(403, 'only its own page may do this: the request comes from another web page');
};

/** Following a link to the page is fine, wherever it stands. */
const isNavigation = (c: Context): boolean =>
  c.req.method === 'GET' &&
  c.req.header('sec-fetch-mode') === 'navigate' &&
  c.req.header('sec-fetch-dest') === 'document';

function state(states: SandboxStates): Hono {
  const Query = z.strictObject({ since: z.string().max(100).optional() });
  return new Hono().get('/', (c) => {
    const now = states.since(readQuery(c, Query).since);
    const etag = `"${now.version}"`;
    const headers = { etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };
    return c.req.header('if-none-match') === etag ? c.body(null, 304, headers) : c.json(now, 200, headers);
  });
}

function calls(journal: Journal, vendors: readonly string[]): Hono {
  const Query = CallsQuery(vendors);
  return new Hono().get('/', (c) => {
    const { vendor, since, limit, cursor } = readQuery(c, Query);
    const { items, next } = journal.page({ vendor, since, limit, before: cursor });
    return c.json({ items, next_cursor: next === null ? null : callId(next) });
  });
}

function faults(inForce: Faults, vendors: readonly string[]): Hono {
  const Rule = faultRule(vendors).superRefine((rule, context) => {
    const message = mailFault(rule);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['fault'], message });
  });
  const Clear = z.strictObject({ clear: z.literal(true), vendor: z.enum(vendors).optional() });
  const list = () => ({ items: inForce.list(), next_cursor: null });

  return new Hono()
    .get('/', (c) => c.json(list()))
    .put('/', async (c) => {
      const change = await readJson(c);
      if (Array.isArray(change)) inForce.replace(check(z.array(Rule), change));
      else if (isClear(change)) inForce.clear(check(Clear, change).vendor);
      else inForce.set(check(Rule, change));
      return c.json(list());
    })
    .delete('/', (c) => {
      inForce.clear(readQuery(c, z.strictObject({ vendor: z.enum(vendors).optional() })).vendor);
      return c.json(list());
    });
}

const isClear = (change: unknown): boolean => typeof change === 'object' && change !== null && 'clear' in change;
