import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../local/aws/endpoint.ts';
import { startS3 } from '../../../local/aws/s3/server.ts';

const ACCESS_KEY = 'AKIATEST';
const Bucket = 'blobs';

let dir: string;
let endpoint: Endpoint;
let s3: S3Client;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 's3-'));
  endpoint = await startS3({ dir, accessKeyId: ACCESS_KEY });
  s3 = clientOf(endpoint.url);
  await s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(async () => {
  s3.destroy();
  await endpoint.close();
  await rm(dir, { recursive: true, force: true });
});

describe('objects', () => {
  test('an object is returned byte for byte, with its type, metadata, and ETag', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i % 256);
    const put = await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'evidence/1.bin',
        Body: bytes,
        ContentType: 'application/x-evidence',
        CacheControl: 'no-store',
        Metadata: { incident: 'inc-1', source: 'alertmanager' },
      }),
    );
    expect(put.ETag).toBe('"bd6270ad16e95c85d32f9a518e1f76e7"'); // md5sum of the same bytes
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'evidence/1.bin' }));
    expect(got).toMatchObject({
      ETag: put.ETag,
      ContentType: 'application/x-evidence',
      CacheControl: 'no-store',
      ContentLength: 70_000,
      Metadata: { incident: 'inc-1', source: 'alertmanager' },
    });
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Buffer.from(bytes))).toBe(true);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'evidence/1.bin' }));
    expect(head).toMatchObject({ ETag: put.ETag, ContentLength: 70_000, Metadata: { incident: 'inc-1' } });
    expect(head.LastModified?.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  test('a stream, which the SDK sends in chunks with a trailing checksum, arrives completely', async () => {
    const content = 'line of a log\n'.repeat(20_000);
    const Body = Readable.from([content.slice(0, 1000), content.slice(1000)].map((part) => Buffer.from(part)));
    await put('streamed', Body, { ContentLength: content.length, ContentEncoding: 'identity' });
    expect(await text('streamed')).toBe(content);
  });

  test('an empty object is stored', async () => {
    await put('empty', new Uint8Array());
    expect(await text('empty')).toBe('');
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'empty' }))).ContentLength).toBe(0);
  });

  test('a second put replaces the first', async () => {
    await put('again', 'a rather long first version');
    await put('again', 'second');
    expect(await text('again')).toBe('second');
  });

  test('with If-None-Match: *, only the first of many concurrent puts succeeds', async () => {
    const attempts = Array.from({ length: 10 }, (_, i) => put('only-once', `writer ${i}`, { IfNoneMatch: '*' }));
    const outcomes = await Promise.allSettled(attempts);
    const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [`writer ${i}`] : []));
    expect(winners).toEqual([await text('only-once')]);
    await expect(put('only-once', 'late', { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
  });

  test('a conditional read of the same version returns 304', async () => {
    const { ETag } = await put('cached', 'content');
    const get = (condition: object) => s3.send(new GetObjectCommand({ Bucket, Key: 'cached', ...condition }));
    await expect(get({ IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
    await expect(get({ IfNoneMatch: '"other"' })).resolves.toMatchObject({ ETag });
    await expect(get({ IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(get({ IfMatch: ETag })).resolves.toMatchObject({ ETag });
  });

  test('a missing object is reported by GET and HEAD, and deleting it succeeds', async () => {
    const Key = 'never-written';
    await expect(s3.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({
      name: 'NoSuchKey',
      message: 'The specified key does not exist.',
      $metadata: { httpStatusCode: 404 },
    });
    await expect(s3.send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NotFound' });
    await put(Key, 'now it is');
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await expect(s3.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NoSuchKey' });
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  });

  const keys = [
    '../../outside',
    '..',
    '.',
    'a/../b',
    'a//b',
    '/leading',
    'trailing/',
    '.unfinished/x',
    'Case',
    'case',
    'with space + plus & ampersand ? question # hash %2F percent',
    'größe/日本語/🔥',
    'new\nline',
    '\u00e9'.repeat(512), // 1,024 bytes, the maximum of S3
    'x'.repeat(199),
    'x'.repeat(200),
    'x'.repeat(201),
    'x'.repeat(401),
  ].map((Key) => ({ Key, length: Key.length, beginning: Key.slice(0, 60) }));
  test.each(keys)(
    'the key $beginning ($length) is distinct from others and stays within the folder',
    async ({ Key }) => {
      const content = randomUUID();
      await put(Key, content);
      expect(await text(Key)).toBe(content);
      expect((await readdir(join(dir, '..'))).includes('outside')).toBe(false);
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
      expect(Contents.map((object) => object.Key)).toContain(Key);
    },
  );

  test('a key can be the beginning of another', async () => {
    await put('deep/er/est', 'third');
    await put('deep', 'first');
    await put('deep/er', 'second');
    expect([await text('deep'), await text('deep/er'), await text('deep/er/est')]).toEqual([
      'first',
      'second',
      'third',
    ]);
  });

  test('keys above 1,024 bytes are refused', async () => {
    await expect(put('k'.repeat(1025), 'x')).rejects.toMatchObject({ name: 'KeyTooLongError' });
  });
});

describe('lists', () => {
  const names = ['a/1', 'a/2', 'a/deep/1', 'b', 'c/1', 'd'];
  beforeAll(async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'listed' }));
    for (const Key of names) await s3.send(new PutObjectCommand({ Bucket: 'listed', Key, Body: Key }));
  });
  const list = (more: object = {}) => s3.send(new ListObjectsV2Command({ Bucket: 'listed', ...more }));

  test('keys are sorted, with size and ETag', async () => {
    const { Contents = [], IsTruncated, KeyCount } = await list();
    expect(Contents.map(({ Key }) => Key)).toEqual(names);
    expect(Contents[0]).toMatchObject({ Size: 3, ETag: '"32a390517fcc6e43df5fc5f2c94699e1"' });
    expect([IsTruncated, KeyCount]).toEqual([false, 6]);
  });

  test('a prefix and a delimiter select one level, as in folders', async () => {
    const root = await list({ Delimiter: '/' });
    expect(root.Contents?.map(({ Key }) => Key)).toEqual(['b', 'd']);
    expect(root.CommonPrefixes).toEqual([{ Prefix: 'a/' }, { Prefix: 'c/' }]);
    const below = await list({ Prefix: 'a/', Delimiter: '/' });
    expect(below.Contents?.map(({ Key }) => Key)).toEqual(['a/1', 'a/2']);
    expect(below.CommonPrefixes).toEqual([{ Prefix: 'a/deep/' }]);
  });

  test.each([1, 2, 3, 5, 6])('pages of %i together are complete', async (pageSize) => {
    const flat: string[] = [];
    for await (const page of paginateListObjectsV2({ client: s3, pageSize }, { Bucket: 'listed' })) {
      expect(page.Contents?.length).toBeLessThanOrEqual(pageSize);
      flat.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
    }
    expect(flat).toEqual(names);
    const folded: string[] = [];
    for await (const page of paginateListObjectsV2({ client: s3, pageSize }, { Bucket: 'listed', Delimiter: '/' })) {
      folded.push(
        ...(page.Contents ?? []).map(({ Key = '' }) => Key),
        ...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix),
      );
    }
    expect(folded.sort()).toEqual(['a/', 'b', 'c/', 'd']);
  });

  test('a list can start after a key, and an empty bucket has an empty list', async () => {
    expect((await list({ StartAfter: 'b' })).Contents?.map(({ Key }) => Key)).toEqual(['c/1', 'd']);
    await s3.send(new CreateBucketCommand({ Bucket: 'bare' }));
    expect(await s3.send(new ListObjectsV2Command({ Bucket: 'bare' }))).toMatchObject({
      KeyCount: 0,
      IsTruncated: false,
    });
  });
});

describe('buckets', () => {
  test('creating a bucket again keeps its content', async () => {
    await put('kept', 'content');
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new HeadBucketCommand({ Bucket }));
    expect(await text('kept')).toBe('content');
  });

  test('a missing bucket is reported by every operation', async () => {
    const missing = { Bucket: 'missing', Key: 'x' };
    await expect(s3.send(new HeadBucketCommand(missing))).rejects.toMatchObject({ name: 'NotFound' });
    await expect(s3.send(new GetObjectCommand(missing))).rejects.toMatchObject({ name: 'NoSuchBucket' });
    await expect(s3.send(new PutObjectCommand({ ...missing, Body: 'x' }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
    });
    await expect(s3.send(new DeleteObjectCommand(missing))).rejects.toMatchObject({ name: 'NoSuchBucket' });
    await expect(s3.send(new ListObjectsV2Command(missing))).rejects.toMatchObject({ name: 'NoSuchBucket' });
  });

  test.each(['Upper', 'a', 'under_score', 'a..b', '.unfinished'])('%j is not a valid bucket name', async (name) => {
    expect((await raw('PUT', `/${name}`)).status).toBe(400);
  });
});

describe("requests that the SDK doesn't send", () => {
  test('a body that does not match its digest is refused and not stored', async () => {
    const digests = [
      { 'x-amz-checksum-crc32': 'AAAAAA==' },
      { 'x-amz-checksum-sha256': 'AAAA' },
      { 'content-md5': 'AAAA' },
      { 'x-amz-content-sha256': '0'.repeat(64) },
    ];
    for (const headers of digests) {
      expect(await raw('PUT', `/${Bucket}/damaged`, { headers, body: 'content' })).toMatchObject({
        status: 400,
        body: expect.stringContaining('<Code>BadDigest</Code>'),
      });
    }
    expect((await raw('GET', `/${Bucket}/damaged`)).status).toBe(404);
  });

  test.each([
    ['6\r\nabcdef\r\n0\r\nx-amz-checksum-crc32:S45KgA==\r\n\r\n', 400, 'BadDigest'],
    ['6\r\nabcdef\r\n0\r\nx-amz-checksum-crc32:S4457w==\r\n\r\n', 200, ''],
    ['3;chunk-signature=1f\r\nabc\r\n3;chunk-signature=2e\r\ndef\r\n0;chunk-signature=3d\r\n\r\n', 200, ''],
    ['6\r\nabc', 400, 'IncompleteBody'],
    ['3\r\nabc\r\n0\r\n\r\n', 400, 'IncompleteBody'], // shorter than x-amz-decoded-content-length
    ['2\r\nabcdef\r\n0\r\n\r\n', 400, 'IncompleteBody'],
    ['not chunks', 400, 'IncompleteBody'],
  ])('the chunked body %j gets %i %s', async (body, status, code) => {
    const headers = {
      'content-encoding': 'aws-chunked',
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '6',
    };
    const reply = await raw('PUT', `/${Bucket}/chunked`, { headers, body });
    expect(reply).toMatchObject({ status, body: expect.stringContaining(code) });
    if (status === 200) expect((await raw('GET', `/${Bucket}/chunked`)).body).toBe('abcdef');
  });

  test('an operation that is not emulated is refused', async () => {
    const put = (headers: Record<string, string>) => raw('PUT', `/${Bucket}/x`, { headers });
    expect(await put({ 'x-amz-copy-source': '/blobs/y' })).toMatchObject({ status: 501 });
    expect(await put({ 'if-match': '"etag"' })).toMatchObject({ status: 501 });
    expect(await raw('POST', `/${Bucket}/x?uploads`)).toMatchObject({ status: 501 });
    expect(await raw('GET', `/${Bucket}?acl`)).toMatchObject({
      status: 501,
      body: expect.stringContaining('The parameter acl of GET is not emulated here.'),
    });
  });

  test('a request signed with another access key is refused', async () => {
    const stranger = clientOf(endpoint.url, 'AKIASTRANGER');
    await expect(stranger.send(new GetObjectCommand({ Bucket, Key: 'kept' }))).rejects.toMatchObject({
      name: 'InvalidAccessKeyId',
      $metadata: { httpStatusCode: 403 },
    });
    await expect(stranger.send(new PutObjectCommand({ Bucket, Key: 'theirs', Body: 'x' }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    stranger.destroy();
    expect((await fetch(`${endpoint.url}/${Bucket}/kept`)).status).toBe(403);
    expect((await raw('GET', `/${Bucket}/theirs`)).status).toBe(404);
  });
});

test('objects survive a restart; unfinished ones are removed', async () => {
  const folder = join(dir, 'restarted');
  const before = await startS3({ dir: folder, accessKeyId: ACCESS_KEY });
  const client = clientOf(before.url);
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'runs/1.json', Body: '{}', Metadata: { a: 'b' } }));
  client.destroy();
  await before.close();
  expect(await readFile(join(folder, Bucket, 'runs%2f1%2ejson'), 'utf8')).toMatch(/^\{"etag".*\}\n\{\}$/);

  const after = await startS3({ dir: folder, accessKeyId: ACCESS_KEY });
  const again = clientOf(after.url);
  expect(await again.send(new GetObjectCommand({ Bucket, Key: 'runs/1.json' }))).toMatchObject({
    Metadata: { a: 'b' },
  });
  expect(await readdir(join(folder, '.unfinished'))).toEqual([]);
  again.destroy();
  await after.close();
});

function clientOf(url: string, accessKeyId: string = ACCESS_KEY): S3Client {
  const credentials = { accessKeyId, secretAccessKey: 'x' };
  return new S3Client({ endpoint: url, region: 'us-east-1', credentials, forcePathStyle: true, maxAttempts: 1 });
}

const put = (
  Key: string,
  Body: NonNullable<PutObjectCommandInput['Body']>,
  more: Partial<PutObjectCommandInput> = {},
) => s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

const text = async (Key: string): Promise<string | undefined> =>
  (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();

async function raw(method: string, path: string, request: { headers?: Record<string, string>; body?: string } = {}) {
  const authorization = `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/20261118/us-east-1/s3/aws4_request, Signature=x`;
  const { headers, body = null } = request;
  const reply = await fetch(endpoint.url + path, { method, body, headers: { authorization, ...headers } });
  return { status: reply.status, body: await reply.text() };
}

describe('a public folder', () => {
  let folder: string;
  let site: Endpoint;
  let client: S3Client;
  const PUBLIC = 'site';

  beforeAll(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 's3-public-')), 'www');
    site = await startS3({ dir: join(dir, 'private'), accessKeyId: ACCESS_KEY, publicFolders: { [PUBLIC]: folder } });
    client = clientOf(site.url);
    await client.send(new CreateBucketCommand({ Bucket: PUBLIC }));
  });
  afterAll(async () => {
    client.destroy();
    await site.close();
    await rm(join(folder, '..'), { recursive: true, force: true });
  });

  const publish = (Key: string, Body: string) => client.send(new PutObjectCommand({ Bucket: PUBLIC, Key, Body }));

  test('holds objects as plain files that everyone can read', async () => {
    await publish('history/2026-11.html', 'first');
    await publish('history/2026-11.html', 'second');
    expect(await readFile(join(folder, 'history/2026-11.html'), 'utf8')).toBe('second');
    expect((await stat(join(folder, 'history/2026-11.html'))).mode & 0o777).toBe(0o644);
    for (const made of ['.', 'history']) expect((await stat(join(folder, made))).mode & 0o777).toBe(0o755);
    const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket: PUBLIC, Key: 'history/2026-11.html' }));
    expect(await Body?.transformToString()).toBe('second');
    expect(ETag).toMatch(/^"[0-9a-f]{32}"$/);
    await client.send(new DeleteObjectCommand({ Bucket: PUBLIC, Key: 'history/2026-11.html' }));
    await expect(readFile(join(folder, 'history/2026-11.html'))).rejects.toThrow('ENOENT');
    await expect(
      client.send(new GetObjectCommand({ Bucket: PUBLIC, Key: 'history/2026-11.html' })),
    ).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test.each(['../escape.html', 'a/../../escape.html', '.htaccess', 'a//b', '/a', 'a\\b'])(
    'refuses %s, which is not a path of plain names',
    async (key) => {
      await expect(publish(key, 'x')).rejects.toThrow();
    },
  );

  test('leaves files of others alone', async () => {
    await writeFile(join(folder, 'robots.txt'), 'theirs');
    await client.send(new CreateBucketCommand({ Bucket: PUBLIC }));
    expect(await readFile(join(folder, 'robots.txt'), 'utf8')).toBe('theirs');
  });

  test('that cannot be written says why, does not prevent the start, and is written as soon as it can be', async () => {
    const obstacle = join(dir, 'obstacle');
    await writeFile(obstacle, '');
    const other = await startS3({
      dir: join(dir, 'private'),
      accessKeyId: ACCESS_KEY,
      publicFolders: { [PUBLIC]: join(obstacle, 'www') },
    });
    const writer = clientOf(other.url);
    try {
      await writer.send(new CreateBucketCommand({ Bucket: PUBLIC }));
      const index = { Bucket: PUBLIC, Key: 'index.html' };
      await expect(writer.send(new PutObjectCommand({ ...index, Body: 'x' }))).rejects.toMatchObject({
        name: 'InternalError',
        message: expect.stringMatching(/^ENOTDIR: .*obstacle/),
      });
      await writer.send(new DeleteObjectCommand(index));
      await rm(obstacle);
      await writer.send(new PutObjectCommand({ ...index, Body: 'x' }));
      expect(await readFile(join(obstacle, 'www/index.html'), 'utf8')).toBe('x');
    } finally {
      writer.destroy();
      await other.close();
    }
  });
});
