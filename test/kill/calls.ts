/** One HTTP request of the product to AWS or to a vendor, when it leaves the process. */
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
 * Returns names for the effect of a call that are the same in every run: kinds of keys instead of keys, names of steps
 * instead of their IDs. Calls of one name are distinguished by their order. A checkpoint has a name for each of its
 * updates, since chance decides which updates are sent together.
 */
export function namesOf(call: OutgoingCall): readonly string[] {
  const updates = undated(call).endsWith('/checkpoint') ? (parse<CheckpointInput>(call.body).Updates ?? []) : [];
  if (updates.length === 0) return [nameOf(call)];
  return updates.map(({ Action = '', Name, Type = '' }) => `Checkpoint ${Action} ${Name ?? Type}`);
}

/** Returns whether a call only serves projections: a mark, a lease, a wake-up, or stored projection state. */
export const isShowing = (name: string): boolean => OF_PROJECTIONS.some((calls) => calls.test(name));

const OF_PROJECTIONS = [
  /^\w+ (?:\w+ )?(?:DUE|PROJECTOR|PRJ|COUNTER)\b[^,]*$/, // excludes marks within another transaction
  /^\w+ firebreak-(?:slack|statuspage|grafana|tickets)$/,
  /^Invoke project$/,
];

function nameOf(call: OutgoingCall): string {
  const { method, target, body } = call;
  const [service = '', operation = ''] = target.split('.');
  if (service.startsWith('DynamoDB')) return dynamoDbName(operation, parse<DynamoDbInput>(body));
  if (service === 'AmazonSQS') return `${operation} ${queueOf(body)}`.trimEnd();
  if (service === 'AmazonSSM') return operation;
  const path = undated(call);
  const invoked = /^\/functions\/(?:firebreak-local-)?([^/]+)\/invocations$/.exec(path)?.[1];
  if (invoked !== undefined) return `Invoke ${decodeURIComponent(invoked).replace(/:.*$/, '')}`;
  if (/^\/durable-execution-callbacks\/.*\/succeed$/.test(path)) return 'SendDurableExecutionCallbackSuccess';
  if (path.startsWith('/durable-executions/'))
    return `${method} durable-execution ${path.split('/')[3] ?? ''}`.trimEnd();
  if (path === '/v2/enqueue') return `PagerDuty ${parse<{ event_action?: string }>(body).event_action ?? ''}`;
  if (path.endsWith('/rollback')) return 'CD roll-back';
  if (path.includes('/rollback/')) return 'CD status';
  if (/^\/[^/]+\/evidence\//.test(path)) return `${method} evidence`;
  return outletName(method, path) ?? `${method} ${path}`;
}

/** Returns the name of a call to a vendor that shows incidents. Reads are GET requests, except in Slack. */
function outletName(method: string, path: string): string | undefined {
  const [, slack] = /^\/api\/([a-z]+\.[a-zA-Z.]+)$/.exec(path) ?? [];
  if (slack !== undefined) return `Slack ${slack}`;
  const [, statuspage] = /^\/v1\/pages\/\w+\/(\w+)/.exec(path) ?? [];
  if (statuspage !== undefined) return `Statuspage ${method} ${statuspage}`;
  if (path.startsWith('/api/annotations')) return `Grafana ${method} annotations`;
  const [, github] = /^\/repos\/.*\/(issues|comments)$/.exec(path) ?? [];
  return github === undefined ? undefined : `GitHub ${method} ${github}`;
}

/** Returns the path without its query, and without the date in paths of Lambda's API. */
const undated = ({ path }: OutgoingCall): string => path.replace(/^\/\d{4}-\d{2}-\d{2}/, '').replace(/\?.*$/, '');

function dynamoDbName(operation: string, input: DynamoDbInput): string {
  const { TransactItems, ExpressionAttributeValues: values = {} } = input;
  if (TransactItems) {
    const writes = TransactItems.flatMap((write) => Object.entries(write));
    return `${operation} ${writes.map(([verb, each]) => `${verb} ${keyKind(each.Item ?? each.Key ?? {})}`).join(', ')}`;
  }
  const key = input.Key ??
    input.Item ?? { pk: values[':pk'] ?? values[':list'], sk: values[':prefix'] ?? values[':after'] };
  const updated = /^(?:SET|ADD) ([\w#]+)/.exec(input.UpdateExpression ?? '')?.[1] ?? '';
  return `${operation} ${keyKind(key)} ${updated}`.trimEnd();
}

/** Returns the kinds of keys, such as `INC/TL` for `INC#01K… / TL#2026-…`. */
function keyKind({ pk, sk }: Item): string {
  const [partition = ''] = (pk?.S ?? '').split('#');
  const [sort = ''] = (sk?.S ?? '').split('#');
  return /^[A-Z]+$/.test(sort) && sort !== partition ? `${partition}/${sort}` : partition;
}

const queueOf = (body: string): string => parse<{ QueueUrl?: string }>(body).QueueUrl?.split('/').at(-1) ?? '';

/** Returns an empty object for invalid JSON. This only makes the name less specific. */
function parse<T extends object>(body: string): Partial<T> {
  try {
    return JSON.parse(body) as Partial<T>;
  } catch {
    return {};
  }
}
