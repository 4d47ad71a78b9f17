import type * as OpenIdClient from 'openid-client';
import { type SignIn, SignInFailed } from '../../domain/ports/access.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import type { SignInSettings } from '../../schemas/people/people.ts';
import { millisOf } from '../../schemas/time/time.ts';

/** Seconds for one call. A sign-in makes at most four. */
const TIMEOUT_SECONDS = 5;

/** Milliseconds for which a discovery document is used. */
const KEPT_MS = 10 * 60_000;

const NAME_MAX_CHARS = 128;

type Library = typeof OpenIdClient;
type Provider = { library: Library; configuration: OpenIdClient.Configuration };

/** Loads the library with the first sign-in, because only the console needs it. */
const load = (): Promise<Library> => import('openid-client');

/**
 * Signs people in with OpenID Connect: authorization code with PKCE, state, and nonce.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
 * @see https://www.rfc-editor.org/rfc/rfc9700
 */
export function signIn({ clock, secrets }: { clock: Clock; secrets: Secrets }): SignIn {
  const providers = new Map<string, { provider: Provider; at: number }>();

  async function providerOf(settings: SignInSettings): Promise<Provider> {
    const secret = await secrets.get('FIREBREAK_OIDC_CLIENT_SECRET');
    const key = JSON.stringify([settings.issuer, settings.clientId, secret]);
    const now = millisOf(clock.now());
    const known = providers.get(key);
    if (known !== undefined && now - known.at < KEPT_MS) return known.provider;
    const provider = await discover(settings, secret);
    providers.clear(); // one issuer at a time
    providers.set(key, { provider, at: now });
    return provider;
  }

  return {
    async begin(settings, returnTo) {
      return explained(settings, async () => {
        const { library, configuration } = await providerOf(settings);
        const stored = {
          state: library.randomState(),
          nonce: library.randomNonce(),
          verifier: library.randomPKCECodeVerifier(),
        };
        const url = library.buildAuthorizationUrl(configuration, {
          redirect_uri: returnTo,
          scope: settings.scopes.join(' '),
          state: stored.state,
          nonce: stored.nonce,
          code_challenge: await library.calculatePKCECodeChallenge(stored.verifier),
          code_challenge_method: 'S256',
        });
        return { url: url.href, signIn: stored };
      });
    },

    async finish(settings, returned, { state, nonce, verifier }) {
      return explained(settings, async () => {
        const { library, configuration } = await providerOf(settings);
        const tokens = await library.authorizationCodeGrant(configuration, returned, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const inToken = tokens.claims();
        if (inToken === undefined) throw new SignInFailed('the identity provider sent no ID token', true);
        const hasAll = inToken['email'] !== undefined && inToken[settings.groupsClaim] !== undefined;
        const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined;
        const userInfo =
          hasAll || !hasMore ? {} : await library.fetchUserInfo(configuration, tokens.access_token, inToken.sub);
        return signedIn(settings, { ...userInfo, ...inToken });
      });
    },
  };
}

async function discover({ issuer, clientId }: SignInSettings, secret: string | undefined): Promise<Provider> {
  const library = await load();
  const overHttp = issuer.startsWith('http:');
  const configuration = await library.discovery(new URL(issuer), clientId, {}, authenticationOf(library, secret), {
    timeout: TIMEOUT_SECONDS,
    // The signature of the ID token is checked as well, although TLS protects the answer that contains it.
    // oxlint-disable-next-line typescript/no-deprecated -- marked so that it stands out; only for an issuer on this machine
    execute: [library.enableNonRepudiationChecks, ...(overHttp ? [library.allowInsecureRequests] : [])],
  });
  return { library, configuration };
}

/** Authenticates as the provider's discovery document permits. Without a secret, the client is a public one. */
function authenticationOf(library: Library, secret: string | undefined): OpenIdClient.ClientAuth {
  if (!secret) return library.None();
  const [basic, post] = [library.ClientSecretBasic(secret), library.ClientSecretPost(secret)];
  return (server, ...rest) => {
    // Providers that list no methods support this one.
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return (methods.includes('client_secret_basic') ? basic : post)(server, ...rest);
  };
}

function signedIn(settings: SignInSettings, claims: Readonly<Record<string, unknown>> & { sub: string }) {
  const { email, email_verified: verified, name, preferred_username: account } = claims;
  // Some providers send the text "true".
  const identifies = settings.unverifiedEmails === 'accept' || verified === true || verified === 'true';
  const groups = [claims[settings.groupsClaim] ?? []].flat().filter((one) => typeof one === 'string');
  const shown = [name, account].find((one): one is string => typeof one === 'string' && one.trim() !== '');
  return {
    issuer: settings.issuer,
    subject: claims.sub,
    email: typeof email === 'string' && email !== '' && identifies ? email.toLowerCase() : null,
    name: shown?.slice(0, NAME_MAX_CHARS) ?? null,
    groups: [...new Set(groups)].filter((group) => Object.hasOwn(settings.groups, group)),
  };
}

async function explained<T>({ issuer }: SignInSettings, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof SignInFailed) throw error;
    const library = await load();
    const { host } = new URL(issuer);
    if (error instanceof library.AuthorizationResponseError)
      throw new SignInFailed(`${host} refused the sign-in: ${error.error_description ?? error.error}`, true);
    if (error instanceof library.ResponseBodyError || error instanceof library.WWWAuthenticateChallengeError) {
      const why = error instanceof library.ResponseBodyError ? (error.error_description ?? error.error) : error.message;
      throw new SignInFailed(
        `${host} refused Firebreak: ${why}; check "clientId" of signIn in people.yaml, and FIREBREAK_OIDC_CLIENT_SECRET`,
        true,
      );
    }
    if (error instanceof library.ClientError || error instanceof TypeError) {
      const { code } = error as { code?: unknown };
      const isAnswer = typeof code === 'string' && !/TIMEOUT|HTTP_REQUEST|RESPONSE_IS_NOT/.test(code);
      const text = [error.message, ...(error.cause instanceof Error ? [error.cause.message] : [])].join(': ');
      throw new SignInFailed(
        isAnswer ? `the answer of ${host} is not valid: ${text}` : `${host} could not be asked: ${text}`,
        isAnswer,
      );
    }
    throw error;
  }
}
