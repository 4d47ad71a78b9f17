import { randomBytes } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import * as z from 'zod';
import { Refusal } from '../../core/domain/refusal.ts';
import { sha256 } from '../../core/stores/hash.ts';
import type { Scope } from '../../core/domain/access/access.ts';
import { isActivityDue, SESSION_SECONDS } from '../../core/domain/access/sessions.ts';
import { type Actor, actorMay, actorOfSignedIn } from '../../core/domain/people/people.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Sessions } from '../../core/domain/ports/access.ts';
import type { Action, Principal } from '../../schemas/access/access.ts';
import type { Session } from '../../schemas/access/session.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import type { Env, Viewer } from '../http/context.ts';
import { principalOfSession, sameText, senderOf } from '../http/middleware/authentication.ts';
import { readForm } from '../http/middleware/body.ts';
import type { Credential } from '../http/middleware/rate-limit.ts';
import type { ConsoleDeps } from './pages/page.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Limit of forms without a session, such as that of the login. */
const FORM_MAX_BYTES = 64 * 1024;

/** Limit of forms of pages: a post-mortem has up to 80,000 characters, each of which takes up to nine bytes. */
const PAGE_FORM_MAX_BYTES = 768 * 1024;

/**
 * Identifies the viewer, by `Authorization` or by the session's cookie.
 *
 * @throws Refusal 401 unless a browser asks for a page, which is sent to the login
 */
export const identifyViewer =
  (deps: ConsoleDeps): MiddlewareHandler<Env> =>
  async (c, next) => {
    const viewer = await viewerOf(deps, c);
    if (viewer !== undefined) {
      if (viewer.session !== null) c.set('source', 'person');
      c.set('viewer', viewer);
      return next();
    }
    if (c.req.method === 'GET' && wantsPage(c)) {
      const { pathname, search } = new URL(c.req.url);
      return c.redirect(loginFor(pathname + search), 302);
    }
    throw new Refusal(401, 'unauthorized', 'you are not signed in, or your session has ended; sign in again');
  };

/** Returns the viewer with the permissions at this time. Undefined: nobody is signed in. */
export async function viewerOf(deps: ConsoleDeps, c: Context<Env>): Promise<Viewer | undefined> {
  const authorization = c.req.header('authorization');
  if (authorization !== undefined) {
    const principal = await c.var.principalOf(authorization);
    return principal && viewerFor(deps, actorOfToken(principal), null);
  }
  const id = getCookie(c, cookieName(c));
  if (id === undefined) return undefined;
  const session = await deps.sessions.find(sha256(id));
  if (session !== undefined && isActivity(c) && isActivityDue(session, deps.clock.now()))
    await deps.sessions.touch(sha256(id), session);
  if (session?.signed_in !== undefined) {
    const found = actorOfSignedIn(await deps.config.current(), session.signed_in);
    return found.ok ? viewerFor(deps, { ...found.actor, sender: `person:${found.actor.name}` }, id) : undefined;
  }
  const principal = session && (await principalOfSession(deps, session));
  return principal && viewerFor(deps, actorOfToken(principal), id);
}

/** Returns the session of a browser as the credential by which its requests are limited. */
export function sessionCredential(deps: { sessions: Sessions }, c: Context): Credential | undefined {
  const id = getCookie(c, cookieName(c));
  if (id === undefined) return undefined;
  const owner = async () => {
    const session = await deps.sessions.find(sha256(id));
    return session && `session:${session.name}`;
  };
  return { text: `session ${id}`, owner };
}

/**
 * Returns the viewer for a person or a token with its grants at this time.
 *
 * @param id of the session; null: authenticated by a bearer token
 */
function viewerFor({ clock }: Pick<Deps, 'clock'>, actor: SendingActor, id: string | null): Viewer {
  const now = clock.now(); // once, because a page asks for each item of its lists
  const decide = (action: Action, scope: Scope) => actorMay(actor, action, scope, now);
  return {
    caller: {
      name: actor.name,
      allow: (action, scope) => {
        const decision = decide(action, scope);
        if (!decision.allowed) throw new Refusal(403, 'forbidden', decision.because);
      },
    },
    may: (action, scope) => decide(action, scope).allowed,
    sender: actor.sender,
    grants: actor.grants,
    session: id === null ? null : sha256(id),
    csrfToken: id === null ? '' : sha256(`csrf token of ${id}`),
  };
}

