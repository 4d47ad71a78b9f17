import { deps, sqsConsumerOptions } from './assembly/aws.ts';
import { projectConsumer } from './assembly/consumers/project.ts';
import { sqsHandler } from '../platforms/aws/sqs-consumer.ts';

/** Updates the projection targets, such as Slack or Statuspage, that a batch of messages names. */
export const handler = sqsHandler(() => projectConsumer(deps()), sqsConsumerOptions);
