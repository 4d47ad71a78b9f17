import { createPrivateKey, type KeyObject } from 'node:crypto';
import * as z from 'zod';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { GITHUB_API_URL, type GithubOptions, NoToken, repositoryPath, request } from './rest.ts';

/** The access to GitHub: `GITHUB_API_URL`, and `GITHUB_TOKEN` or the GitHub App. Read at run time. */
export type GithubAccess = {
  /** @param tokenName the name of the secret to use exclusively */
  forRepository(repository: string, tokenName?: string): Promise<GithubOptions>;
  /** Prefers the app's token, because only the app can review its own protection rules. */
  asApp(repository: string, installation: number | null): Promise<GithubOptions>;
  /** Returns the access as the app itself, without an installation. */
  asAppWithoutInstallation(): Promise<GithubOptions>;
};

export function githubAccess({ secrets, clock }: { secrets: Secrets; clock: Clock }): GithubAccess {
  const app = appTokens({ secrets, clock });
  const optionsWith = async (token: GithubOptions['token']): Promise<GithubOptions> => ({
    apiUrl: (await secrets.get('GITHUB_API_URL')) ?? GITHUB_API_URL,
    token,
    clock,
  });
  const configuredToken = () => secrets.get('GITHUB_TOKEN');
  return {
    forRepository: (repository, tokenName) =>
      optionsWith(async (refused) =>
        tokenName === undefined
          ? (await configuredToken()) || app.ofRepository({ repository, refused })
          : secrets.get(tokenName),
      ),
    asAppWithoutInstallation: () => optionsWith(() => app.appJwt()),
    asApp: (repository, installation) =>
      optionsWith(
        async (refused) => (await app.ofRepository({ repository, known: installation, refused })) ?? configuredToken(),
      ),
  };
}

/** Milliseconds for one call: a part of the 10 s for a webhook. */
const TIMEOUT_MS = 3_000;

/**
 * GitHub refuses JWTs of an app that are valid for more than 10 minutes, or that are issued in the future by GitHub's
 * clock.
 */
const APP_TOKEN_SECONDS = 540;

const CLOCK_SKEW_SECONDS = 60;

/** Installation tokens are valid for one hour. A token with less than this time left is replaced before use. */
const VALIDITY_MIN_MS = 5 * 60_000;

/** Not cached for longer, because a reinstalled app gets a new installation ID. */
const INSTALLATION_CACHE_MS = 60 * 60_000;

const InstallationToken = z.object({ token: z.string().min(1), expires_at: z.string().transform(Date.parse) });

const Installation = z.object({ id: z.number().int() });

type App = { id: string; key: KeyObject };

/**
 * The tokens of the configured GitHub App; undefined if none is configured. All functions throw `NoToken` if GitHub
 * issues no token.
 */
type AppTokens = {
  /** Returns a JWT of the app itself, valid for a few minutes, for API calls that belong to no installation. */
  appJwt(): Promise<string | undefined>;
  /**
   * Returns a token for the installation of a repository, `owner/name`. An app that was installed again has another
   * installation than before.
   *
   * @param wanted.known the installation in a webhook. Absent or null: GitHub is asked
   * @param wanted.refused a token that GitHub no longer accepts, which is removed from the cache
   */
  ofRepository(wanted: {
    repository: string;
    known?: number | null;
    refused?: string | undefined;
  }): Promise<string | undefined>;
};

/**
 * Creates tokens from `GITHUB_APP_ID` and `GITHUB_APP_PRIVATE_KEY`: a PEM file as GitHub generates it (PKCS#1), or
 * PKCS#8. Line breaks can be written as `\n`. Tokens are cached until shortly before they expire.
 *
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
 */
