import type {
  DurableExecutionClient,
  DurableExecutionInvocationInput,
  DurableExecutionInvocationOutput,
} from '@aws/durable-execution-sdk-js';
import type { HistoryEvent } from '../../local/aws/lambda/history.ts';
import { untouchable } from '../support/fake-deps.ts';
import { detailsOf, payloadOf, type Run } from './history.ts';
import { handlerWith } from './play.ts';
import { lambdaContext, overTheWire, withoutCooldown } from './virtual-lambda.ts';

/** An operation as a handler is given it. */
type Operation = Record<string, unknown> & {
  Id: string;
  Type: string;
  Status: string;
  Name?: string;
  ParentId?: string;
};

type Update = Parameters<DurableExecutionClient['checkpoint']>[0]['Updates'] extends (infer U)[] | undefined
  ? U
  : never;

/** What today's code made of a recorded history: how it ended, what it did next, and which ports it would have used. */
export type Replayed = { output: DurableExecutionInvocationOutput; updates: Update[]; calls: string[] };

/**
 * Today's workflow on a history as it was after some of its events, as when a process died right there and new code took
 * over. No port answers, so it gets exactly as far as the history reaches, and one step further in each context.
 *
 * @param handlerFor makes the handler of the workflow: that of incidents unless said otherwise
 */
export async function replay(
  events: readonly HistoryEvent[],
  handlerFor: typeof handlerWith = handlerWith,
): Promise<Replayed> {
  const updates: Update[] = [];
  const calls: string[] = [];
  const client: DurableExecutionClient = {
    checkpoint: async ({ Updates = [] }) => {
      updates.push(...Updates);
      return overTheWire({ CheckpointToken: 'token', NewExecutionState: { Operations: Updates.map(taken) } });
    },
    getExecutionState: () => Promise.reject(new Error('all of the state is in the event')),
  };
  const handler = handlerFor(untouchable((call) => calls.push(call)))(client);
  const event = {
    DurableExecutionArn: 'arn:aws:lambda:us-east-1:000000000000:function:replayed:1/durable-execution/replay/replay',
    CheckpointToken: 'token',
    InitialExecutionState: { Operations: operationsOf(events) },
  } as unknown as DurableExecutionInvocationInput;
  return { output: await withoutCooldown(() => handler(event, lambdaContext)), updates, calls };
}

/** The answer to an update: the operation as it is afterwards. */
function taken(update: Update): Operation {
  const { Id = '', Type = '', Action, ...rest } = update;
  const operation = { Id, Type, ...pick(rest, ['Name', 'SubType', 'ParentId']) };
  switch (Action) {
    case 'START':
      return {
        ...operation,
        Status: 'STARTED',
        ...(Type === 'CALLBACK' ? { CallbackDetails: { CallbackId: `callback-${Id}` } } : {}),
      };
    case 'RETRY':
      return { ...operation, Status: 'PENDING', StepDetails: { Attempt: 1 } };
    case 'SUCCEED':
      return {
        ...operation,
        Status: 'SUCCEEDED',
        [`${Type === 'STEP' ? 'Step' : 'Context'}Details`]: { Result: rest.Payload },
      };
    default:
      throw new Error(`${Type} ${Id} was to ${Action}, which a replay has no reason for`);
  }
}

const pick = (from: object, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(from).filter(([key, value]) => keys.includes(key) && value !== undefined));

const TYPES: Readonly<Record<string, string>> = {
  Execution: 'EXECUTION',
  Context: 'CONTEXT',
  Step: 'STEP',
  Wait: 'WAIT',
  Callback: 'CALLBACK',
};

