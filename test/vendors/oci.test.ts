import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { imageCommits } from '../../vendors/oci/image-commits.ts';
import type { Log } from '../../core/domain/ports/system.ts';
import type { Registry } from '../../schemas/changes/delivery-file.ts';

const COMMIT = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';
const LABEL = 'org.opencontainers.image.revision';

/** A registry by the OCI distribution specification, with tokens of its own, and a store for its blobs. */
class TestRegistry {
  readonly seen: string[] = [];
  labels: Record<string, string> = { [LABEL]: COMMIT };
  annotations: Record<string, string> = {};
  isDown = false;
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #store = createServer((request, response) => {
    this.seen.push(`store ${request.url} ${request.headers.authorization ?? 'anonymous'}`);
    response.end(this.#blobs().get(String(request.url).slice(1)));
  });

  async start(): Promise<void> {
    for (const server of [this.#server, this.#store])
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  }
  stop(): void {
    for (const server of [this.#server, this.#store]) {
      server.closeAllConnections();
      server.close();
    }
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Returns the config, the image manifest, and the index, by their digests. */
  #blobs(): Map<string, string> {
    const digest = (text: string) => `sha256:${hash('sha256', text)}`;
    const config = JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Labels: this.labels } });
    const attested = JSON.stringify({ architecture: 'unknown', os: 'unknown', config: {} });
    const manifest = (of: string) =>
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digest(of), size: of.length },
        layers: [],
        ...(of === config && { annotations: this.annotations }),
      });
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [attested, config].map((of) => ({
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: digest(manifest(of)),
        size: manifest(of).length,
        platform: of === config ? { architecture: 'amd64', os: 'linux' } : { architecture: 'unknown', os: 'unknown' },
      })),
    });
    return new Map(
      [config, attested, manifest(config), manifest(attested), index]
        .map((text) => [digest(text), text] as const)
        .concat([['1.4.0', index]]),
    );
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    const { authorization } = request.headers;
    this.seen.push(`${pathname} ${authorization ?? 'anonymous'}`);
    if (this.isDown) return void response.writeHead(503).end();
    if (pathname === '/token') {
      const isOurs = authorization === `Basic ${Buffer.from('ci:s3cret').toString('base64')}`;
      const scope = searchParams.get('scope');
      if (!isOurs || searchParams.get('service') !== 'registry.test') return void response.writeHead(401).end();
      return void response.end(JSON.stringify({ token: `pull ${scope}`, expires_in: 300 }));
    }
    const scope = 'repository:acme/checkout:pull';
    if (authorization !== `Bearer pull ${scope}`) {
      const challenge = `Bearer realm="${this.url}/token",service="registry.test",scope="${scope}"`;
      return void response
        .writeHead(401, { 'www-authenticate': challenge })
        .end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    }
    const [, kind, reference = ''] = /^\/v2\/acme\/checkout\/(manifests|blobs)\/(.+)$/.exec(pathname) ?? [];
    const blob = this.#blobs().get(reference);
    if (blob === undefined) return void response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    if (kind === 'blobs') {
      const { port } = this.#store.address() as AddressInfo;
      return void response.writeHead(307, { location: `http://127.0.0.1:${port}/${reference}` }).end();
    }
    const isAccepted = String(request.headers.accept).includes((JSON.parse(blob) as { mediaType: string }).mediaType);
    response.writeHead(isAccepted ? 200 : 404).end(blob);
  }
}

let registry: TestRegistry;
let problems: string[];
beforeEach(async () => {
  registry = new TestRegistry();
  problems = [];
  await registry.start();
});
afterEach(() => registry.stop());

const reader = (more: Partial<Registry> = {}, password = 's3cret') =>
  imageCommits({
    registries: async () => [
      { host: 'registry.test', url: registry.url, username: 'ci', password: 'REGISTRY_PASSWORD', ...more },
    ],
    secrets: { get: async (name) => (name === 'REGISTRY_PASSWORD' ? password : undefined) },
    log: {
      ...(Object.fromEntries(['debug', 'info', 'error'].map((level) => [level, () => undefined])) as unknown as Log),
      warn: (_, fields) => void problems.push(String(fields?.['detail'])),
    },
  });
const IMAGE = 'registry.test/acme/checkout:1.4.0';

test('the label of an image names its commit, after the registry has asked for a token', async () => {
  const images = reader();
  expect(await images.commitOf(IMAGE)).toBe(COMMIT);
  const [, token, ...others] = registry.seen;
  expect(token).toMatch(/^\/token Basic /);
  expect(others.filter((line) => line.startsWith('/token'))).toEqual([]);
  expect(others.find((line) => line.startsWith('store'))).toMatch(/ anonymous$/); // the credential stays with the registry
  const asked = registry.seen.length;
  expect(await images.commitOf(IMAGE)).toBe(COMMIT);
  expect(registry.seen).toHaveLength(asked);
});

test('an annotation of the manifest is enough', async () => {
  registry.annotations = { [LABEL]: 'a'.repeat(40) };
  expect(await reader().commitOf(IMAGE)).toBe('a'.repeat(40));
  expect(registry.seen.some((line) => line.startsWith('store'))).toBe(false);
});

test('an image without a label, or with another text in it, has no commit', async () => {
  registry.labels = { [LABEL]: 'main' };
  expect(await reader().commitOf(IMAGE)).toBeNull();
  expect(problems).toEqual([]);
});

test('registries that are not configured are never asked', async () => {
  for (const image of [
    'other.test/acme/checkout:1.4.0',
    'acme/checkout:1.4.0',
    'registry.test/acme/checkout',
    'registry.test/../x:1',
  ])
    expect(await reader().commitOf(image)).toBeUndefined();
  expect(registry.seen).toEqual([]);
});

test.each([
  ['a wrong password', () => reader({}, 'wrong'), 'gave no token for acme/checkout: 401'],
  ['an unknown tag', () => reader(), '404'],
])('%s is logged, and tried again', async (_, connect, detail) => {
  const images = connect();
  const image = detail === '404' ? 'registry.test/acme/checkout:9' : IMAGE;
  expect(await images.commitOf(image)).toBeUndefined();
  expect(problems).toEqual([expect.stringContaining(detail)]);
  expect(await images.commitOf(image)).toBeUndefined();
  expect(problems).toHaveLength(2);
});

test('a registry that is down is asked again', async () => {
  const images = reader();
  registry.isDown = true;
  expect(await images.commitOf(IMAGE)).toBeUndefined();
  registry.isDown = false;
  expect(await images.commitOf(IMAGE)).toBe(COMMIT);
});
