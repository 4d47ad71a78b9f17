import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import type { Blobs } from '../blobs.ts';
import * as z from 'zod';

/** Values of parameters by their names below the path; null if the parameter does not exist. */
export type Parameters = ReadonlyMap<string, string | null>;

/** A copy of the last secrets read that outlives the process. */
export type SecretsCopy = {
  /** Returns undefined if there is no copy that this key decrypts. */
  read(): Promise<Parameters | undefined>;
  write(parameters: Parameters): Promise<void>;
};

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const Content = z.array(z.tuple([z.string(), z.string().nullable()]));

/**
 * Keeps an encrypted copy of the secrets in the bucket, for a function that starts while SSM does not respond. The key
 * exists only in the function's environment: without it, the copy cannot be read or replaced.
 *
 * @param folder in the bucket
 * @param key 32 bytes as base64. Functions with a different key, such as those of an older version, have their own
 * copies
 */
export function sealedCopy(blobs: Blobs, folder: string, key: string): SecretsCopy {
  const secret = Buffer.from(key, 'base64');
  const name = `${folder}/${hash('sha256', secret.toString('hex')).slice(0, 16)}`;
  return {
    async read() {
      const sealed = await blobs.get(name);
      if (sealed === undefined) return undefined;
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(name))
        .setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const opened = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      return new Map(Content.parse(JSON.parse(opened.toString('utf8'))));
    },
    async write(parameters) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(name));
      const content = Buffer.concat([cipher.update(JSON.stringify([...parameters]), 'utf8'), cipher.final()]);
      await blobs.put(name, Buffer.concat([nonce, cipher.getAuthTag(), content]), 'application/octet-stream');
    },
  };
}
