import { PROJECTION_TARGET_NAMES } from '../incidents/projection.ts';

/** Signals that can page, the others, and those of services outside the catalogue. */
export const SIGNAL_QUEUES = ['urgent', 'ordinary', 'unmatched'] as const;

/**
 * All queues that invoke a function. The resources, permissions, and alarms on AWS, and the queues of one
 * machine follow from this list. `people`: actions of people in Slack and PagerDuty.
 */
export const QUEUES = [...SIGNAL_QUEUES, 'people', ...PROJECTION_TARGET_NAMES] as const;
export type QueueName = (typeof QUEUES)[number];

/** Returns a value for each queue. */
export const byQueue = <T>(valueOf: (name: QueueName) => T): Record<QueueName, T> =>
  Object.fromEntries(QUEUES.map((name) => [name, valueOf(name)])) as Record<QueueName, T>;
