import type { Context, MiddlewareHandler } from 'hono';
import { sha256 } from '../../../core/stores/hash.ts';
import type { ApiDeps } from '../deps.ts';
import type { IdempotencyKey, Idempotency } from '../../../core/domain/ports/system.ts';
import { FEATURES } from '../../../features/index.ts';
import { readBody } from './body.ts';
import type { Env } from '../context.ts';
import { BODY_MAX_BYTES } from './i-json.ts';
import { Refusal } from '../../../core/domain/refusal.ts';

/**
 * POSTs that create something. Alert receivers are excluded: they accept a repeated notification and deduplicate it
 * later.
 */
const CREATING_PATHS = [
  /^\/v1\/(deployments|incidents|drills|tokens)$/,
  /^\/api\/annotations(\/graphite)?$/,
  /^\/v1\/incidents\/[^/]+\/(timeline|updates|actions\/hand-over)$/,
  /^\/v1\/runbooks\/[^/]+\/runs$/,
  /^\/v1\/runbooks\/runs\/[^/]+\/actions\/retry$/,
  ...FEATURES.flatMap(({ creates = [] }) => creates),
];

/** Responses that are not stored, because they contain a secret. The same one is made again. */
const HAS_SECRET = /^\/v1\/tokens$/;

/** Returns whether a POST to this path creates something. @param path also as in the API description, with `{id}` */
export const isCreating = (path: string): boolean => CREATING_PATHS.some((creating) => creating.test(path));

/** Maximum number of characters of an `Idempotency-Key`. */
export const IDEMPOTENCY_KEY_MAX_CHARS = 255;

/**
 * Implements `Idempotency-Key`: a repeated request with the same key, body, and caller gets the first response. Error
 * responses are not stored, so that the request can be retried. If the first response is unknown, because its process died
 * after it had created something, the request runs again with the same `requestKey` and `requestedAt`, from which IDs are
 * made. So does one that failed, because it may have created something.
 *
 * @throws Refusal 400 if the key is too long, 409 if the first request is in progress, 422 if the body differs
 */
export const idempotency =
  (deps: Pick<ApiDeps, 'idempotency'>): MiddlewareHandler<Env> =>
  async (c, next) => {
    const idempotencyKey = c.req.header('idempotency-key');
    if (idempotencyKey === undefined || !isCreating(c.req.path)) return next();
    if (idempotencyKey.length > IDEMPOTENCY_KEY_MAX_CHARS)
      throw new Refusal(
        400,
        'bad-idempotency-key',
        `Idempotency-Key has more than ${IDEMPOTENCY_KEY_MAX_CHARS} characters`,
      );
    const principal = await c.var.principalOf(c.req.header('authorization'));
    if (principal === undefined) return next(); // the route refuses it
    // Identify the caller by the credential: names are not unique, and tokens with the same name can have different
    // rights.
    const caller = sha256(c.req.header('authorization') ?? '');
    const key: IdempotencyKey = { principal: caller, route: c.req.path, key: idempotencyKey };
    const begun = await deps.idempotency.begin(key, sha256(await readBody(c, BODY_MAX_BYTES)));
    if (begun.kind === 'other_body')
      throw new Refusal(422, 'idempotency-key-reused', 'this Idempotency-Key was used before with a different body');
    if (begun.kind === 'running')
      throw new Refusal(
        409,
        'idempotency-key-running',
        'the first request with this Idempotency-Key is still in progress',
        { 'retry-after': '1' },
      );
    if (begun.kind === 'done')
      return c.body(begun.body, begun.status as 200, {
        'content-type': 'application/json',
        'idempotent-replayed': 'true',
      });
    c.set('requestKey', sha256(JSON.stringify([key, begun.first.nonce])));
    c.set('requestedAt', begun.first.at);
    await next();
    await deps.idempotency.end(key, await answerOf(c));
  };

/** Returns what a repeated request gets. */
async function answerOf({ req, res }: Context<Env>): Promise<Parameters<Idempotency['end']>[1]> {
  if (res.status >= 500) return 'again';
  if (res.status >= 400) return 'forget';
  return HAS_SECRET.test(req.path) ? 'again' : { status: res.status, body: await res.clone().text() };
}
