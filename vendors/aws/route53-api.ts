import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { SignatureV4 } from '@smithy/signature-v4';
import { createHash, createHmac } from 'node:crypto';
import * as z from 'zod';
import { type AwsAccess, clientSettings } from './access.ts';
import { call } from '../shared/http.ts';

/**
 * The three operations of the Route 53 API that a traffic route needs. `@aws-sdk/client-route-53` would take 90 KB of
 * each function's bundle for them; the signature and the reader of XML are those of the other AWS clients.
 *
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/ (ListResourceRecordSets, ChangeResourceRecordSets,
 * GetChange; read 2026-11)
 */
export type Route53Api = {
  /** Returns all record sets of the name and type. */
  list(zone: string, name: string, type: string, options: Options): Promise<RecordSet[]>;
  /** Replaces record sets in one transaction. `refused`: one of them is has changed since it was read, or is invalid. */
  replace(
    zone: string,
    pairs: readonly Replacement[],
    comment: string,
    options: Options,
  ): Promise<{ change: string } | { refused: string }>;
  /** Returns whether all DNS servers of Route 53 have the change. */
  isInSync(change: string, options: Options): Promise<boolean>;
};

type Options = { abortSignal: AbortSignal };

/** A weighted record set. `xml`: exactly as Route 53 returned it, so that a change keeps fields that are not read here. */
export type RecordSet = { identifier: string | null; weight: number | null; ttl: number | null; xml: string };

export type Replacement = { found: RecordSet; weight: number };

const VERSION = '2013-04-01';
const NAMESPACE = `https://route53.amazonaws.com/doc/${VERSION}/`;

/** Route 53 is global: its API is in one region. */
const REGION = 'us-east-1';
const ENDPOINT = 'https://route53.amazonaws.com';

/** The most record sets per page, and pages that fit into one attempt. A name has at most 100 weighted ones. */
const PAGE_ITEMS = 300;
const MAX_PAGES = 4;

/** Maximum characters of the comment on a change. */
export const COMMENT_MAX_CHARS = 256;

const TIMEOUT_MS = 10_000;

export function route53Api(access: AwsAccess): Route53Api {
  const sign = signerFor(access);
  const send = async (method: string, path: string, query: Record<string, string>, body: string, options: Options) => {
    const url = new URL(`${access.endpoint ?? ENDPOINT}/${VERSION}/${path}`);
    const signed = await sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port !== '' && { port: Number(url.port) }),
      path: url.pathname,
      query,
      headers: { host: url.host, ...(body !== '' && { 'content-type': 'application/xml' }) },
      body,
    });
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const { host: _, ...headers } = signed.headers;
    const init = { method, headers, ...(body !== '' && { body }), timeoutMs: TIMEOUT_MS, signal: options.abortSignal };
    const response = await call(url.href, init);
    if (response.status >= 300) throw await errorIn(response.status, response.text);
    return response.text;
  };
  return {
    async list(zone, name, type, options) {
      const found: RecordSet[] = [];
      let start: Record<string, string> = { name, type };
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const query = { ...start, maxitems: String(PAGE_ITEMS) };
        const text = await send('GET', `hostedzone/${zone}/rrset`, query, '', options);
        const { matching, nextIdentifier } = await recordSetsIn(text, name, type);
        found.push(...matching);
        if (nextIdentifier === null) return found;
        start = { name, type, identifier: nextIdentifier };
      }
      throw new Error(`${name} ${type} has more than ${PAGE_ITEMS * MAX_PAGES} record sets`);
    },
    async replace(zone, pairs, comment, options) {
      const body =
        `<?xml version="1.0" encoding="UTF-8"?><ChangeResourceRecordSetsRequest xmlns="${NAMESPACE}"><ChangeBatch>` +
        `<Comment>${escapeXml(comment)}</Comment><Changes>${pairs.map(changesFor).join('')}</Changes>` +
        '</ChangeBatch></ChangeResourceRecordSetsRequest>';
      try {
        const { id } = await changeIn(await send('POST', `hostedzone/${zone}/rrset`, {}, body, options));
        return { change: id };
      } catch (error) {
        if (error instanceof Error && error.name === 'InvalidChangeBatch') return { refused: error.message };
        throw error;
      }
    },
    async isInSync(change, options) {
      const { status } = await changeIn(await send('GET', `change/${change}`, {}, '', options));
      return status === 'INSYNC';
    },
  };
}

/**
 * Returns the changes that replace a record set only if it is still as it was found: Route 53 refuses to delete a record
 * set with other values, and then the whole batch. An UPSERT would replace a newer one.
 */
const changesFor = ({ found, weight }: Replacement): string =>
  changeElement('DELETE', found.xml) + changeElement('CREATE', found.xml.replace(WEIGHT, `<Weight>${weight}</Weight>`));

const changeElement = (action: string, xml: string): string => `<Change><Action>${action}</Action>${xml}</Change>`;

const WEIGHT = /<Weight>\d+<\/Weight>/;

