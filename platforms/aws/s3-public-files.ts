import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { checkedKey, type PublicFiles } from '../blobs.ts';
import { type Limits, streamLimit } from './client.ts';

/** Caches ask again soon, so that what they have is not much older than the files, and show it while S3 fails. */
const CACHE_CONTROL = 'public, max-age=10, stale-if-error=86400';

/** Stores files in an S3 bucket that a static host serves. */
export const s3PublicFiles = (client: S3Client, bucket: string, limits: Limits): PublicFiles => ({
  async read(path) {
    try {
      const command = new GetObjectCommand({ Bucket: bucket, Key: checkedKey(path) });
      return await (await client.send(command, streamLimit(limits))).Body?.transformToString();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  },
  async put({ path, type, body }) {
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: checkedKey(path),
        Body: body,
        ContentType: type,
        CacheControl: CACHE_CONTROL,
      }),
    );
  },
  async remove(path) {
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: checkedKey(path) }));
  },
});
