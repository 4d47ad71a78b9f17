import type { Product } from './product.ts';

/** In days. Refused inputs are rarely replayed after this time. */
const QUARANTINE_DAYS = 90;
/** In days. Signals too large for a queue message, stored for post-mortems and for year-over-year comparison. */
const SIGNAL_DAYS = 400;
/** In days. A function's encrypted copy of its secrets, for starts while SSM does not respond. It is written again if missing. */
const SECRETS_DAYS = 30;
/** Days until replaced or expired objects are permanently deleted. */
const NONCURRENT_DAYS = 30;
/** The same for decisions that retention has emptied: a table that is restored to any time before refers to them. */
const EMPTIED_DAYS = 37;

/** Creates the table. For its access patterns and transactions, see docs/reference/data-model.md */
export function createTable({ keys, index, ttl }: Product['table'], production: boolean) {
  return new sst.aws.Dynamo('Table', {
    fields: { [keys.hash]: 'string', [keys.range]: 'string', [index.hash]: 'string', [index.range]: 'string' },
    primaryIndex: { hashKey: keys.hash, rangeKey: keys.range },
    globalIndexes: { [index.name]: { hashKey: index.hash, rangeKey: index.range } },
    ttl,
    deletionProtection: production,
    // Explicit although it is SST's default: restores to any second of the last 35 days depend on it.
    transform: { table: { pointInTimeRecovery: { enabled: true } } },
  });
}

/**
 * Creates the bucket for data that is too large for a message or an item, and for the published configuration. Versions
 * of the configuration (`config/`), inputs of decisions (`decisions/`, `freeze-decisions/`), runbooks that incidents
 * follow (`runbooks/`), evidence of actions (`evidence/`), and the head of the audit log (`audit/`) never expire:
 * rollbacks and explanations need them.
 */
export function createBucket(production: boolean) {
  const bucket = new sst.aws.Bucket('Blobs', {
    versioning: true,
    cors: false,
    transform: { bucket: { forceDestroy: !production } },
  });
  new aws.s3.BucketLifecycleConfiguration('BlobsLifecycle', {
    bucket: bucket.name,
    rules: [
      expiry('quarantine', QUARANTINE_DAYS),
      expiry('signals', SIGNAL_DAYS),
      expiry('secrets', SECRETS_DAYS),
      replacement('freeze-decisions', EMPTIED_DAYS),
    ],
  });
  return bucket;
}

const expiry = (folder: string, days: number) => ({
  ...replacement(folder, NONCURRENT_DAYS),
  expiration: { days },
});

/** Deletes only what was replaced: retention replaces a record with an empty one. */
const replacement = (folder: string, noncurrentDays: number) => ({
  id: folder,
  status: 'Enabled',
  filter: { prefix: `${folder}/` },
  noncurrentVersionExpiration: { noncurrentDays },
});
