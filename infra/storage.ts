import { TABLE } from '../aws/resources.ts';

/** Days. Whoever has not replayed a refused input by then never will. */
const QUARANTINE_DAYS = 90;
/** Days. Signals too large for a queue message, kept whole for post-mortems and for the year's comparison. */
const SIGNAL_DAYS = 400;
/** Days. A function that starts and finds no copy of its secrets writes one. */
const SECRETS_DAYS = 30;
/** Days until what was replaced or expired is really gone. */
const NONCURRENT_DAYS = 30;

/** The one table. What it is asked and what is written together: docs/data-model.md */
export function createTable(production: boolean) {
  const { keys, index, ttl } = TABLE;
  return new sst.aws.Dynamo('Table', {
    fields: { [keys.hash]: 'string', [keys.range]: 'string', [index.hash]: 'string', [index.range]: 'string' },
    primaryIndex: { hashKey: keys.hash, rangeKey: keys.range },
    globalIndexes: { [index.name]: { hashKey: index.hash, rangeKey: index.range } },
    ttl,
    deletionProtection: production,
    // Said here although it is SST's default: a restore to any second of the last 35 days rests on it.
    transform: { table: { pointInTimeRecovery: { enabled: true } } },
  });
}

/**
 * What fits neither a message nor an item, and the published configuration. Versions of the configuration (`config/`),
 * the inputs of decisions (`decisions/`, `freeze-decisions/`), the runbooks that incidents follow (`runbooks/`) and the
 * head of the sealed log (`audit/`) never expire: a rollback and every explanation need them.
 */
export function createBucket(production: boolean) {
  const bucket = new sst.aws.Bucket('Blobs', {
    versioning: true,
    cors: false,
    transform: { bucket: { forceDestroy: !production } },
  });
  new aws.s3.BucketLifecycleConfiguration('BlobsLifecycle', {
    bucket: bucket.name,
    rules: [expiry('quarantine', QUARANTINE_DAYS), expiry('signals', SIGNAL_DAYS), expiry('secrets', SECRETS_DAYS)],
  });
  return bucket;
}

const expiry = (folder: string, days: number) => ({
  id: folder,
  status: 'Enabled',
  filter: { prefix: `${folder}/` },
  expiration: { days },
  noncurrentVersionExpiration: { noncurrentDays: NONCURRENT_DAYS },
});
