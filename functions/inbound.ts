import { deps, sqsConsumerOptions } from './assembly/aws.ts';
import { inboundConsumer } from './assembly/consumers/inbound.ts';
import { sqsHandler } from '../platforms/aws/sqs-consumer.ts';

/** Processes requests of people, which Slack and PagerDuty delivered, from a batch of messages. */
export const handler = sqsHandler(() => inboundConsumer(deps()), sqsConsumerOptions);
