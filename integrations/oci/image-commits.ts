import * as z from 'zod';
import type { ImageCommits } from '../../domain/ports/changes.ts';
import type { Log, Secrets } from '../../domain/ports/system.ts';
import type { Registry } from '../../schemas/delivery/delivery-file.ts';
import { partsOfImage } from '../../domain/changes/images.ts';
import { COMMIT } from '../shared/change-webhook.ts';
import { type Answer, call, json, NoAnswer } from '../shared/http.ts';

/** Milliseconds for all requests about one image: a sender waits for the answer to its webhook. */
const LOOKUP_MS = 4_000;

/** Manifests have at most 4 MiB by the specification; those of images have some kilobytes, and so have their configs. */
const BODY_MAX_BYTES = 1024 * 1024;

const CACHED_MAX = 500;
const REDIRECTS_MAX = 3;

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const REVISION = 'org.opencontainers.image.revision';
const DIGEST = /^sha256:[0-9a-f]{64}$/;

const Texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((texts) => texts ?? {});
const Descriptor = z.object({ digest: z.string().regex(DIGEST) });

/** @see https://github.com/opencontainers/image-spec/blob/main/image-index.md */
const Index = z.object({
  annotations: Texts,
  manifests: z
    .array(
      Descriptor.extend({
        platform: z.object({ os: z.string(), architecture: z.string() }).nullish(),
        annotations: Texts,
      }),
    )
    .min(1)
    .max(1000),
});
/** @see https://github.com/opencontainers/image-spec/blob/main/manifest.md */
const Manifest = z.object({ annotations: Texts, config: Descriptor });
/** @see https://github.com/opencontainers/image-spec/blob/main/config.md */
const ImageConfig = z.object({ config: z.object({ Labels: Texts }).nullish() });

const Token = z.union([
  z.object({ token: z.string().min(1) }).transform(({ token }) => token),
  z.object({ access_token: z.string().min(1) }).transform(({ access_token: token }) => token),
]);

/** What is asked of one registry, with the credential that it has accepted. */
type Session = {
  base: string;
  repository: string;
  registry: Registry;
  authorization: string | undefined;
  /** Ends the whole lookup. */
  signal: AbortSignal;
};

/**
 * Reads the commit of an image from its label `org.opencontainers.image.revision`, by the API of its registry. Only
 * registries in `delivery.yaml` are asked. Failures are logged: a change without its commit is recorded nevertheless.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export function imageCommits({
  registries,
  secrets,
  log,
}: {
  registries: () => Promise<readonly Registry[]>;
  secrets: Secrets;
  log: Log;
}): ImageCommits {
  const cache = new Map<string, string | null>();
  return {
    async commitOf(reference) {
      const place = placeOf(reference);
      const registry = place && (await registries()).find(({ host }) => host === place.host);
      if (place === undefined || registry === undefined) return undefined;
      const cached = cache.get(reference);
      if (cached !== undefined) return cached;
      try {
        const base = registry.url ?? `https://${place.host === 'docker.io' ? 'registry-1.docker.io' : place.host}`;
        const signal = AbortSignal.timeout(LOOKUP_MS);
        const session: Session = { base, repository: place.repository, registry, authorization: undefined, signal };
        const commit = (await revisionAt(session, place.reference, secrets)) ?? null;
        if (cache.size >= CACHED_MAX) cache.delete(cache.keys().next().value ?? '');
        cache.set(reference, commit);
        return commit;
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        log.warn('the commit of an image could not be read', { image: reference, detail: error.message });
        return undefined;
      }
    },
  };
}

/** Returns the parts of an image reference. Names without a host are those of Docker Hub. */
function placeOf(image: string): { host: string; repository: string; reference: string } | undefined {
  const { image: name, tag, digest } = partsOfImage(image);
  const [first = '', ...rest] = name.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const host = hasHost ? first : 'docker.io';
  const path = hasHost ? rest.join('/') : name;
  const repository = host === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  if (!/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(repository)) return undefined;
  const reference = digest ?? tag;
  return reference === undefined ? undefined : { host, repository, reference };
}

