import type { IncomingHttpHeaders } from 'node:http';
import { serve, type EmulatedRequest, type EmulatedResponse, type Endpoint } from '../endpoint.ts';
import { decodedBody } from './body.ts';
import { internalError, noSuchKey, notImplemented, preconditionFailed, S3Error } from './errors.ts';
import { listRequest, pageOf } from './list.ts';
import { objectStore, type ObjectInfo, type ObjectStore } from './objects.ts';
import { publicFolder } from './public-folder.ts';
import { xmlDocument, type Xml } from './xml.ts';

type Target = { bucket: string; key: string };
type Store = Omit<ObjectStore, 'hold'>;
type Operation = (store: Store, target: Target, request: EmulatedRequest) => Promise<EmulatedResponse>;

/** Headers of an upload that are returned with the object, in addition to user metadata (`x-amz-meta-…`). */
const STORED_HEADERS = ['content-type', 'content-disposition', 'content-language', 'cache-control', 'expires'];
const LIST_PARAMETERS = [
  'list-type',
  'prefix',
  'delimiter',
  'max-keys',
  'continuation-token',
  'start-after',
  'fetch-owner',
];

export type LocalS3 = Endpoint & {
  /** Runs `work` while no object changes. Changes wait until `work` ends. */
  hold<T>(work: () => Promise<T>): Promise<T>;
};

/**
 * Starts an S3 emulation over a folder: CreateBucket, HeadBucket, PutObject, GetObject, HeadObject, DeleteObject,
 * ListObjectsV2, with path-style addresses only (`forcePathStyle: true`). A successful response means that the change
 * is on disk.
 *
 * @param options.dir created if missing; nothing else may write to it
 * @param options.publicFolders by bucket: stored as plain files for a web server, instead of in `dir`
 */
export async function startS3(options: {
  dir: string;
  accessKeyId: string;
  publicFolders?: Readonly<Record<string, string>>;
}): Promise<LocalS3> {
  const store = await objectStore(options.dir);
  const folders = new Map<string, Store>(
    Object.entries(options.publicFolders ?? {}).map(([bucket, folder]) => [bucket, publicFolder(folder)]),
  );
  const endpoint = await serve({
    accessKeyId: options.accessKeyId,
    handle: (request) => handle((bucket) => folders.get(bucket) ?? store, request),
    denied: xml(403, 'Error', {
      Code: 'InvalidAccessKeyId',
      Message: 'The AWS Access Key Id you provided does not exist in our records.',
    }),
  });
  return { ...endpoint, hold: store.hold };
}

async function handle(storeOf: (bucket: string) => Store, request: EmulatedRequest): Promise<EmulatedResponse> {
  try {
    const target = targetOf(request.path);
    return await operationFor(target, request)(storeOf(target.bucket), target, request);
  } catch (error) {
    return refusal(error instanceof S3Error ? error : internalError(error), request);
  }
}

function operationFor({ key }: Target, { method, query }: EmulatedRequest): Operation {
  const supported = key === '' && method === 'GET' ? LIST_PARAMETERS : [];
  const unsupported = [...query.keys()].find((name) => name !== 'x-id' && !supported.includes(name));
  if (unsupported !== undefined) throw notImplemented(`The parameter ${unsupported} of ${method}`);
  const operation = (key === '' ? bucketOperations : objectOperations)[method];
  if (operation === undefined) throw notImplemented(`${method} on ${key === '' ? 'a bucket' : 'an object'}`);
  return operation;
}

const listObjects: Operation = async (store, { bucket }, { query }) => {
  if (query.get('list-type') !== '2') throw notImplemented('ListObjects in version 1');
  const listing = listRequest(query);
  const { keys, commonPrefixes, nextToken } = pageOf(await store.keys(bucket), listing);
  const contents = await Promise.all(keys.map((key) => listEntry(store, bucket, key)));
  const entries = contents.filter((entry) => entry !== undefined);
  return xml(200, 'ListBucketResult', {
    Name: bucket,
    Prefix: listing.prefix,
    Delimiter: listing.delimiter === '' ? undefined : listing.delimiter,
    MaxKeys: listing.maxKeys,
    KeyCount: entries.length + commonPrefixes.length,
    IsTruncated: nextToken !== undefined,
    ContinuationToken: query.get('continuation-token') ?? undefined,
    NextContinuationToken: nextToken,
    StartAfter: query.get('start-after') ?? undefined,
    Contents: entries,
    CommonPrefixes: commonPrefixes.map((prefix) => ({ Prefix: prefix })),
  });
};

/** Returns undefined for an object that was deleted while the list was created. */
async function listEntry(store: Store, bucket: string, key: string): Promise<Xml | undefined> {
  try {
    const { etag, size, lastModified } = await store.info(bucket, key);
    const date = new Date(lastModified).toISOString();
    return { Key: key, LastModified: date, ETag: etag, Size: size, StorageClass: 'STANDARD' };
  } catch (error) {
    if (error instanceof S3Error && error.code === noSuchKey().code) return undefined;
    throw error;
  }
}

