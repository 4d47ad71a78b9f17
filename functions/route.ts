import { deps, sqsConsumerOptions } from './assembly/aws.ts';
import { routeConsumer } from './assembly/consumers/route.ts';
import { sqsHandler } from '../platforms/aws/sqs-consumer.ts';

/** Admits the alerts of a batch of messages. */
export const handler = sqsHandler(() => routeConsumer(deps()), sqsConsumerOptions);
