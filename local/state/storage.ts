import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { s3Blobs } from '../../aws/clients/blobs.ts';
import { awsClient } from '../../aws/clients/client.ts';
import { TABLE } from '../../aws/resources.ts';
import type { Blobs } from '../../domain/ports/system.ts';
import type { Env } from '../../schemas/config/variables.ts';
import { createDatabase } from '../aws/dynamodb/create.ts';
import { startDynamoDb } from '../aws/dynamodb/start.ts';
import { startTtlSweep } from '../aws/dynamodb/ttl.ts';
import { type LocalS3, startS3 } from '../aws/s3/server.ts';
import { startSqs } from '../aws/sqs/server.ts';
import { EMULATION_LIMITS } from '../limits.ts';
import { NAMES } from '../names.ts';
import type { Settings } from '../settings.ts';
import { checkTableFormat } from './table-format.ts';
import type { Closers } from '../closers.ts';
import { ACCOUNT, createBucket, createQueues, createTable, type Queues } from './resources.ts';

export type Storage = {
  blobs: Blobs;
  /** Runs `work` while no object of the emulated S3 changes. Undefined: S3 is external. */
  holdBlobs: LocalS3['hold'] | undefined;
  sqs: SQSClient;
  queues: Queues;
  /** Resolves with the reason if the database ends by itself; Firebreak cannot continue then. */
  failed: Promise<Error>;
};

/** Starts the stores: DynamoDB, SQS, and S3, with the table, queues, and buckets in them. */
export async function startStorage(
  { dataDir: dir, snapshotDir }: Pick<Settings, 'dataDir' | 'snapshotDir'>,
  env: Env,
  accessKeyId: string,
  opened: Closers,
): Promise<Storage> {
  const { failed } = await startDatabase(join(dir, 'dynamodb.sqlite'), env, accessKeyId, opened);
  if (!env['AWS_ENDPOINT_URL_SQS']) {
    env['AWS_ENDPOINT_URL_SQS'] = opened.add(
      await startSqs({ file: join(dir, 'sqs.sqlite'), accessKeyId, accountId: ACCOUNT }),
    ).url;
  }
  let holdBlobs: LocalS3['hold'] | undefined;
  if (!env['AWS_ENDPOINT_URL_S3']) {
    await mkdir(join(dir, 's3'), { recursive: true, mode: 0o700 });
    const emulated = opened.add(
      await startS3({ dir: join(dir, 's3'), accessKeyId, publicFolders: { [NAMES.snapshotBucket]: snapshotDir } }),
    );
    env['AWS_ENDPOINT_URL_S3'] = emulated.url;
    holdBlobs = emulated.hold;
  }
  // Queue URLs of an earlier start contain a port that is gone, so only the endpoint counts.
  const sqs = awsClient(SQSClient, EMULATION_LIMITS, { useQueueUrlAsEndpoint: false });
  const s3 = awsClient(S3Client, EMULATION_LIMITS, { forcePathStyle: true });
  await createBucket(s3, NAMES.bucket);
  await createBucket(s3, NAMES.snapshotBucket);
  const blobs = s3Blobs(s3, NAMES.bucket, EMULATION_LIMITS);
  return { blobs, holdBlobs, sqs, queues: await createQueues(sqs), failed };
}

/** The warning about the database, which supports neither credentials nor a Unix socket. `startDynamoDb` hides its port. */
const OPEN_PORT =
  "the local database's own port requires no credentials: any user of this machine who finds it can read and change all " +
  'data, except that tokens written there are refused. On a machine that you share with people you do not trust, ' +
  'set AWS_ENDPOINT_URL_DYNAMODB to a DynamoDB with access control';

/** Starts the local database, or uses the external one that the environment names. Creates the table in either. */
async function startDatabase(
  file: string,
  env: Env,
  accessKeyId: string,
  opened: Closers,
): Promise<Pick<Storage, 'failed'>> {
  const databaseOptions = { file, accessKeyId, binary: env['FIREBREAK_DYNOXIDE_BIN'] };
  delete env['FIREBREAK_DATABASE_WARNING']; // valid only for this start
  if (env['AWS_ENDPOINT_URL_DYNAMODB']) {
    await createTable(awsClient(DynamoDBClient, EMULATION_LIMITS), NAMES.table);
    return { failed: new Promise(() => undefined) };
  }
  await createDatabase(databaseOptions, (client) => createTable(client, NAMES.table));
  const database = opened.add(await startDynamoDb(databaseOptions));
  env['AWS_ENDPOINT_URL_DYNAMODB'] = database.url;
  env['FIREBREAK_DATABASE_WARNING'] = OPEN_PORT;
  const client = awsClient(DynamoDBClient, EMULATION_LIMITS);
  await createTable(client, NAMES.table);
  await checkTableFormat(client, NAMES.table);
  opened.add(startTtlSweep({ client, table: NAMES.table, attribute: TABLE.ttl, everySeconds: 60 }));
  return { failed: database.exited };
}
