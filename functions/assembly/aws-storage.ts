import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { Log } from '../../core/domain/ports/system.ts';
import { awsClient, type Limits } from '../../platforms/aws/client.ts';
import { DynamoStore } from '../../platforms/aws/dynamodb-store.ts';
import { s3Blobs } from '../../platforms/aws/s3-blobs.ts';
import type { Platform } from '../../platforms/platform.ts';
import type { Environment } from './environment.ts';
import { secretsOf } from './secrets-of.ts';

/** Creates what every function reads and writes, with these time limits. `s3`: the client of its blobs. */
export function awsStorage(
  { FIREBREAK_RESOURCES: resources, FIREBREAK_TIME_SCALE: timeScale }: Environment,
  log: Log,
  limits: { calls: Limits; secrets: Limits },
): Pick<Platform, 'store' | 'blobs' | 'secrets'> & { s3: S3Client } {
  const s3 = awsClient(S3Client, limits.calls, { forcePathStyle: true });
  const blobs = s3Blobs(s3, resources.bucket, limits.calls);
  return {
    s3,
    blobs,
    store: new DynamoStore(awsClient(DynamoDBClient, limits.calls), resources.table),
    secrets: secretsOf(
      { ...resources, timeScale },
      { client: awsClient(SSMClient, limits.secrets), blobs, log, now: Date.now },
    ),
  };
}