const RecordSetElement = z.object({
  Name: z.string(),
  Type: z.string(),
  SetIdentifier: z.string().optional(),
  Weight: z.coerce.number().int().optional(),
  TTL: z.coerce.number().optional(),
});

const ListResponse = z.object({
  ListResourceRecordSetsResponse: z.object({
    IsTruncated: z.string(),
    NextRecordName: z.string().optional(),
    NextRecordType: z.string().optional(),
    NextRecordIdentifier: z.string().optional(),
  }),
});

/**
 * Loads the reader of XML by its first use: while SST evaluates its configuration, which includes this file, only another
 * version of the package is found.
 */
const xmlReader = () => import('@aws-sdk/xml-builder');

/** Returns the record sets with this name and type, and where the next page begins if it has more of them. */
async function recordSetsIn(
  text: string,
  name: string,
  type: string,
): Promise<{ matching: RecordSet[]; nextIdentifier: string | null }> {
  const { parseXML } = await xmlReader();
  // Record sets do not contain one another, and the values in them are escaped.
  const all = [...text.matchAll(/<ResourceRecordSet>.*?<\/ResourceRecordSet>/gs)].map(([xml]) => ({
    xml,
    found: RecordSetElement.parse((parseXML(xml) as { ResourceRecordSet: unknown }).ResourceRecordSet),
  }));
  const matching = all
    .filter(({ found }) => sameName(found.Name, name) && found.Type === type)
    .map(({ xml, found: { SetIdentifier, Weight, TTL } }) => ({
      xml,
      identifier: SetIdentifier ?? null,
      weight: Weight ?? null,
      ttl: TTL ?? null,
    }));
  const page = ListResponse.parse(parseXML(text)).ListResourceRecordSetsResponse;
  const hasMore =
    page.IsTruncated === 'true' && sameName(page.NextRecordName ?? '', name) && page.NextRecordType === type;
  return { matching, nextIdentifier: hasMore ? (page.NextRecordIdentifier ?? null) : null };
}

/** Compares names as Route 53 writes them: with a final dot, in lowercase, and `*` as an octal code. */
export const sameName = (a: string, b: string): boolean => canonical(a) === canonical(b);

const canonical = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^\*/, String.raw`\052`);

const ChangeResponse = z.object({ ChangeInfo: z.object({ Id: z.string(), Status: z.string() }) });

async function changeIn(text: string): Promise<{ id: string; status: string }> {
  const { parseXML } = await xmlReader();
  const [response] = Object.values(parseXML(text) as Record<string, unknown>);
  const { Id, Status } = ChangeResponse.parse(response).ChangeInfo;
  return { id: Id.replace('/change/', ''), status: Status };
}

const Message = z.union([z.string().transform((message) => [message]), z.array(z.string())]);
const ErrorResponse = z.union([
  z.object({ ErrorResponse: z.object({ Error: z.object({ Code: z.string(), Message: z.string().default('') }) }) }),
  z.object({ InvalidChangeBatch: z.object({ Messages: z.object({ Message }) }) }),
]);

/** Returns an error response in the form of the SDKs' errors. */
async function errorIn(status: number, text: string): Promise<Error> {
  const [name, message] = (await failureIn(text)) ?? [`HTTP ${status}`, text.slice(0, 300)];
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });
}

async function failureIn(text: string): Promise<[name: string, message: string] | undefined> {
  const { parseXML } = await xmlReader();
  try {
    const failure = ErrorResponse.parse(parseXML(text));
    return 'ErrorResponse' in failure
      ? [failure.ErrorResponse.Error.Code, failure.ErrorResponse.Error.Message]
      : ['InvalidChangeBatch', failure.InvalidChangeBatch.Messages.Message.join('; ')];
  } catch {
    return undefined; // a proxy answered, or the API has changed
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeXml = (text: string): string =>
  text
    // XML cannot contain control characters.
    .replaceAll(/[\u0000-\u001f\u007f]/g, ' ')
    .toWellFormed()
    .replaceAll(/[&<>"]/g, (character) => ESCAPES[character] ?? character);

type Signable = Parameters<SignatureV4['sign']>[0];

function signerFor(access: AwsAccess) {
  const settings = clientSettings({ ...access, region: REGION });
  const credentials = settings.credentials ?? fromNodeProviderChain({ clientConfig: { region: REGION } });
  const signer = new SignatureV4({ service: 'route53', region: REGION, credentials, sha256: Sha256 });
  return (request: Signable) => signer.sign(request);
}

type SourceData = string | ArrayBuffer | ArrayBufferView;

/** SHA-256 in the interface of the signer. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash | typeof createHmac>;

  constructor(secret?: SourceData) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: SourceData): void {
    this.#hash.update(bytesOf(data));
  }

  digest = async (): Promise<Uint8Array> => this.#hash.digest();

  reset(): void {
    throw new Error('a hash is used once');
  }
}

function bytesOf(data: SourceData): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
