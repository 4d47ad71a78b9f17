import { type Replica, startReplica } from './dynamodb-replica.ts';
import {
  type Call,
  type Fault,
  type Faults,
  json,
  jsonOf,
  lateAnswer,
  lostAnswer,
  refused,
  type Send,
  targetOf,
  withJson,
} from './wire.ts';

export type DynamoDbFault =
  /** A read without `ConsistentRead`, of a table or an index, returns the state before the latest writes. */
  | 'stale-read'
  /** Another transaction uses one of the items, so nothing is written. The SDK does not retry it. */
  | 'transaction-conflict'
  /** A request with the same `ClientRequestToken` is still in progress, so nothing is written this time. */
  | 'transaction-in-progress'
  /** Only half of a batch is processed. The rest is returned as `UnprocessedItems` or `UnprocessedKeys`. */
  | 'partial-batch'
  | 'throughput-exceeded'
  | 'throttled'
  | 'internal-error'
  /** A write is applied, and the connection breaks before the response. */
  | 'lost-answer'
  | 'late-answer';

const READS = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems']);
const WRITES = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems']);
const TABLES = new Set(['CreateTable', 'UpdateTable', 'DeleteTable']);

const isRead = ({ operation }: Call) => READS.has(operation);
const isWrite = ({ operation }: Call) => WRITES.has(operation);
const usesItems = (call: Call) => isRead(call) || isWrite(call);

/** @param options.stale maximum age of a stale read; undefined without stale reads, which saves the replica */
export function dynamoDbFaults(options: {
  send: Send;
  stale: { maxMs: number } | undefined;
  lateMs: number;
}): Faults<DynamoDbFault> {
  const { send, stale, lateMs } = options;
  let replica: Promise<Replica> | undefined;
  return {
    operationOf: targetOf,
    faults: {
      'stale-read': {
        applies: isEventuallyConsistent,
        inject: async (call) => {
          const reply = await (await replica)?.read(call);
          return reply?.status === 200 ? reply : undefined; // the primary responds to errors
        },
      },
      'transaction-conflict': refused(
        (call) => isWrite(call) && call.operation !== 'BatchWriteItem',
        transactionConflict,
      ),
      'transaction-in-progress': refused(
        (call) => call.operation === 'TransactWriteItems' && 'ClientRequestToken' in jsonOf<object>(call),
        () =>
          error(
            'TransactionInProgressException',
            'The transaction with the given request token is already in progress.',
          ),
      ),
      'partial-batch': partialBatch,
      'throughput-exceeded': refused(usesItems, () =>
        error(
          'ProvisionedThroughputExceededException',
          'The level of configured provisioned throughput for the table was exceeded. ' +
            'Consider increasing your provisioning level with the UpdateTable API.',
        ),
      ),
      throttled: refused(usesItems, () =>
        json(400, {
          __type: 'com.amazon.coral.availability#ThrottlingException',
          message: 'Throughput exceeds the current capacity of your table or index. Please try again shortly.',
        }),
      ),
      'internal-error': refused(usesItems, () => error('InternalServerError', 'Internal server error', 500)),
      'lost-answer': lostAnswer(isWrite),
      'late-answer': lateAnswer(lateMs),
    },
    send: async (call) => {
      if (stale) await (replica ??= startReplica(send, call, stale.maxMs));
      const reply = await send(call);
      if (isWrite(call)) (await replica)?.written(call);
      else if (TABLES.has(call.operation) && reply.status === 200) await (await replica)?.read(call);
      return reply;
    },
    close: async () => (await replica)?.close(),
  };
}

const error = (name: string, message: string, status = 400) =>
  json(status, { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message });

function isEventuallyConsistent(call: Call): boolean {
  if (!isRead(call) || call.operation === 'TransactGetItems') return false;
  const { ConsistentRead, RequestItems = {} } = jsonOf<{
    ConsistentRead?: boolean;
    RequestItems?: Record<string, { ConsistentRead?: boolean }>;
  }>(call);
  return ConsistentRead !== true && Object.values(RequestItems).every((table) => table.ConsistentRead !== true);
}

/**
 * Responds that one item of a transaction, chosen by the seed, is in another transaction. A single write gets a simpler
 * form of the error.
 */
function transactionConflict(call: Call) {
  const message = 'Transaction is ongoing for the item';
  if (call.operation !== 'TransactWriteItems') return error('TransactionConflictException', message);
  const { TransactItems } = jsonOf<{ TransactItems: object[] }>(call);
  const conflicting = Math.floor(call.random() * TransactItems.length);
  const reasons = TransactItems.map((_, i) =>
    i === conflicting ? { Code: 'TransactionConflict', Message: message } : { Code: 'None' },
  );
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return json(400, {
    __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
    Message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    CancellationReasons: reasons,
  });
}

type BatchRequest = { RequestItems: Record<string, unknown[] | { Keys: unknown[] }> };

const partialBatch: Fault = {
  applies: (call) =>
    ['BatchWriteItem', 'BatchGetItem'].includes(call.operation) &&
    // A batch without any processed item is rejected as a whole: throughput exceeded.
    Object.values(jsonOf<BatchRequest>(call).RequestItems).some((entry) => entriesOf(entry).length > 1),
  inject: async (call, send) => {
    const request = jsonOf<BatchRequest>(call);
    const done: BatchRequest['RequestItems'] = {};
    const left: BatchRequest['RequestItems'] = {};
    for (const [table, entry] of Object.entries(request.RequestItems)) {
      const entries = entriesOf(entry);
      const half = Math.ceil(entries.length / 2);
      done[table] = withEntries(entry, entries.slice(0, half));
      if (half < entries.length) left[table] = withEntries(entry, entries.slice(half));
    }
    const reply = await send(withJson(call, { ...request, RequestItems: done }));
    if (reply.status !== 200) return reply;
    const unprocessed = call.operation === 'BatchGetItem' ? 'UnprocessedKeys' : 'UnprocessedItems';
    return withJson(reply, { ...jsonOf<object>(reply), [unprocessed]: left });
  },
};

const entriesOf = (entry: unknown[] | { Keys: unknown[] }) => (Array.isArray(entry) ? entry : entry.Keys);
const withEntries = (entry: unknown[] | { Keys: unknown[] }, entries: unknown[]) =>
  Array.isArray(entry) ? entries : { ...entry, Keys: entries };
