import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, onTestFinished, test } from 'vitest';
import { SHARED_LIMITS } from '../../../platforms/aws/client.ts';
import { s3Blobs } from '../../../platforms/aws/s3-blobs.ts';
import { s3PublicFiles } from '../../../platforms/aws/s3-public-files.ts';
import { startQueuesAndBlobs } from '../../support/aws/queues-and-blobs.ts';
import { clientOptions } from '../../support/aws/server.ts';
import { blobsConformance } from '../blobs-conformance.ts';
import { publicFilesConformance } from '../public-files-conformance.ts';

const BUCKET = 'firebreak-test';

async function startS3(): Promise<{ client: S3Client; close(): Promise<void> }> {
  const endpoint = await startQueuesAndBlobs(BUCKET);
  const client = new S3Client({ ...clientOptions(endpoint.url), forcePathStyle: true });
  return {
    client,
    close: async () => {
      client.destroy();
      await endpoint.close();
    },
  };
}

blobsConformance('S3', async () => {
  const { client, close } = await startS3();
  return { blobs: s3Blobs(client, BUCKET, SHARED_LIMITS), close };
});

publicFilesConformance('S3', async () => {
  const { client, close } = await startS3();
  return { files: s3PublicFiles(client, BUCKET, SHARED_LIMITS), close };
});

test('objects have their content types, and public ones are cached briefly', async () => {
  const { client, close } = await startS3();
  onTestFinished(close);
  await s3Blobs(client, BUCKET, SHARED_LIMITS).put('a.json', '{}', 'application/json');
  const body = { path: 'index.html', type: 'text/html; charset=utf-8', body: '' };
  await s3PublicFiles(client, BUCKET, SHARED_LIMITS).put(body);
  const head = (Key: string) => client.send(new HeadObjectCommand({ Bucket: BUCKET, Key }));
  expect(await head('a.json')).toMatchObject({ ContentType: 'application/json' });
  expect(await head('index.html')).toMatchObject({
    ContentType: 'text/html; charset=utf-8',
    CacheControl: 'public, max-age=10, stale-if-error=86400',
  });
});
