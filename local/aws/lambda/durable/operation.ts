import * as z from 'zod';
import { invalidParameter } from '../errors.ts';

/** An error in the format of the durable API. */
export const ErrorObject = z.object({
  ErrorMessage: z.string().optional(),
  ErrorType: z.string().optional(),
  ErrorData: z.string().optional(),
  StackTrace: z.array(z.string()).optional(),
});
export type ErrorObject = z.infer<typeof ErrorObject>;

const OPERATION_TYPES = ['EXECUTION', 'CONTEXT', 'STEP', 'WAIT', 'CALLBACK', 'CHAINED_INVOKE'] as const;
export type OperationType = (typeof OPERATION_TYPES)[number];

export type OperationStatus =
  | 'STARTED'
  | 'PENDING' // a step that waits for its next attempt
  | 'READY' // the wait is over, but the attempt has not started
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELLED'
  | 'TIMED_OUT'
  | 'STOPPED';

/** Whole seconds of a duration. */
const Seconds = z.number().int().min(0);

/** One change that a running handler reports in a checkpoint. Unknown fields are ignored, as on AWS. */
export const OperationUpdate = z.object({
  Id: z.string().min(1).max(64),
  ParentId: z.string().min(1).nullish(),
  Name: z.string().max(256).nullish(),
  Type: z.enum(OPERATION_TYPES),
  SubType: z.string().nullish(),
  Action: z.enum(['START', 'SUCCEED', 'FAIL', 'RETRY', 'CANCEL']),
  Payload: z.string().nullish(),
  Error: ErrorObject.nullish(),
  ContextOptions: z.object({ ReplayChildren: z.boolean().nullish() }).nullish(),
  StepOptions: z.object({ NextAttemptDelaySeconds: Seconds.nullish() }).nullish(),
  WaitOptions: z.object({ WaitSeconds: Seconds.nullish() }).nullish(),
  CallbackOptions: z
    .object({ TimeoutSeconds: Seconds.nullish(), HeartbeatTimeoutSeconds: Seconds.nullish() })
    .nullish(),
  ChainedInvokeOptions: z.object({ FunctionName: z.string(), TenantId: z.string().nullish() }).nullish(),
});
export type OperationUpdate = z.infer<typeof OperationUpdate>;

/** @throws ApiError InvalidParameterValueException with the first invalid field */
export function parseUpdates(updates: unknown): OperationUpdate[] {
  const parsed = z.array(OperationUpdate).nullish().safeParse(updates);
  if (parsed.success) return parsed.data ?? [];
  const issue = parsed.error.issues[0];
  throw invalidParameter(`Updates.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
}

/** A stored durable operation. Times are milliseconds since the Unix epoch, by this machine's clock. */
export type Operation = {
  id: string;
  type: OperationType;
  status: OperationStatus;
  startedAt: number;
  endedAt?: number;
  parentId?: string;
  name?: string;
  subType?: string;
  /** The result: output of the handler's serializer, usually JSON; for a callback, the data as sent. */
  result?: string;
  error?: ErrorObject;
  /** For the execution. */
  input?: string;
  /** For a step: the number of finished attempts. */
  attempt?: number;
  nextAttemptAt?: number;
  /** For a wait. */
  waitSeconds?: number;
  scheduledEndAt?: number;
  /** For a callback. */
  callbackId?: string;
  heartbeatSeconds?: number;
  /** For a context whose result is too large to store: its children are returned again, to recreate the result. */
  replayChildren?: boolean;
  /** For a chained invoke. `childArn` is created before the child exists; a plain function has none. */
  functionRef?: string;
  payload?: string;
  tenantId?: string;
  childArn?: string;
};

const CLOSED: readonly OperationStatus[] = ['SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT', 'STOPPED'];
export const isClosed = (operation: Operation): boolean => CLOSED.includes(operation.status);
