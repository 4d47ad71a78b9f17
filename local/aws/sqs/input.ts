import * as z from 'zod';
import { missingParameter, unreadableRequest } from './errors.ts';

/**
 * Parses an operation's input. Checks only its shape.
 *
 * @throws SqsError MissingParameter, SerializationException
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path ?? [];
  if (valueAt(input, path) === undefined) throw missingParameter(String(path.at(-1) ?? 'Input'));
  throw unreadableRequest(`${path.join('.')}: ${issue?.message ?? 'invalid'}`);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
}

const attributes = z.record(z.string(), z.string());
const names = z.array(z.string()).optional();
const messageAttributes = z
  .record(
    z.string(),
    z.object({ DataType: z.string(), StringValue: z.string().optional(), BinaryValue: z.string().optional() }),
  )
  .default({});

export const CreateQueue = z.object({ QueueName: z.string(), Attributes: attributes.default({}) });
export const GetQueueUrl = z.object({ QueueName: z.string() });
export const ListQueues = z.object({
  QueueNamePrefix: z.string().default(''),
  MaxResults: z.number().optional(),
  NextToken: z.string().optional(),
});
export const ListDeadLetterSourceQueues = z.object({
  QueueUrl: z.string(),
  MaxResults: z.number().optional(),
  NextToken: z.string().optional(),
});
export const QueueUrlOnly = z.object({ QueueUrl: z.string() });
export const GetQueueAttributes = z.object({ QueueUrl: z.string(), AttributeNames: names });
export const SetQueueAttributes = z.object({ QueueUrl: z.string(), Attributes: attributes });

const message = z.object({
  MessageBody: z.string(),
  DelaySeconds: z.number().optional(),
  MessageAttributes: messageAttributes,
  MessageSystemAttributes: messageAttributes,
  MessageDeduplicationId: z.string().optional(),
  MessageGroupId: z.string().optional(),
});
export type OutgoingMessage = z.infer<typeof message>;

export const SendMessage = message.extend({ QueueUrl: z.string() });
export const SendMessageBatch = z.object({
  QueueUrl: z.string(),
  Entries: z.array(message.extend({ Id: z.string() })).default([]),
});

export const ReceiveMessage = z.object({
  QueueUrl: z.string(),
  AttributeNames: names,
  MessageSystemAttributeNames: names,
  MessageAttributeNames: names,
  MaxNumberOfMessages: z.number().default(1),
  VisibilityTimeout: z.number().optional(),
  WaitTimeSeconds: z.number().optional(),
});
export type ReceiveRequest = z.infer<typeof ReceiveMessage>;

export const DeleteMessage = z.object({ QueueUrl: z.string(), ReceiptHandle: z.string() });
export const DeleteMessageBatch = z.object({
  QueueUrl: z.string(),
  Entries: z.array(z.object({ Id: z.string(), ReceiptHandle: z.string() })).default([]),
});
export const ChangeMessageVisibility = DeleteMessage.extend({ VisibilityTimeout: z.number() });
export const ChangeMessageVisibilityBatch = z.object({
  QueueUrl: z.string(),
  Entries: z
    .array(z.object({ Id: z.string(), ReceiptHandle: z.string(), VisibilityTimeout: z.number().default(0) }))
    .default([]),
});
