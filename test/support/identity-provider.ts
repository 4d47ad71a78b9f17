import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

type Claims = Readonly<Record<string, unknown>>;

/**
 * A real OpenID Connect provider, on this machine: `oidc-provider`, which is certified by the OpenID Foundation. Its
 * sign-in page accepts any password.
 */
export class IdentityProvider {
  /** Claims of its accounts, by their IDs. */
  readonly accounts = new Map<string, Claims>();
  url = '';
  readonly #server: Server = createServer();

  async start({ returnTo, secret }: { returnTo: string; secret?: string }): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const provider = new Provider(this.url, {
      clients: [
        {
          client_id: 'firebreak',
          redirect_uris: [returnTo],
          ...(secret === undefined
            ? { token_endpoint_auth_method: 'none' }
            : { client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' }),
        },
      ],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
      ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
      pkce: { required: () => true },
      cookies: { keys: ['test'] },
      jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'test' }] },
      findAccount: (_: unknown, accountId: string) => ({
        accountId,
        claims: () => ({ sub: accountId, ...this.accounts.get(accountId) }),
      }),
    });
    this.#server.on('request', provider.callback());
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Signs in at the provider like a browser, from the address of its authorization request to that of its answer. */
export async function signInAt(address: string, account: string | null, returnTo: string): Promise<string> {
  const cookies = new Map<string, string>();
  let [next, form]: [string, URLSearchParams | undefined] = [address, undefined];
  for (let step = 0; step < 12 && !next.startsWith(returnTo); step += 1) {
    const response: Response = await fetch(next, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { method: 'POST', body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s);
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    const page = location === null ? await response.text() : '';
    form = undefined;
    if (location !== null) next = new URL(location, next).href;
    else if (account === null) next = new URL(/href="([^"]*\/abort)"/.exec(page)?.[1] ?? '', next).href;
    else {
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
      if (prompt === undefined) throw new Error(`${next} answered ${response.status}: ${page.slice(0, 2000)}`);
      next = new URL(/action="([^"]+)"/.exec(page)?.[1] ?? '', next).href;
      form = new URLSearchParams({ prompt, ...(prompt === 'login' && { login: account, password: 'any' }) });
    }
  }
  return next;
}