type SendingActor = Pick<Actor, 'name' | 'grants'> & Pick<Viewer, 'sender'>;

const actorOfToken = (principal: Principal): SendingActor => ({
  name: principal.name,
  grants: [principal],
  sender: senderOf(principal),
});

const wantsPage = (c: Context): boolean => (c.req.header('accept') ?? '').includes('text/html');

/**
 * Returns whether a person did something: opened a page or sent a form. An open page that asks for its changes by itself
 * accepts only an event stream.
 */
const isActivity = (c: Context): boolean => c.req.method === 'POST' || wantsPage(c);

/** Returns the address of the login, from which the viewer returns to the requested page. */
export const loginFor = (page: string): string =>
  page === nextPage(page) && page !== '/console'
    ? `/login?${new URLSearchParams({ next: page }).toString()}`
    : '/login';

/** Returns the page after the login. Addresses outside the console are ignored, so that a link cannot lead elsewhere. */
export const nextPage = (path: string | undefined): string =>
  path !== undefined && /^\/console(?:$|[/?])[\w\-./?=&%+~]*$/.test(path) ? path : '/console';

/** Begins a session with a new ID, and ends the one that the browser had. */
export async function beginSession(
  deps: Pick<Deps, 'clock'> & { sessions: Sessions },
  c: Context,
  session: NewSession,
): Promise<void> {
  const before = getCookie(c, cookieName(c));
  if (before !== undefined) await deps.sessions.end(sha256(before));
  const id = randomBytes(32).toString('base64url');
  const now = deps.clock.now();
  const until = plusSeconds(now, SESSION_SECONDS);
  await deps.sessions.begin(sha256(id), { ...session, created_at: now, until });
  writeCookie(c, id, SESSION_SECONDS);
}

type NewSession = Pick<Session, 'credential' | 'name' | 'signed_in'>;

export const forgetSession = (c: Context): void => writeCookie(c, '', 0);

/** Part of the name of the cookie with what the browser has hidden, and how long it is kept. */
const HIDDEN_SUFFIX = '-hidden';
const HIDDEN_SECONDS = 365 * 24 * 3600;

/** Part of the name of the cookie that exists while the browser is at the identity provider. */
const SIGN_IN_SUFFIX = '-sign-in';

const PendingSignIn = z.object({ state: z.string(), nonce: z.string(), verifier: z.string(), next: z.string() });
type PendingSignIn = z.infer<typeof PendingSignIn>;

export const storeSignIn = (c: Context, signIn: PendingSignIn, seconds: number): void =>
  writeCookie(c, Buffer.from(JSON.stringify(signIn)).toString('base64url'), seconds, SIGN_IN_SUFFIX);

/** Returns what the browser has stored since the sign-in began, and deletes it there. Undefined: nothing. */
export function takeSignIn(c: Context): PendingSignIn | undefined {
  const text = Buffer.from(getCookie(c, cookieName(c, SIGN_IN_SUFFIX)) ?? '', 'base64url').toString('utf8');
  writeCookie(c, '', 0, SIGN_IN_SUFFIX);
  return PendingSignIn.safeParse(parseJson(text)).data;
}

function writeCookie(c: Context, value: string, maxAge: number, suffix = ''): void {
  setCookie(c, cookieName(c, suffix), value, {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    secure: !isLoopback(c),
    maxAge,
  });
}

/**
 * Returns the name of the session's cookie. Browsers accept the prefix `__Host-` only from https, and for this host
 * alone. On one machine the name contains the port, because cookies are shared between ports.
 */
const cookieName = (c: Context, suffix = ''): string =>
  isLoopback(c) ? `firebreak${suffix}-${new URL(`http://${hostOf(c)}`).port || '80'}` : `__Host-firebreak${suffix}`;

