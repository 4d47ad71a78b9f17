import * as z from 'zod';
import { byQueue } from './queues.ts';

const name = z.string().min(3);

/** What a function on AWS uses. The deployment creates it, and hands it over as JSON in one variable. */
export const FunctionResources = z.strictObject({
  stage: z.string().regex(/^[A-Za-z0-9-]{1,20}$/),
  table: name,
  bucket: name,
  /** Bucket with the snapshot of the status pages. */
  snapshotBucket: name,
  /** URLs of the queues. */
  queues: z.strictObject(byQueue(() => z.url())),
  /** Function of the workflow, and its alias or version. */
  workflow: z.strictObject({ functionName: z.string().min(1), qualifier: z.string().min(1) }),
  secrets: z.strictObject({
    /** Path in the parameter store. */
    path: z.string().startsWith('/'),
    /** Groups of secrets that the function may read. */
    grants: z.array(z.string().regex(/^[a-z-]+$/)).min(1),
    /** 32 bytes as base64 that encrypt the function's copy of its secrets. */
    key: z.base64().length(44),
  }),
});
export type FunctionResources = z.infer<typeof FunctionResources>;

/** The same, as text in an environment variable. */
export const FunctionResourcesText = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.issues.push({ code: 'custom', input: text, message: 'is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(FunctionResources);
