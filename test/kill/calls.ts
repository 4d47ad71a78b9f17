/** One HTTP request of the product to AWS or to a vendor, as it leaves the process. */
export type OutgoingCall = { method: string; path: string; target: string; body: string };

type Item = Record<string, { S?: string } | undefined>;
type DynamoDbInput = {
  Key?: Item;
  Item?: Item;
  ExpressionAttributeValues?: Item;
  UpdateExpression?: string;
  TransactItems?: Record<string, DynamoDbInput>[];
};
type CheckpointInput = { Updates?: { Action?: string; Name?: string; Type?: string }[] };

/**
 * What a call does, in words that are the same in every run: kinds of keys instead of keys, names of steps instead of
 * their ids. Two calls of one name are told apart by their order.
 */
export function nameOf({ method, path, target, body }: OutgoingCall): string {
  const [service = '', operation = ''] = target.split('.');
  if (service.startsWith('DynamoDB')) return dynamoDbName(operation, parse<DynamoDbInput>(body));
  if (service === 'AmazonSQS') return `${operation} ${queueOf(body)}`.trimEnd();
  if (service === 'AmazonSSM') return operation;
  const [undated = ''] = path.replace(/^\/\d{4}-\d{2}-\d{2}/, '').split('?');
  const invoked = /^\/functions\/(?:firebreak-local-)?([^/]+)\/invocations$/.exec(undated)?.[1];
  if (invoked !== undefined) return `Invoke ${decodeURIComponent(invoked).replace(/:.*$/, '')}`;
  if (undated.endsWith('/checkpoint')) return `Checkpoint ${updatesOf(body)}`;
  if (/^\/durable-execution-callbacks\/.*\/succeed$/.test(undated)) return 'SendDurableExecutionCallbackSuccess';
  if (undated.startsWith('/durable-executions/')) return `${method} durable-execution ${undated.split('/')[3] ?? ''}`.trimEnd();
  if (undated === '/v2/enqueue') return `PagerDuty ${parse<{ event_action?: string }>(body).event_action ?? ''}`;
  if (/\/rollback$/.test(undated)) return 'CD roll-back';
  if (/\/rollback\//.test(undated)) return 'CD status';
  return `${method} ${undated}`;
}

function dynamoDbName(operation: string, input: DynamoDbInput): string {
  const { TransactItems, ExpressionAttributeValues: values = {} } = input;
  if (TransactItems) {
    const writes = TransactItems.flatMap((write) => Object.entries(write));
    return `${operation} ${writes.map(([verb, each]) => `${verb} ${keyKind(each.Item ?? each.Key ?? {})}`).join(', ')}`;
  }
  const key = input.Key ?? input.Item ?? { pk: values[':pk'] ?? values[':list'], sk: values[':prefix'] ?? values[':after'] };
  const updated = /^(?:SET|ADD) ([\w#]+)/.exec(input.UpdateExpression ?? '')?.[1] ?? '';
  return `${operation} ${keyKind(key)} ${updated}`.trimEnd();
}

/** `INC#01K… / TL#2026-…` is `INC/TL`. */
function keyKind({ pk, sk }: Item): string {
  const [partition = ''] = (pk?.S ?? '').split('#');
  const [sort = ''] = (sk?.S ?? '').split('#');
  return /^[A-Z]+$/.test(sort) && sort !== partition ? `${partition}/${sort}` : partition;
}

const queueOf = (body: string): string => parse<{ QueueUrl?: string }>(body).QueueUrl?.split('/').at(-1) ?? '';

const updatesOf = (body: string): string =>
  (parse<CheckpointInput>(body).Updates ?? []).map(({ Action = '', Name, Type = '' }) => `${Action} ${Name ?? Type}`).join(', ') || 'nothing';

/** An empty object where there is no JSON: the name is then less telling, and nothing else. */
function parse<T extends object>(body: string): Partial<T> {
  try {
    return JSON.parse(body) as Partial<T>;
  } catch {
    return {};
  }
}