/** @throws NoAnswer if the registry gives no usable answer */
async function revisionAt(session: Session, reference: string, secrets: Secrets): Promise<string | undefined> {
  const first = await fetched(session, `manifests/${reference}`, secrets);
  const index = Index.safeParse(first);
  if (index.success && COMMIT.test(index.data.annotations[REVISION] ?? '')) return index.data.annotations[REVISION];
  const manifest = index.success ? await fetched(session, `manifests/${imageIn(index.data)}`, secrets) : first;
  const { annotations, config } = parsed(Manifest, manifest);
  if (COMMIT.test(annotations[REVISION] ?? '')) return annotations[REVISION];
  const labels = parsed(ImageConfig, await fetched(session, `blobs/${config.digest}`, secrets)).config?.Labels ?? {};
  return COMMIT.test(labels[REVISION] ?? '') ? labels[REVISION] : undefined;
}

/** All platforms are built from one commit. Attestations are listed as platform `unknown`. */
const imageIn = ({ manifests }: z.infer<typeof Index>): string =>
  (manifests.find(({ platform }) => platform?.os === 'linux') ?? manifests[0])?.digest ?? '';

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new NoAnswer(`the registry sent an unknown format: ${z.prettifyError(result.error).slice(0, 300)}`);
}

async function fetched(session: Session, path: string, secrets: Secrets): Promise<unknown> {
  const url = `${session.base}/v2/${session.repository}/${path}`;
  let answer = await get(session, url);
  if (answer.status === 401) {
    session.authorization = await authorizationFor(session, answer.headers.get('www-authenticate') ?? '', secrets);
    answer = await get(session, url);
  }
  if (answer.status !== 200) throw new NoAnswer(`GET ${url}: ${answer.status}`);
  return json(answer.text);
}

/** Blobs can be redirected to a store. The credential is for the registry only. */
async function get({ authorization, signal }: Session, url: string): Promise<Answer> {
  let [at, credential] = [url, authorization];
  for (let redirect = 0; redirect <= REDIRECTS_MAX; redirect += 1) {
    const headers = { accept: ACCEPT, ...(credential !== undefined && { authorization: credential }) };
    const answer = await call(at, { method: 'GET', headers, timeoutMs: LOOKUP_MS, signal, maxBytes: BODY_MAX_BYTES });
    const location = answer.headers.get('location');
    if (answer.status < 300 || answer.status > 399 || location === null) return answer;
    const next = URL.parse(location, at);
    if (next === null || !isAllowed(next, new URL(url))) throw new NoAnswer(`GET ${url}: an invalid redirect`);
    if (next.origin !== new URL(at).origin) credential = undefined;
    at = next.href;
  }
  throw new NoAnswer(`GET ${url}: too many redirects`);
}

/** A registry with TLS is never left for an address without. */
const isAllowed = (next: URL, from: URL): boolean =>
  next.protocol === 'https:' || (next.protocol === 'http:' && from.protocol === 'http:');

/** @throws NoAnswer if the secret cannot be read, for example by a function that may not */
async function secretOf(secrets: Secrets, name: string): Promise<string | undefined> {
  try {
    return await secrets.get(name);
  } catch (error) {
    throw new NoAnswer(`the secret ${name} cannot be read: ${String(error)}`, { cause: error });
  }
}

/**
 * Returns the credential that a registry asks for: a token of its authorization service, or the user's password.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
async function authorizationFor(session: Session, challenge: string, secrets: Secrets): Promise<string> {
  const { registry, repository, base } = session;
  const password = registry.password === undefined ? undefined : await secretOf(secrets, registry.password);
  const basic =
    password === undefined
      ? undefined
      : `Basic ${Buffer.from(`${registry.username ?? ''}:${password}`).toString('base64')}`;
  if (/^basic\b/i.test(challenge)) {
    if (basic === undefined) throw new NoAnswer(`${base} asks for a password, and none is set`);
    return basic;
  }
  const parameters = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name.toLowerCase(), value] as const,
    ),
  );
  const realm = URL.parse(parameters.get('realm') ?? '');
  if (!/^bearer\b/i.test(challenge) || realm === null || !isAllowed(realm, new URL(base)))
    throw new NoAnswer(`${base} asks for an unknown kind of credential`);
  const service = parameters.get('service');
  if (service !== undefined) realm.searchParams.set('service', service);
  realm.searchParams.set('scope', parameters.get('scope') ?? `repository:${repository}:pull`);
  const headers = basic === undefined ? {} : { authorization: basic };
  const answer = await call(realm.href, { method: 'GET', headers, timeoutMs: LOOKUP_MS, signal: session.signal });
  if (answer.status !== 200) throw new NoAnswer(`${realm.origin} gave no token for ${repository}: ${answer.status}`);
  return `Bearer ${parsed(Token, json(answer.text))}`;
}
