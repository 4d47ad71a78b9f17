import { randomBytes } from 'node:crypto';
import { type Context, type Hono } from 'hono';
import { html } from 'hono/html';
import { sha256 } from '../../core/stores/hash.ts';
import { authorize } from '../../core/domain/access/access.ts';
import { actorMay, actorOfSignedIn } from '../../core/domain/people/people.ts';
import { RETURN_PATH, SignInFailed, type Sessions } from '../../core/domain/ports/access.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Session } from '../../schemas/access/session.ts';
import type { SignInSettings } from '../../schemas/people/people.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import type { Env } from '../http/context.ts';
import { credentialOf, principalOfSession } from '../http/middleware/authentication.ts';
import { plainPage } from './layout.ts';
import { type RefusedSignIn, refusedSignIns } from './refused-sign-ins.ts';
import { type Html, sentence, type Shown } from './parts.ts';
import {
  beginSession,
  forgetSession,
  formOf,
  formOfViewer,
  identifyViewer,
  storeSignIn,
  nextPage,
  takeSignIn,
} from './viewer.ts';
import type { ConsoleDeps } from './pages/page.ts';

/** Seconds for which the login link that a start prints is valid. It works once. */
const LOGIN_LINK_SECONDS = 3600;

/** The permission that each session needs: without it, no page would show anything. */
const VIEW_ACTION = 'incidents:read';

/** Registers the login, by identity provider, token, or a link that is used once, and the end of sessions. */
export function loginRoutes(web: Hono<Env>, deps: ConsoleDeps): void {
  const refuse = refusedSignIns(deps);
  providerRoutes(web, deps, refuse);
  web.get('/login', async (c) => {
    const next = nextPage(c.req.query('next'));
    return showLogin(c, deps, { next });
  });

  web.post('/login', async (c) => {
    const form = await formOf(c);
    const next = nextPage(form.get('next') ?? undefined);
    const session = await sessionByToken(deps, c, (form.get('token') ?? '').trim());
    if ('problem' in session) {
      if (session.problem !== NO_TOKEN)
        await refuse(c, {
          by: 'token',
          because: session.problem,
          ...(session.name !== undefined && { name: session.name }),
        });
      return showLogin(c, deps, { next, problem: session.problem }, 401);
    }
    await beginSession(deps, c, session);
    return c.redirect(next, 303);
  });

  // Previews and scanners open links, so the link itself does nothing: its page has a button.
  web.get('/login/link/:secret', async (c) => c.html(await plainPage(linkPage(c.req.param('secret')))));

  web.post('/login/link', async (c) => {
    const form = await formOf(c);
    const link = await deps.sessions.useLink(sha256(form.get('link') ?? ''));
    if (link === undefined || (await principalOfSession(deps, link)) === undefined) {
      const problem = 'This link was used before, or has expired. Sign in with a token.';
      await refuse(c, { by: 'link', because: problem });
      return showLogin(c, deps, { next: '/console', problem }, 401);
    }
    await beginSession(deps, c, link);
    return c.redirect('/console', 303);
  });

  web.post('/logout', identifyViewer(deps), async (c) => {
    const { form } = await formOfViewer(c);
    const { session, caller } = c.var.viewer;
    if (form.get('everywhere') === 'yes') await deps.sessions.endAll(caller.name);
    else if (session !== null) await deps.sessions.end(session);
    forgetSession(c);
    return c.redirect('/login', 303);
  });
}

/** Seconds that a sign-in at the identity provider may take. */
const PROVIDER_SIGN_IN_SECONDS = 15 * 60;

/** Registers the sign-in with the organization's identity provider. */
function providerRoutes(
  web: Hono<Env>,
  deps: ConsoleDeps,
  note: (c: Context<Env>, refused: RefusedSignIn) => Promise<void>,
): void {
  const refuse = (c: Context<Env>, because: string, name?: string) =>
    note(c, { by: 'identity provider', because, ...(name !== undefined && { name }) });
  web.get('/login/oidc', async (c) => {
    const next = nextPage(c.req.query('next'));
    const settings = await signInSettings(deps);
    if (settings === undefined || deps.publicUrl === undefined)
      return showLogin(
        c,
        deps,
        { next, problem: 'No identity provider is configured here (signIn in people.yaml).' },
        404,
      );
    try {
      const { url, signIn } = await deps.signIn.begin(settings, `${deps.publicUrl}${RETURN_PATH}`);
      storeSignIn(c, { ...signIn, next }, PROVIDER_SIGN_IN_SECONDS);
      return c.redirect(url, 302);
    } catch (error) {
      return failedLogin(c, deps, next, error);
    }
  });

  web.get(RETURN_PATH, async (c) => {
    const settings = await signInSettings(deps);
    const signIn = takeSignIn(c);
    if (settings === undefined || signIn === undefined)
      return showLogin(
        c,
        deps,
        {
          next: '/console',
          problem: `This sign-in has expired, or began in another browser or at another address. Begin again${deps.publicUrl === undefined ? '' : ` at ${deps.publicUrl}/login`}.`,
        },
        401,
      );
    const next = nextPage(signIn.next);
    try {
      const returned = new URL(`${deps.publicUrl}${RETURN_PATH}${new URL(c.req.url).search}`);
      const signedIn = await deps.signIn.finish(settings, returned, signIn);
      const found = actorOfSignedIn(await deps.config.current(), signedIn);
      if (!found.ok) {
        await refuse(c, found.because);
        return await showLogin(c, deps, { next, problem: sentence(found.because) }, 403);
      }
      const { actor } = found;
      if (!actorMay(actor, VIEW_ACTION, {}, deps.clock.now()).allowed) {
        const problem = `${actor.name} has no permission to view incidents (${VIEW_ACTION}).`;
        await refuse(c, problem, actor.name);
        return await showLogin(c, deps, { next, problem }, 403);
      }
      await beginSession(deps, c, { credential: 'person', name: actor.name, signed_in: signedIn });
      return c.redirect(next, 303);
    } catch (error) {
      if (error instanceof SignInFailed && error.refused) await refuse(c, error.message);
      return failedLogin(c, deps, next, error);
    }
  });
}