/** Returns what this browser has hidden, by name. */
export const hiddenBy = (c: Context): ReadonlySet<string> =>
  new Set((getCookie(c, cookieName(c, HIDDEN_SUFFIX)) ?? '').split('.').filter((name) => /^[a-z-]{1,32}$/.test(name)));

/** Hides a name in this browser from now on. */
export const hide = (c: Context, name: string): void =>
  writeCookie(c, [...new Set([...hiddenBy(c), name])].join('.'), HIDDEN_SECONDS, HIDDEN_SUFFIX);

/** Returns whether the browser is on this machine, where pages come over plain http. */
export const isLoopback = (c: Context): boolean => /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i.test(hostOf(c));

const hostOf = (c: Context): string => {
  const host = c.req.header('host') ?? '';
  return URL.canParse(`http://${host}`) ? host : 'invalid';
};

/**
 * Returns the fields of a form.
 *
 * @throws Refusal 403 if another site sent it, 400, 413
 */
export async function formOf(c: Context<Env>, maxBytes = FORM_MAX_BYTES): Promise<URLSearchParams> {
  if (!isFromOwnPage(c)) throw new Refusal(403, 'forbidden', 'this form was sent from another site');
  return readForm(c, maxBytes);
}

/** A key that each load of a page gets, so that a form of it that is sent twice is known as a repetition. */
const PAGE_KEY = /^[0-9a-f]{32}$/;

/**
 * Returns the key of a page load. A page that asks for its changes keeps its key.
 *
 * @param known key that the browser has sent
 */
export const pageKeyOf = (known: string | null): string =>
  known !== null && PAGE_KEY.test(known) ? known : randomBytes(16).toString('hex');

/**
 * Returns the viewer of a page, with the key of this page load, which the forms of the page send. Each load has another CSRF
 * token: the size of compressed pages with the same one would give it away, together with texts that others choose.
 */
export const viewerOfPage = (viewer: Viewer, pageKey: string): Viewer => ({
  ...viewer,
  csrfToken: tokenOfLoad(viewer, pageKey) + pageKey,
});

const tokenOfLoad = ({ csrfToken, session }: Viewer, pageKey: string): string =>
  session === null ? '' : sha256(csrfToken + pageKey);

/**
 * Returns the fields of a form of a signed-in viewer, without its key.
 *
 * @returns `key`: the same for each time that this form of the same page load is sent with the same fields
 * @throws Refusal 403 unless a page of the same session sent it; as for `formOf`
 */
export async function formOfViewer(c: Context<Env>): Promise<{ form: URLSearchParams; key: string }> {
  const form = await formOf(c, PAGE_FORM_MAX_BYTES);
  const { viewer } = c.var;
  const { session, csrfToken, sender } = viewer;
  const formKey = form.get('form_key') ?? '';
  const sentKey = formKey.slice(csrfToken.length);
  if (session !== null && !sameText(formKey.slice(0, csrfToken.length), tokenOfLoad(viewer, sentKey)))
    throw new Refusal(403, 'forbidden', 'this form belongs to a session that has ended; reload the page and try again');
  form.delete('form_key');
  const pageKey = pageKeyOf(sentKey);
  return { form, key: sha256(JSON.stringify([sender, c.req.path, pageKey, ...form])) };
}

/**
 * Returns whether a page of this console sent the form. Browsers send `Origin` with each form; from a page with the
 * referrer policy `no-referrer` it is `null`, and only `Sec-Fetch-Site` has the origin of the form. Programs with a bearer token send neither header, and no browser can
 * be made to.
 */
function isFromOwnPage(c: Context): boolean {
  const origin = c.req.header('origin');
  if (origin !== undefined && origin !== 'null')
    return URL.canParse(origin) && new URL(origin).host === new URL(`http://${hostOf(c)}`).host;
  const site = c.req.header('sec-fetch-site');
  return (
    site === 'same-origin' ||
    (origin === undefined && site === undefined && c.req.header('authorization') !== undefined)
  );
}
