import { SQSClient } from '@aws-sdk/client-sqs';
import { awsClient, SLACK_LIMITS, SLACK_SECRETS_LIMITS } from '../../platforms/aws/client.ts';
import { SqsQueues } from '../../platforms/aws/sqs-queues.ts';
import { awsStorage } from './aws-storage.ts';
import { systemClock as clock } from './clock.ts';
import { readEnvironment } from './environment.ts';
import { createLog } from './log.ts';
import type { SlackParts } from './slack-deps.ts';

/** Creates, from the environment, what the function that answers Slack needs of AWS, with short time limits. */
export function slackParts(): SlackParts {
  const env = readEnvironment(process.env);
  const log = createLog(clock, { level: env.LOG_LEVEL, format: 'json' });
  const platform = {
    ...awsStorage(env, log, { calls: SLACK_LIMITS, secrets: SLACK_SECRETS_LIMITS }),
    queues: new SqsQueues(awsClient(SQSClient, SLACK_LIMITS), { people: env.FIREBREAK_RESOURCES.queues.people }),
  };
  return { platform, clock, log };
}