/** Returns the settings of the identity provider. Undefined: there is none, or the configuration can't be read. */
const signInSettings = async ({ config, log }: Pick<Deps, 'config' | 'log'>): Promise<SignInSettings | undefined> =>
  config.current().then(
    ({ people }) => people.signIn,
    (error: unknown) => {
      log.warn('the configuration could not be read for a sign-in', { error: String(error) });
      return undefined;
    },
  );

/** Returns the host of the identity provider, which the login page shows. */
async function providerHost(deps: Pick<Deps, 'config' | 'log'>): Promise<string | undefined> {
  const settings = await signInSettings(deps);
  return settings && new URL(settings.issuer).host;
}

async function showLogin(
  c: Context<Env>,
  deps: ConsoleDeps,
  page: { next: string; problem?: string },
  status: 200 | 401 | 403 | 404 | 502 = 200,
): Promise<Response> {
  return c.html(await plainPage(loginPage({ ...page, provider: await providerHost(deps) })), status);
}

function failedLogin(c: Context<Env>, deps: ConsoleDeps, next: string, error: unknown): Promise<Response> {
  if (!(error instanceof SignInFailed)) throw error;
  c.var.log.warn('a sign-in with the identity provider failed', { reason: error.message });
  return showLogin(c, deps, { next, problem: sentence(error.message) }, error.refused ? 401 : 502);
}

const NO_TOKEN = 'Enter a token.';

/** Returns the session that a token can begin, or why it can begin none. */
async function sessionByToken(
  deps: Pick<Deps, 'clock'>,
  c: Context<Env>,
  token: string,
): Promise<Pick<Session, 'credential' | 'name'> | { problem: string; name?: string }> {
  if (token === '') return { problem: NO_TOKEN };
  const principal = await c.var.principalOf(`Bearer ${token}`);
  if (principal === undefined) return { problem: 'This token is not valid, or has expired.' };
  if (!authorize(principal, VIEW_ACTION, {}, deps.clock.now()).allowed)
    return {
      problem: `The token ${principal.name} has no permission to view incidents (${VIEW_ACTION}).`,
      name: principal.name,
    };
  return { credential: credentialOf(token, principal), name: principal.name };
}

/** Creates a link with which one person can sign in once as `admin`. Returns its path. */
export async function createLoginLink(deps: Pick<Deps, 'clock'> & { sessions: Sessions }): Promise<string> {
  const secret = randomBytes(32).toString('base64url');
  const now = deps.clock.now();
  const until = plusSeconds(now, LOGIN_LINK_SECONDS);
  await deps.sessions.offerLink(sha256(secret), { credential: 'admin', name: 'admin', created_at: now, until });
  return `/login/link/${secret}`;
}

type LoginPage = { next: string; problem?: string; provider: string | undefined };

const loginPage = ({ next, problem, provider }: LoginPage): Shown => ({
  title: 'Sign in',
  main: html`<form class="panel login" method="post" action="/login">
    <h1>Sign in</h1>
    ${problem === undefined ? '' : html`<p class="error" role="alert" id="problem">${problem}</p>`}
    ${
      provider === undefined
        ? ''
        : html`<a class="button primary" href="/login/oidc?${new URLSearchParams({ next }).toString()}"
              >Sign in with ${provider}</a
            >
            <p class="hint">Or with a token:</p>`
    }
    <label for="token">Token</label>
    <input
      id="token"
      name="token"
      type="password"
      autocomplete="current-password"
      ${provider === undefined ? 'autofocus' : ''}
      required
      ${problem === undefined ? '' : html`aria-invalid="true" aria-describedby="problem"`}
    />
    <input type="hidden" name="next" value="${next}" />
    <button class="${provider === undefined ? 'primary' : ''}">
      Sign in${provider === undefined ? '' : ' with the token'}
    </button>
    <p class="hint">
      The console allows what the token allows. Create one with <code>firebreak token create</code>. On one machine, the
      first token is <code>FIREBREAK_ADMIN_TOKEN</code> in <code>tokens.json</code> of the data folder
      (<code>.firebreak</code>), and <code>npm start</code> prints a link that signs you in. On AWS, it is the secret
      <code>FIREBREAK_ADMIN_TOKEN</code> of the stage.
    </p>
  </form>`,
});

const linkPage = (secret: string): Shown => ({
  title: 'Sign in',
  main: linkForm(secret),
});

const linkForm = (secret: string): Html =>
  html`<form class="panel login" method="post" action="/login/link">
    <h1>Sign in</h1>
    <p>This link signs you in as <strong>admin</strong>. It works once.</p>
    <input type="hidden" name="link" value="${secret}" />
    <button class="primary" autofocus>Sign in</button>
  </form>`;