const bucketOperations: Readonly<Record<string, Operation>> = {
  PUT: async (store, { bucket }) => {
    await store.createBucket(bucket);
    return { status: 200, headers: { location: `/${bucket}`, 'content-length': '0' } };
  },
  HEAD: async (store, { bucket }) => {
    await store.requireBucket(bucket);
    return { status: 200 };
  },
  GET: listObjects,
};

const objectOperations: Readonly<Record<string, Operation>> = {
  PUT: async (store, { bucket, key }, { headers, body }) => {
    if (headers['x-amz-copy-source'] !== undefined) throw notImplemented('CopyObject');
    if (headers['if-match'] !== undefined) throw notImplemented('PutObject with If-Match');
    const condition = headers['if-none-match'];
    if (condition !== undefined && condition !== '*') throw notImplemented('PutObject with an ETag in If-None-Match');
    const info = await store.put(bucket, key, decodedBody(headers, body), {
      headers: storedHeaders(headers),
      onlyIfNew: condition === '*',
    });
    return { status: 200, headers: { etag: info.etag, ...checksum(info), 'content-length': '0' } };
  },
  GET: async (store, { bucket, key }, { headers }) => {
    const { info, content } = await store.get(bucket, key);
    if (isUnchanged(info, headers)) return { status: 304, headers: { etag: info.etag } };
    return { status: 200, headers: objectHeaders(info, headers), body: content };
  },
  HEAD: async (store, { bucket, key }, { headers }) => {
    const info = await store.info(bucket, key);
    if (isUnchanged(info, headers)) return { status: 304, headers: { etag: info.etag } };
    return { status: 200, headers: objectHeaders(info, headers) };
  },
  /** Also succeeds if the object doesn't exist. */
  DELETE: async (store, { bucket, key }) => {
    await store.remove(bucket, key);
    return { status: 204 };
  },
};

/**
 * Returns whether the client already has this version.
 *
 * @throws S3Error PreconditionFailed if the client requires another version
 */
function isUnchanged({ etag }: ObjectInfo, headers: IncomingHttpHeaders): boolean {
  const includesEtag = (list: string): boolean =>
    list.split(',').some((item) => ['*', etag, etag.slice(1, -1)].includes(item.trim().replace(/^W\//, '')));
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
  if (ifMatch !== undefined && !includesEtag(ifMatch)) throw preconditionFailed();
  return ifNoneMatch !== undefined && includesEtag(ifNoneMatch);
}

function storedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const stored: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') continue;
    if (STORED_HEADERS.includes(name) || name.startsWith('x-amz-meta-')) stored[name] = value;
  }
  // `aws-chunked` applies only to the upload.
  const encodings = (headers['content-encoding'] ?? '').split(',').map((encoding) => encoding.trim());
  const encoding = encodings.filter((name) => name !== '' && name !== 'aws-chunked').join(',');
  return encoding === '' ? stored : { ...stored, 'content-encoding': encoding };
}

function objectHeaders(info: ObjectInfo, headers: IncomingHttpHeaders): Record<string, string> {
  return {
    ...info.headers,
    etag: info.etag,
    'last-modified': new Date(info.lastModified).toUTCString(),
    'content-length': String(info.size),
    ...(headers['x-amz-checksum-mode'] === 'ENABLED' ? checksum(info) : {}),
  };
}

const checksum = ({ crc32 }: ObjectInfo): Record<string, string> => ({
  'x-amz-checksum-crc32': crc32,
  'x-amz-checksum-type': 'FULL_OBJECT',
});

/** @throws S3Error InvalidURI, InvalidBucketName */
function targetOf(path: string): Target {
  const [, encodedBucket = '', encodedKey = ''] = /^\/([^/]*)\/?(.*)$/.exec(path) ?? [];
  let target: Target;
  try {
    target = { bucket: decodeURIComponent(encodedBucket), key: decodeURIComponent(encodedKey) };
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.");
  }
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(target.bucket) || target.bucket.includes('..')) {
    throw new S3Error(400, 'InvalidBucketName', `The specified bucket is not valid: ${target.bucket}`);
  }
  if (Buffer.byteLength(target.key) > 1024) throw new S3Error(400, 'KeyTooLongError', 'Your key is too long');
  return target;
}

function refusal({ status, code, message }: S3Error, { method, path }: EmulatedRequest): EmulatedResponse {
  if (method === 'HEAD') return { status };
  return xml(status, 'Error', { Code: code, Message: message, Resource: path });
}

function xml(status: number, root: string, content: Xml): EmulatedResponse {
  return { status, headers: { 'content-type': 'application/xml' }, body: xmlDocument(root, content) };
}
