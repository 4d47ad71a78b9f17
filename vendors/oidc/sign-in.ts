import type * as OpenIdClient from 'openid-client';
import { type SignIn, SignInFailed } from '../../core/domain/ports/access.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import type { SignInSettings } from '../../schemas/people/people.ts';
import { millisOf } from '../../schemas/time/time.ts';

/** Seconds for one call. A sign-in makes at most four. */
const TIMEOUT_SECONDS = 5;

/** Milliseconds for which a discovery document is used. */
const DISCOVERY_CACHE_MS = 10 * 60_000;

const NAME_MAX_CHARS = 128;

type Library = typeof OpenIdClient;
type Provider = { library: Library; configuration: OpenIdClient.Configuration };

/** Loads the library with the first sign-in, because only the console needs it. */
const loadLibrary = (): Promise<Library> => import('openid-client');

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
    const cached = providers.get(key);
    if (cached !== undefined && now - cached.at < DISCOVERY_CACHE_MS) return cached.provider;
    const provider = await discover(settings, secret);
    providers.clear(); // one issuer at a time
    providers.set(key, { provider, at: now });
    return provider;
  }

  return {
    async begin(settings, returnTo) {
      return withReadableErrors(settings, async () => {
        const { library, configuration } = await providerOf(settings);
        const secretsOfSignIn = {
          state: library.randomState(),
          nonce: library.randomNonce(),
          verifier: library.randomPKCECodeVerifier(),
        };
        const url = library.buildAuthorizationUrl(configuration, {
          redirect_uri: returnTo,
          scope: settings.scopes.join(' '),
          state: secretsOfSignIn.state,
          nonce: secretsOfSignIn.nonce,
          code_challenge: await library.calculatePKCECodeChallenge(secretsOfSignIn.verifier),
          code_challenge_method: 'S256',
        });
        return { url: url.href, signIn: secretsOfSignIn };
      });
    },

    async finish(settings, returned, { state, nonce, verifier }) {
      return withReadableErrors(settings, async () => {
        const { library, configuration } = await providerOf(settings);
        const tokens = await library.authorizationCodeGrant(configuration, returned, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const tokenClaims = tokens.claims();
        if (tokenClaims === undefined) throw new SignInFailed('the identity provider sent no ID token', true);
        const hasAll = tokenClaims['email'] !== undefined && tokenClaims[settings.groupsClaim] !== undefined;
        const hasUserInfo = configuration.serverMetadata().userinfo_endpoint !== undefined;
        const userInfo =
          hasAll || !hasUserInfo
            ? {}
            : await library.fetchUserInfo(configuration, tokens.access_token, tokenClaims.sub);
        return personOf(settings, { ...userInfo, ...tokenClaims });
      });
    },
  };
}

async function discover({ issuer, clientId }: SignInSettings, secret: string | undefined): Promise<Provider> {
  const library = await loadLibrary();
  const overHttp = issuer.startsWith('http:');
  const configuration = await library.discovery(new URL(issuer), clientId, {}, authenticationOf(library, secret), {
    timeout: TIMEOUT_SECONDS,
    // The signature of the ID token is checked as well, although TLS protects the response that contains it.
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

function personOf(settings: SignInSettings, claims: Readonly<Record<string, unknown>> & { sub: string }) {
  const { email, email_verified: verified, name, preferred_username: account } = claims;
  // OpenID Connect defines a boolean. A text may be one that the user chose.
  const isEmailAccepted = settings.unverifiedEmails === 'accept' || verified === true;
  const groups = [claims[settings.groupsClaim] ?? []].flat().filter((value) => typeof value === 'string');
  const displayName = [name, account].find(
    (value): value is string => typeof value === 'string' && value.trim() !== '',
  );
  return {
    issuer: settings.issuer,
    subject: claims.sub,
    email: typeof email === 'string' && email !== '' && isEmailAccepted ? email.toLowerCase() : null,
    name: displayName?.slice(0, NAME_MAX_CHARS) ?? null,
    groups: [...new Set(groups)].filter((group) => Object.hasOwn(settings.groups, group)),
  };
}

async function withReadableErrors<T>({ issuer }: SignInSettings, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SignInFailed) throw error;
    const library = await loadLibrary();
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
      const isInvalidResponse = typeof code === 'string' && !/TIMEOUT|HTTP_REQUEST|RESPONSE_IS_NOT/.test(code);
      const text = [error.message, ...(error.cause instanceof Error ? [error.cause.message] : [])].join(': ');
      throw new SignInFailed(
        isInvalidResponse ? `the response of ${host} is not valid: ${text}` : `${host} could not be reached: ${text}`,
        isInvalidResponse,
      );
    }
    throw error;
  }
}
