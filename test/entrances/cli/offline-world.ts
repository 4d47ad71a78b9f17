import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** Signs states as Firebreak does, with its own key. */
export class Issuer {
  readonly #key: KeyObject;
  readonly jwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string };
  readonly kid: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    this.jwk = { kty: 'EC', crv: 'P-256', x, y };
    this.kid = createHash('sha256').update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`).digest('base64url');
  }

  get jwks(): object {
    return { keys: [{ ...this.jwk, kid: this.kid, alg: 'ES256', use: 'sig' }] };
  }

  sign(claims: object, head: object = {}): string {
    const data = [{ alg: 'ES256', kid: this.kid, typ: 'JWT', ...head }, claims].map(part).join('.');
    return `${data}.${sign('sha256', Buffer.from(data), { key: this.#key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }
}

export const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const seconds = (): number => Math.floor(Date.now() / 1000);

/** Returns the claims of a state for checkout in production: frozen, signed a minute ago, valid for an hour. */
export const frozen = (more: object = {}): Record<string, unknown> => ({
  iss: 'firebreak',
  typ: 'freeze-state',
  service: 'checkout',
  environment: 'production',
  allowed: false,
  verdict: 'freeze',
  reasons: [{ code: 'person', text: 'stocktaking' }],
  pinned: ['bad'],
  known_good: [{ version: 'good', commit: 'c-good' }],
  evaluated_at: new Date().toISOString(),
  next_transition_at: null,
  on_outage: 'deny',
  iat: seconds() - 60,
  exp: seconds() + 3600,
  ...more,
});

export const clear = (more: object = {}): Record<string, unknown> =>
  frozen({ allowed: true, verdict: 'allow', reasons: [{ code: 'clear', text: 'No freeze applies.' }], ...more });

export const inSeconds = (from: number): number => seconds() + from;
