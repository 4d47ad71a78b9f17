import { PROJECTION_TARGET_NAMES } from '../incidents/projection.ts';

/** Signals that can page, the others, and those of services outside the catalogue. */
export const SIGNAL_QUEUES = ['urgent', 'ordinary', 'unmatched'] as const;

/**
 * All queues that invoke a function. The resources, permissions, and alarms on AWS, the queues of one machine, and the
 * variables with their URLs follow from this list. `people`: actions of people in Slack and PagerDuty.
 */
export const QUEUES = [...SIGNAL_QUEUES, 'people', ...PROJECTION_TARGET_NAMES] as const;
export type QueueName = (typeof QUEUES)[number];

/** The variable with the URL of a queue. */
export type QueueVariable = `FIREBREAK_QUEUE_${Uppercase<QueueName>}`;
const variableOf = (name: QueueName) => `FIREBREAK_QUEUE_${name.toUpperCase()}` as QueueVariable;

/** Returns a value for each queue. */
export const byQueue = <T>(valueOf: (name: QueueName) => T): Record<QueueName, T> =>
  Object.fromEntries(QUEUES.map((name) => [name, valueOf(name)])) as Record<QueueName, T>;

/** Returns a value for the variable of each queue. */
export const byQueueVariable = <T>(valueOf: (name: QueueName) => T): Record<QueueVariable, T> =>
  Object.fromEntries(QUEUES.map((name) => [variableOf(name), valueOf(name)])) as Record<QueueVariable, T>;

/** Returns the URLs of all queues. */
export const queueUrls = (env: Readonly<Record<QueueVariable, string>>): Record<QueueName, string> =>
  byQueue((name) => env[variableOf(name)]);
