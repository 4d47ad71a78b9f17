import { type AwsRequest, type Endpoint, serve } from '../support/aws/server.ts';
import { connectTo } from '../support/forward.ts';
import type { Service } from '../support/fault-proxy.ts';
import { operationOf } from '../support/fault-proxy/lambda.ts';
import { targetOf } from '../support/fault-proxy/wire.ts';
import { keyKind, verbOf } from '../kill/calls.ts';
import { QuietTurns, TURN_MS } from './quiet-turns.ts';

/** A round of calls by their names, or a call to a vendor. */
export type Event = { round: string[] } | { call: string };

/** Calls of Lambda itself, when it invokes a function with the messages of a queue. */
const OF_EVENT_SOURCES = new Set(['ReceiveMessage', 'DeleteMessageBatch', 'ChangeMessageVisibilityBatch']);

/**
 * Holds the calls of the product to AWS until nothing else happens, and then lets all of them pass together: a round. So
 * the number of rounds between two events is the number of calls that wait for each other on the longest path, however fast
 * AWS is. Calls pass at once until `hold`.
 */
export class CallRounds {
  readonly events: Event[] = [];
  #isHolding = false;
  #held: { names: string[]; pass: () => void }[] = [];
  #awaited = 0;
  readonly #turns = new QuietTurns();
  #timer: NodeJS.Timeout | undefined;

  hold(): void {
    this.#isHolding = true;
  }

  /** From now on, calls pass at once, and nothing is recorded. */
  release(): void {
    this.#isHolding = false;
    this.#passAll();
  }

  /** Starts a proxy of a service. */
  async proxy(service: Service, upstream: string): Promise<Endpoint> {
    const { hostname: host, port } = new URL(upstream);
    const connection = connectTo({ host, port: Number(port) });
    const { url, close } = await serve(async ({ disconnected: signal, ...request }) => {
      const isHeld = this.#isHolding && !OF_EVENT_SOURCES.has(targetOf(request));
      if (!isHeld) return connection.send({ ...request, signal });
      // Secrets are read again every half a minute: chance decides whether the path waits for them.
      if (service === 'ssm') return this.#responseOf(() => connection.send({ ...request, signal }));
      await new Promise<void>((pass) => this.#wait(namesOf(service, request), pass));
      return this.#responseOf(() => connection.send({ ...request, signal }));
    });
    return {
      url,
      close: async () => {
        connection.close();
        await close();
      },
    };
  }

  /** Records a call to a vendor, which is not held. */
  async called<T>(path: string, effect: () => Promise<T>): Promise<T> {
    if (this.#isHolding) this.events.push({ call: path });
    return this.#responseOf(effect);
  }

  async #responseOf<T>(response: () => Promise<T>): Promise<T> {
    this.#awaited += 1;
    try {
      return await response();
    } finally {
      this.#awaited -= 1;
      this.#turns.reset();
    }
  }

  #wait(names: string[], pass: () => void): void {
    this.#held.push({ names, pass });
    this.#turns.reset();
    this.#timer ??= setInterval(() => this.#turn(), TURN_MS);
  }

  #turn(): void {
    if (this.#turns.areOver(this.#awaited > 0)) this.#passAll();
  }

  #passAll(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const round = this.#held;
    this.#held = [];
    if (round.length > 0 && this.#isHolding)
      this.events.push({ round: round.flatMap(({ names }) => names).toSorted() });
    for (const { pass } of round) pass();
  }
}

type Attributes = Record<string, { S?: string }>;
type Write = { Item?: Attributes; Key?: Attributes };
type Input = Write & {
  TransactItems?: Record<string, Write>[];
  RequestItems?: Record<string, { Keys: Attributes[] }>;
  ExpressionAttributeValues?: Attributes;
  IndexName?: string;
  QueueUrl?: string;
  Names?: string[];
  Updates?: { Action: string; Name?: string; Type: string }[];
};

/**
 * Returns names that are the same in every run: kinds of keys instead of keys, names of steps instead of IDs. A checkpoint
 * has a name for each of its updates, since chance decides which updates are sent together.
 */
function namesOf(service: Service, request: Pick<AwsRequest, 'method' | 'path' | 'headers' | 'body'>): string[] {
  if (service === 's3') return [`${request.method} ${request.path.split('?')[0] ?? ''}`];
  const operation = service === 'lambda' ? operationOf(request) : targetOf(request);
  const text = request.body.toString();
  const input = (text === '' ? {} : JSON.parse(text)) as Input;
  if (operation === 'CheckpointDurableExecution')
    return [
      'Checkpoint',
      ...(input.Updates ?? []).map(({ Action, Name, Type }) => `Checkpoint ${Action} ${Name ?? Type}`),
    ];
  const detail = service === 'dynamodb' ? itemsOf(input) : (input.QueueUrl?.replace(/.*firebreak-/, '') ?? '');
  return [`${operation} ${detail}`.trimEnd()];
}

function itemsOf({ TransactItems, RequestItems, ...input }: Input): string {
  if (TransactItems !== undefined)
    return TransactItems.flatMap((one) =>
      Object.entries(one).map(([kind, write]) => `${verbOf({ kind })} ${kindOf(write.Item ?? write.Key)}`),
    ).join(', ');
  if (RequestItems !== undefined)
    return Object.values(RequestItems)
      .flatMap(({ Keys }) => Keys.map(kindOf))
      .join(', ');
  if (input.ExpressionAttributeValues !== undefined && input.Key === undefined) {
    const [first, second] = Object.values(input.ExpressionAttributeValues).map(({ S = '' }) => S);
    return `${input.IndexName ?? ''} ${keyKind({ pk: first, sk: second })}`.trimStart();
  }
  return kindOf(input.Item ?? input.Key);
}

const kindOf = ({ pk, sk }: Attributes = {}): string => keyKind({ pk: pk?.S, sk: sk?.S });