function appTokens({ secrets, clock }: { secrets: Secrets; clock: Clock }): AppTokens {
  const tokens = new ExpiringCache<string>(clock);
  const installations = new ExpiringCache<number>(clock);

  async function asApp<T>(app: App, method: 'GET' | 'POST', path: string, schema: z.ZodType<T>): Promise<T> {
    const apiUrl = (await secrets.get('GITHUB_API_URL')) ?? GITHUB_API_URL;
    const options: GithubOptions = { apiUrl, token: () => signedJwt(app, clock), clock };
    return valueOrNoToken(await request(options, { method, path, schema, timeoutMs: TIMEOUT_MS }), `${method} ${path}`);
  }
  const tokenOf = (app: App, installation: number): Promise<string> =>
    tokens.get(`${app.id} ${installation}`, async () => {
      const path = `/app/installations/${installation}/access_tokens`;
      const { token, expires_at } = await asApp(app, 'POST', path, InstallationToken);
      return { value: token, until: expires_at - VALIDITY_MIN_MS };
    });
  const installationOf = (app: App, repository: string): Promise<number> =>
    installations.get(`${app.id} ${repository.toLowerCase()}`, async () => {
      const { id } = await asApp(app, 'GET', `${repositoryPath(repository)}/installation`, Installation);
      return { value: id, until: millisOf(clock.now()) + INSTALLATION_CACHE_MS };
    });
  async function tokenFor(app: App, repository: string, known: number | null): Promise<string> {
    const name = `${app.id} ${repository.toLowerCase()}`;
    const before = known ?? installations.cached(name);
    if (before !== undefined) {
      try {
        return await tokenOf(app, before);
      } catch (error) {
        if (!(error instanceof NoToken) || !error.isGone) throw error;
        installations.remove(name, before);
      }
    }
    return tokenOf(app, await installationOf(app, repository));
  }

  return {
    async appJwt() {
      const app = await configuredApp(secrets);
      return app && signedJwt(app, clock);
    },
    async ofRepository({ repository, known = null, refused }) {
      if (refused !== undefined) tokens.removeValue(refused);
      const app = await configuredApp(secrets);
      return app && tokenFor(app, repository, known);
    },
  };
}

/** Returns undefined if the ID or the key is not configured. */
async function configuredApp(secrets: Secrets): Promise<App | undefined> {
  const [id, pem] = await Promise.all([secrets.get('GITHUB_APP_ID'), secrets.get('GITHUB_APP_PRIVATE_KEY')]);
  if (!id || !pem) return undefined;
  try {
    const key = createPrivateKey(pem.replaceAll('\\n', '\n'));
    if (key.asymmetricKeyType === 'rsa') return { id: id.trim(), key };
  } catch {
    // Omit the error message, because it can quote the key.
  }
  throw new NoToken({
    kind: 'refused',
    code: 'bad_key',
    detail: 'GITHUB_APP_PRIVATE_KEY is not an RSA key; set it to the complete PEM file of the app from GitHub',
  });
}

async function signedJwt({ id, key }: App, clock: Clock): Promise<string> {
  const { SignJWT } = await import('jose'); // only apps need it
  const now = Math.floor(millisOf(clock.now()) / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(id)
    .setIssuedAt(now - CLOCK_SKEW_SECONDS)
    .setExpirationTime(now - CLOCK_SKEW_SECONDS + APP_TOKEN_SECONDS)
    .sign(key);
}

/** @throws NoToken */
function valueOrNoToken<T>(response: VendorResponse<T>, call: string): T {
  if (response.kind === 'done') return response.value;
  const detail = `GitHub issued no token for the GitHub App: ${call}: ${response.detail}`;
  // Retry: a token that was issued but not received has no effect.
  if (response.kind === 'unclear') throw new NoToken({ kind: 'later', detail, afterSeconds: null });
  if (response.kind !== 'refused') throw new NoToken({ ...response, detail });
  // Not GitHub's code, which would look like the response to the call that needs the token.
  const isGone = response.code === 'not_found';
  const hint = isGone ? '; check GITHUB_API_URL, and that the app is installed there' : '';
  throw new NoToken({ kind: 'refused', code: 'no_token', detail: detail + hint }, isGone);
}

/** A cache with expiry times in milliseconds since the Unix epoch. Concurrent requests for a value share one call. */
class ExpiringCache<T> {
  readonly #clock: Clock;
  readonly #values = new Map<string, { value: T; until: number }>();
  readonly #pending = new Map<string, Promise<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  cached(name: string): T | undefined {
    const cached = this.#values.get(name);
    return cached !== undefined && millisOf(this.#clock.now()) < cached.until ? cached.value : undefined;
  }

  /** Removes a value, unless it was replaced. */
  remove(name: string, value: T): void {
    if (this.#values.get(name)?.value === value) this.#values.delete(name);
  }

  removeValue(value: T): void {
    for (const name of this.#values.keys()) this.remove(name, value);
  }

  async get(name: string, load: () => Promise<{ value: T; until: number }>): Promise<T> {
    const cached = this.cached(name);
    if (cached !== undefined) return cached;
    const pending =
      this.#pending.get(name) ??
      load()
        .then((loaded) => {
          this.#values.set(name, loaded);
          return loaded.value;
        })
        .finally(() => this.#pending.delete(name));
    this.#pending.set(name, pending);
    return pending;
  }
}
