import { LambdaClient } from '@aws-sdk/client-lambda';
import { SQSClient } from '@aws-sdk/client-sqs';
import { awsClient, DURABLE_LIMITS, SECRETS_LIMITS, SHARED_LIMITS } from '../../platforms/aws/client.ts';
import { s3PublicFiles } from '../../platforms/aws/s3-public-files.ts';
import { type Environment, readEnvironment } from './environment.ts';
import type { Product } from './product.ts';
import type { Log } from '../../core/domain/ports/system.ts';
import { LambdaExecutions } from '../../platforms/aws/lambda-executions.ts';
import type { SqsConsumerOptions } from '../../platforms/aws/sqs-consumer.ts';
import { SqsQueues } from '../../platforms/aws/sqs-queues.ts';
import type { Platform } from '../../platforms/platform.ts';
import { awsStorage } from './aws-storage.ts';
import { systemClock } from './clock.ts';
import { assemble } from './deps.ts';
import type { ProductSettings } from './deps/shared.ts';
import { createLog } from './log.ts';

/** Creates the platform of the function with this environment. */
export function awsPlatform(env: Environment, log: Log): Platform {
  const { queues, workflow, snapshotBucket } = env.FIREBREAK_RESOURCES;
  const { s3, ...storage } = awsStorage(env, log, { calls: SHARED_LIMITS, secrets: SECRETS_LIMITS });
  return {
    ...storage,
    queues: new SqsQueues(awsClient(SQSClient, SHARED_LIMITS), queues),
    executions: new LambdaExecutions(awsClient(LambdaClient, SHARED_LIMITS), workflow),
    publicFiles: s3PublicFiles(s3, snapshotBucket, SHARED_LIMITS),
    commits: null,
  };
}

/** Returns the settings of the product in the environment of a function. */
export const productSettings = (env: Environment): ProductSettings => ({
  stage: env.FIREBREAK_RESOURCES.stage,
  timeScale: env.FIREBREAK_TIME_SCALE,
  standIns: env.FIREBREAK_STAND_INS,
  publicUrl: env.FIREBREAK_PUBLIC_URL,
});

let assembled: Product | undefined;

/** Returns the dependencies of a Lambda function, built from its environment on first use and kept for its life. */
export const deps = (): Product => (assembled ??= functionDeps(readEnvironment(process.env)));

/** Builds the dependencies of the function with this environment. */
export function functionDeps(env: Environment): Product {
  const log = createLog(systemClock, { level: env.LOG_LEVEL, format: 'json' });
  return assemble({ platform: awsPlatform(env, log), settings: productSettings(env), clock: systemClock, log });
}

let consumerOptions: SqsConsumerOptions | undefined;

/** Returns what the handlers of queues need from SQS. */
export const sqsConsumerOptions = (): SqsConsumerOptions =>
  (consumerOptions ??= {
    client: awsClient(SQSClient, SHARED_LIMITS),
    urls: Object.values(readEnvironment(process.env).FIREBREAK_RESOURCES.queues),
    onRefusal: (error) =>
      deps().log.warn(
        'failed messages could not be returned early; SQS delivers them again after the visibility timeout',
        {
          error: String(error),
        },
      ),
  });

/** Creates the client that records the steps of workflows. */
export const durableClient = (): LambdaClient => awsClient(LambdaClient, DURABLE_LIMITS);
