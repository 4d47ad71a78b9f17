import * as z from 'zod';
import {
  invalidAttributeName,
  invalidAttributeValue,
  invalidParameter,
  invalidValue,
  missingParameter,
  unknownAttribute,
} from './errors.ts';

/** Queue attributes in the format of SQS: every value is a string. */
export type Attributes = Readonly<Record<string, string>>;

/** The maximum size of a message and of a batch of messages: 1 MiB (SQS quotas, 2025). */
export const MESSAGE_MAX_BYTES = 1_048_576;

type Rule = { initial?: string; accepts: (value: string) => boolean };

const integer = (initial: number, min: number, max: number): Rule => ({
  initial: String(initial),
  accepts: (value) => /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max,
});
const oneOf = (initial: string, ...others: string[]): Rule => ({
  initial,
  accepts: (value) => [initial, ...others].includes(value),
});
/**
 * Accepts any value. It is stored and returned, but has no effect in the emulation: nothing is encrypted, and only the
 * holder of the access key can call.
 */
const STORED_ONLY: Rule = { accepts: () => true };

const COMMON: Readonly<Record<string, Rule>> = {
  DelaySeconds: integer(0, 0, 900),
  MaximumMessageSize: integer(MESSAGE_MAX_BYTES, 1024, MESSAGE_MAX_BYTES),
  MessageRetentionPeriod: integer(345_600, 60, 1_209_600),
  ReceiveMessageWaitTimeSeconds: integer(0, 0, 20),
  VisibilityTimeout: integer(30, 0, 43_200),
  SqsManagedSseEnabled: oneOf('true', 'false'),
  RedrivePolicy: STORED_ONLY, // checked separately, against the target queue
  RedriveAllowPolicy: STORED_ONLY,
  Policy: STORED_ONLY,
  KmsMasterKeyId: STORED_ONLY,
  KmsDataKeyReusePeriodSeconds: STORED_ONLY,
};

const FIFO_ONLY: Readonly<Record<string, Rule>> = {
  FifoQueue: { initial: 'true', accepts: (value) => value === 'true' },
  ContentBasedDeduplication: oneOf('false', 'true'),
  DeduplicationScope: oneOf('queue', 'messageGroup'),
  FifoThroughputLimit: oneOf('perQueue', 'perMessageGroupId'),
};

/** Computed for each call and never stored. */
const READ_ONLY = [
  'QueueArn',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

export type ReadOnlyAttribute = (typeof READ_ONLY)[number];

export const isFifo = (attributes: Attributes): boolean => attributes['FifoQueue'] === 'true';

export const initialAttributes = (fifo: boolean): Attributes => {
  const initial: Record<string, string> = {};
  for (const [name, rule] of Object.entries(rulesFor(fifo))) {
    if (rule.initial !== undefined) initial[name] = rule.initial;
  }
  return initial;
};

/** Returns whether GetQueueAttributes accepts the name. */
export const isAttributeName = (name: string): boolean =>
  name in COMMON || name in FIFO_ONLY || READ_ONLY.some((known) => known === name);

/**
 * Returns the caller's attributes, validated and with booleans in lower case. Keeps empty values, which remove the
 * attribute (`withChanges`).
 *
 * @throws SqsError InvalidAttributeName, InvalidAttributeValue
 */
export function checkedAttributes(given: Attributes, fifo: boolean): Attributes {
  const rules = rulesFor(fifo);
  const checked: Record<string, string> = {};
  for (const [name, raw] of Object.entries(given)) {
    const rule = rules[name];
    if (rule === undefined) throw notAllowedHere(name);
    const value = /^(true|false)$/i.test(raw) ? raw.toLowerCase() : raw;
    if (!rule.accepts(value)) {
      throw invalidAttributeValue(name, name === 'FifoQueue' ? 'Modifying queue type is not supported.' : undefined);
    }
    checked[name] = value;
  }
  return checked;
}

function notAllowedHere(name: string): Error {
  return name === 'DeduplicationScope' || name === 'FifoThroughputLimit'
    ? invalidAttributeName(`You can specify the ${name} only when FifoQueue is set to true.`)
    : unknownAttribute(name);
}

export function withChanges(current: Attributes, changes: Attributes): Attributes {
  const merged = { ...current, ...changes };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
}

/** AWS accepts the count as a number or a string. */
const Redrive = z.object({
  deadLetterTargetArn: z.string().optional(),
  maxReceiveCount: z.union([z.number(), z.string()]).optional(),
});

export type RedrivePolicy = { deadLetterQueue: string; maxReceiveCount: number };

/**
 * @returns undefined if the queue has no such policy
 * @throws SqsError InvalidParameterValue
 */
export function redrivePolicyOf(attributes: Attributes): RedrivePolicy | undefined {
  const text = attributes['RedrivePolicy'];
  if (text === undefined || text === '') return undefined;
  const invalid = (reason: string): Error => invalidValue(text, 'RedrivePolicy', reason);
  const parsed = Redrive.safeParse(parseJson(text));
  if (!parsed.success) throw invalid('Redrive policy is not a valid JSON map.');
  const { deadLetterTargetArn: target, maxReceiveCount: max } = parsed.data;
  if (target === undefined) throw invalid('Redrive policy does not contain mandatory attribute: deadLetterTargetArn.');
  if (max === undefined) throw invalid('Redrive policy does not contain mandatory attribute: maxReceiveCount.');
  const [, name] = /^arn:[^:]+:sqs:[^:]*:[^:]*:([^:]+)$/.exec(target) ?? [];
  if (name === undefined) throw invalid('Invalid value for deadLetterTargetArn.');
  const maxReceiveCount = Number(max);
  if (!Number.isInteger(maxReceiveCount) || maxReceiveCount < 1 || maxReceiveCount > 1000) {
    throw invalid(`Invalid value for maxReceiveCount: ${max}, valid values are from 1 to 1000 both inclusive.`);
  }
  return { deadLetterQueue: name, maxReceiveCount };
}

/**
 * Checks a new queue's name against its type.
 *
 * @throws SqsError MissingParameter, InvalidParameterValue
 */
export function checkQueueName(name: string, fifo: boolean): void {
  if (name === '') throw missingParameter('QueueName');
  if (fifo && !/^[A-Za-z0-9_-]{1,75}\.fifo$/.test(name)) {
    throw invalidParameter(
      'The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, ' +
        'must end with .fifo suffix and be 1 to 80 in length',
    );
  }
  if (!fifo && !/^[A-Za-z0-9_-]{1,80}$/.test(name)) {
    throw invalidParameter('Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length');
  }
}

/** Returns undefined for invalid JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function rulesFor(fifo: boolean): Readonly<Record<string, Rule>> {
  return fifo ? { ...COMMON, ...FIFO_ONLY } : COMMON;
}
