import * as z from 'zod';
import { BoundedMap } from '../../core/domain/bounded-map.ts';
import type { ImageCommits } from '../../core/domain/ports/changes.ts';
import type { Log, Secrets } from '../../core/domain/ports/system.ts';
import type { Registry } from '../../schemas/changes/delivery-file.ts';
import { partsOfImage } from '../../core/domain/changes/images.ts';
import { COMMIT } from '../shared/change-webhook.ts';
import { type HttpResponse, call, NoResponse } from '../shared/http.ts';
import { inputProblemText } from '../../schemas/parsing/input-problems.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Milliseconds for all requests about one image: a sender waits for the response to its webhook. */
const LOOKUP_MS = 4_000;

/** Manifests have at most 4 MiB by the specification; those of images have some kilobytes, and so have their configs. */
const BODY_MAX_BYTES = 1024 * 1024;

const CACHE_ITEMS_MAX = 500;
const REDIRECTS_MAX = 3;

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const REVISION_LABEL = 'org.opencontainers.image.revision';
const DIGEST = /^sha256:[0-9a-f]{64}$/;

const LabelValues = z
  .record(z.string(), z.string())
  .nullish()
  .transform((texts) => texts ?? {});
const Descriptor = z.object({ digest: z.string().regex(DIGEST) });

/** @see https://github.com/opencontainers/image-spec/blob/main/image-index.md */
const Index = z.object({
  annotations: LabelValues,
  manifests: z
    .array(
      Descriptor.extend({
        platform: z.object({ os: z.string(), architecture: z.string() }).nullish(),
        annotations: LabelValues,
      }),
    )
    .min(1)
    .max(1000),
});
/** @see https://github.com/opencontainers/image-spec/blob/main/manifest.md */
const Manifest = z.object({ annotations: LabelValues, config: Descriptor });
/** @see https://github.com/opencontainers/image-spec/blob/main/config.md */
const ImageConfig = z.object({ config: z.object({ Labels: LabelValues }).nullish() });

const Token = z.union([
  z.object({ token: z.string().min(1) }).transform(({ token }) => token),
  z.object({ access_token: z.string().min(1) }).transform(({ access_token: token }) => token),
]);

/** The lookup of one image in its registry, with the credential that the registry has accepted. */
type Session = {
  base: string;
  repository: string;
  registry: Registry;
  authorization: string | undefined;
  /** Ends the whole lookup. */
  signal: AbortSignal;
};

/**
 * Reads the commit of an image from its label `org.opencontainers.image.revision`, by the API of its registry. Calls only
 * registries in `delivery.yaml`. Logs failures: a change without its commit is recorded nevertheless.
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
  const cache = new BoundedMap<string | null>(CACHE_ITEMS_MAX);
  return {
    async commitOf(reference) {
      const parts = partsOfReference(reference);
      const registry = parts && (await registries()).find(({ host }) => host === parts.host);
      if (parts === undefined || registry === undefined) return undefined;
      const cached = cache.get(reference);
      if (cached !== undefined) return cached;
      try {
        const base = registry.url ?? `https://${parts.host === 'docker.io' ? 'registry-1.docker.io' : parts.host}`;
        const signal = AbortSignal.timeout(LOOKUP_MS);
        const session: Session = { base, repository: parts.repository, registry, authorization: undefined, signal };
        const commit = (await revisionAt(session, parts.reference, secrets)) ?? null;
        cache.set(reference, commit);
        return commit;
      } catch (error) {
        if (!(error instanceof NoResponse)) throw error;
        log.warn('the commit of an image could not be read', { image: reference, detail: error.message });
        return undefined;
      }
    },
  };
}

/** Returns the parts of an image reference. Names without a host are those of Docker Hub. */
function partsOfReference(image: string): { host: string; repository: string; reference: string } | undefined {
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

/** @throws NoResponse if the registry gives no usable response */
async function revisionAt(session: Session, reference: string, secrets: Secrets): Promise<string | undefined> {
  const first = await fetchJson(session, `manifests/${reference}`, secrets);
  const index = Index.safeParse(first);
  if (index.success && COMMIT.test(index.data.annotations[REVISION_LABEL] ?? ''))
    return index.data.annotations[REVISION_LABEL];
  const manifest = index.success
    ? await fetchJson(session, `manifests/${manifestDigestIn(index.data)}`, secrets)
    : first;
  const { annotations, config } = parseOrFail(Manifest, manifest);
  if (COMMIT.test(annotations[REVISION_LABEL] ?? '')) return annotations[REVISION_LABEL];
  const labels =
    parseOrFail(ImageConfig, await fetchJson(session, `blobs/${config.digest}`, secrets)).config?.Labels ?? {};
  return COMMIT.test(labels[REVISION_LABEL] ?? '') ? labels[REVISION_LABEL] : undefined;
}

/** All platforms are built from one commit. Attestations are listed as platform `unknown`. */
const manifestDigestIn = ({ manifests }: z.infer<typeof Index>): string =>
  (manifests.find(({ platform }) => platform?.os === 'linux') ?? manifests[0])?.digest ?? '';

function parseOrFail<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new NoResponse(`the registry sent an unknown format: ${inputProblemText(result.error).slice(0, 300)}`);
}

