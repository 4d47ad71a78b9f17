import { randomBytes } from 'node:crypto';
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import type { Actions } from './actions.ts';
import { DOCUMENTATION, notFound, isoSeconds } from './answers.ts';
import { deliveryRoutes, INSTALLATION_ID } from './protection.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const TOKEN_MS = 3_600_000;

/** @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app (read 2026-11) */
const APP_TOKEN_MAX_SECONDS = 600;

/** Tolerance for clock skew. */
const TOLERANCE_SECONDS = 60;

type AppToken = { header: { alg?: unknown }; claims: { iss?: unknown; iat?: unknown; exp?: unknown } };

/** Routes below `/app`, for requests authenticated as an app. The stand-in accepts any app ID and any key. */
export function appRoutes(deps: StandInDeps, actions: Actions): Hono {
  const { now } = deps;
  return new Hono()
    .use(requireAppToken(now))
    .post('/installations/:id{[0-9]+}/access_tokens', (c) => {
      if (Number(c.req.param('id')) !== INSTALLATION_ID) return notFound(c);
      const token = `ghs_${randomBytes(27).toString('base64url')}`;
      return c.json({ token, expires_at: isoSeconds(now() + TOKEN_MS), permissions: { deployments: 'write' } }, 201);
    })
    .route('/hook', deliveryRoutes(deps, actions));
}

/** Route `/repos/:owner/:repo/installation`. All repositories belong to one installation. */
export const installationRoute = ({ now }: StandInDeps): Hono =>
  new Hono().get('/', requireAppToken(now), (c) =>
    c.json({ id: INSTALLATION_ID, app_id: 1, target_type: 'Organization' }),
  );

/** Accepts only a token of the app itself. Does not verify its signature. */
const requireAppToken =
  (now: () => number): MiddlewareHandler =>
  async (c, next) => {
    const error = tokenError(tokenIn(c), now() / 1000);
    if (error === undefined) return next();
    return c.json({ message: error, documentation_url: DOCUMENTATION, status: '401' }, 401);
  };

function tokenError(token: AppToken | undefined, now: number): string | undefined {
  if (token === undefined || token.header.alg !== 'RS256' || typeof token.claims.iss !== 'string')
    return 'A JSON web token could not be decoded';
  const { iat, exp } = token.claims;
  if (typeof exp !== 'number' || exp <= now)
    return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
  if (typeof iat !== 'number' || iat > now + TOLERANCE_SECONDS)
    return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
  return exp > now + APP_TOKEN_MAX_SECONDS ? "'Expiration time' claim ('exp') is too far in the future" : undefined;
}

function tokenIn(c: Context): AppToken | undefined {
  const [header, claims, signature] = (/^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '').split(
    '.',
  );
  if (!header || !claims || !signature) return undefined;
  try {
    const [first, second] = [header, claims].map(
      (part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object,
    );
    return { header: first ?? {}, claims: second ?? {} };
  } catch {
    return undefined;
  }
}
