import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { type Blobs, checkedKey } from '../blobs.ts';
import { type Limits, streamLimit } from './client.ts';

/** Stores data that is too large for a message or an item in one S3 bucket. */
export const s3Blobs = (client: S3Client, bucket: string, limits: Limits): Blobs => ({
  async put(key, body, contentType) {
    await client.send(
      new PutObjectCommand({ Bucket: bucket, Key: checkedKey(key), Body: body, ContentType: contentType }),
    );
  },
  /** @see Amazon S3 User Guide, "How to prevent object overwrites with conditional writes" */
  async putNew(key, body, contentType) {
    try {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: checkedKey(key),
          Body: body,
          ContentType: contentType,
          IfNoneMatch: '*',
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof S3ServiceException && error.name === 'PreconditionFailed') return false;
      throw error;
    }
  },
  async get(key) {
    try {
      const { Body } = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: checkedKey(key) }),
        streamLimit(limits),
      );
      return await Body?.transformToByteArray();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  },
});