/** The operations that a history amounts to. What lies inside finished branches is left out, as AWS does. */
function operationsOf(events: readonly HistoryEvent[]): Operation[] {
  const operations = new Map<string, Operation>();
  for (const event of events) {
    const [, kind = '', what = ''] = /^(Execution|Context|Step|Wait|Callback)(.+)$/.exec(event.EventType) ?? [];
    const Type = TYPES[kind];
    if (Type === undefined || event.Id === undefined) throw new Error(`no replay knows ${event.EventType}`);
    const before = operations.get(event.Id) ?? {
      Id: event.Id,
      Type,
      Status: 'STARTED',
      ...pick(event, ['Name', 'SubType', 'ParentId']),
    };
    operations.set(event.Id, { ...before, ...after(event, kind, what) });
  }
  return [...operations.values()].filter(({ ParentId }) => !isInsideFinished(operations, ParentId));
}

/** A branch that has ended is handed out as its result; its own operations, and those of branches in it, are not. */
function isInsideFinished(operations: ReadonlyMap<string, Operation>, parentId: string | undefined): boolean {
  const parent = parentId === undefined ? undefined : operations.get(parentId);
  if (parent === undefined) return false;
  return parent.Status !== 'STARTED' || isInsideFinished(operations, parent.ParentId);
}

const STATUSES: Readonly<Record<string, string>> = {
  Started: 'STARTED',
  Succeeded: 'SUCCEEDED',
  Failed: 'FAILED',
  TimedOut: 'TIMED_OUT',
};

function after(event: HistoryEvent, kind: string, what: string): Record<string, unknown> {
  const details = detailsOf(event);
  const at = new Date(event.EventTimestamp * 1000).toISOString();
  const error = (details['Error'] as { Payload?: unknown } | undefined)?.Payload;
  const came = { Result: payloadOf(event, 'Result'), Error: error };
  const retry = details['RetryDetails'] as { CurrentAttempt: number; NextAttemptDelaySeconds?: number } | undefined;
  if (kind === 'Execution')
    return { StartTimestamp: at, ExecutionDetails: { InputPayload: payloadOf(event, 'Input') } };
  if (what === 'Started')
    return { Status: 'STARTED', StartTimestamp: at, [`${kind}Details`]: { CallbackId: details['CallbackId'] } };
  if (retry?.NextAttemptDelaySeconds !== undefined) {
    const due = new Date((event.EventTimestamp + retry.NextAttemptDelaySeconds) * 1000).toISOString();
    return { Status: 'PENDING', StepDetails: { ...came, Attempt: retry.CurrentAttempt, NextAttemptTimestamp: due } };
  }
  const own =
    kind === 'Step'
      ? { Attempt: retry?.CurrentAttempt }
      : kind === 'Callback'
        ? { CallbackId: `callback-${event.Id}` }
        : {};
  return { Status: STATUSES[what], EndTimestamp: at, [`${kind}Details`]: { ...came, ...own } };
}

/**
 * Everything that today's code did next, as sentences, where the history says otherwise; none when it goes on as recorded.
 * Operations are known by their place, so one with the same id has to be the same operation.
 */
export function strangers({ events }: Run, updates: readonly Update[]): string[] {
  const started = new Map(
    events.filter(({ EventType }) => EventType.endsWith('Started')).map((event) => [event.Id, event]),
  );
  return updates.flatMap((update) => {
    const recorded = started.get(update.Id);
    if (recorded === undefined) return [`${spell(update)}, which the history does not know`];
    const [was, is] = [spellRecorded(recorded), spell(update)];
    return was === is ? [] : [`${is}, where the history has ${was}`];
  });
}

const spell = ({ Type, SubType, Name, ParentId, WaitOptions, CallbackOptions }: Update): string =>
  words(Type, SubType, Name, ParentId, WaitOptions?.WaitSeconds ?? CallbackOptions?.TimeoutSeconds);

function spellRecorded(event: HistoryEvent): string {
  const details = detailsOf(event);
  const Type = TYPES[event.EventType.slice(0, -'Started'.length)];
  return words(Type, event.SubType, event.Name, event.ParentId, details['Duration'] ?? details['Timeout']);
}

const words = (...parts: unknown[]): string => parts.map((part) => JSON.stringify(part ?? null)).join(' ');