async function fetchJson(session: Session, path: string, secrets: Secrets): Promise<unknown> {
  const url = `${session.base}/v2/${session.repository}/${path}`;
  let response = await get(session, url);
  if (response.status === 401) {
    session.authorization = await authorizationFor(session, response.headers.get('www-authenticate') ?? '', secrets);
    response = await get(session, url);
  }
  if (response.status !== 200) throw new NoResponse(`GET ${url}: ${response.status}`);
  return parseJson(response.text);
}

/** Blobs can be redirected to a store. The credential is for the registry only. */
async function get({ authorization, signal }: Session, url: string): Promise<HttpResponse> {
  let [address, credential] = [url, authorization];
  for (let redirect = 0; redirect <= REDIRECTS_MAX; redirect += 1) {
    const headers = { accept: ACCEPT, ...(credential !== undefined && { authorization: credential }) };
    const response = await call(address, {
      method: 'GET',
      headers,
      timeoutMs: LOOKUP_MS,
      signal,
      maxBytes: BODY_MAX_BYTES,
    });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) return response;
    const next = URL.parse(location, address);
    if (next === null || !isAllowed(next, new URL(url))) throw new NoResponse(`GET ${url}: an invalid redirect`);
    if (next.origin !== new URL(address).origin) credential = undefined;
    address = next.href;
  }
  throw new NoResponse(`GET ${url}: too many redirects`);
}

/** A registry with TLS is never left for an address without. */
const isAllowed = (next: URL, from: URL): boolean =>
  next.protocol === 'https:' || (next.protocol === 'http:' && from.protocol === 'http:');

/** @throws NoResponse if the secret cannot be read, for example by a function that may not */
async function secretOf(secrets: Secrets, name: string): Promise<string | undefined> {
  try {
    return await secrets.get(name);
  } catch (error) {
    throw new NoResponse(`the secret ${name} cannot be read: ${String(error)}`, { cause: error });
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
    if (basic === undefined) throw new NoResponse(`${base} asks for a password, and none is set`);
    return basic;
  }
  const parameters = new Map(
    [...challenge.matchAll(/(?<!\w)(\w+)="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name.toLowerCase(), value] as const,
    ),
  );
  const realm = URL.parse(parameters.get('realm') ?? '');
  if (!/^bearer\b/i.test(challenge) || realm === null || !isAllowed(realm, new URL(base)))
    throw new NoResponse(`${base} asks for an unknown kind of credential`);
  const service = parameters.get('service');
  if (service !== undefined) realm.searchParams.set('service', service);
  realm.searchParams.set('scope', parameters.get('scope') ?? `repository:${repository}:pull`);
  const headers = basic === undefined ? {} : { authorization: basic };
  const response = await call(realm.href, { method: 'GET', headers, timeoutMs: LOOKUP_MS, signal: session.signal });
  if (response.status !== 200)
    throw new NoResponse(`${realm.origin} gave no token for ${repository}: ${response.status}`);
  return `Bearer ${parseOrFail(Token, parseJson(response.text))}`;
}
