import {
  type Call,
  type Faults,
  json,
  jsonOf,
  lateAnswer,
  lostAnswer,
  refused,
  type Reply,
  type Send,
  targetOf,
  withJson,
} from './wire.ts';

export type SqsFault =
  | 'throttled'
  | 'internal-error'
  /** A send, delete, or change of visibility is applied, and the connection breaks before the response. */
  | 'lost-answer'
  /** Messages are received, and invisible to others, but the response with them is lost. */
  | 'lost-receive'
  /** A standard queue delivers a message again, even if it was deleted. Never for FIFO. */
  | 'duplicate-delivery'
  /** Messages are visible again while their consumer processes them, as if it had taken too long. Also for FIFO. */
  | 'visible-again'
  /** A receive returns immediately without messages, although there are some. */
  | 'empty-receive'
  | 'late-answer';

/** Number of delivered messages per queue that can be delivered again. */
const REMEMBERED_PER_QUEUE = 100;

const CHANGES = new Set(
  ['SendMessage', 'DeleteMessage', 'ChangeMessageVisibility'].flatMap((name) => [name, `${name}Batch`]),
);
const isReceive = ({ operation }: Call) => operation === 'ReceiveMessage';
const isChange = ({ operation }: Call) => CHANGES.has(operation);
const usesMessages = (call: Call) => isReceive(call) || isChange(call);

type Message = { Attributes?: Record<string, string> };
type Received = { Messages?: Message[] };
type WithQueue = { QueueUrl?: string; QueueUrls?: string[] };

/**
 * @param options.upstream origin of the program behind the proxy
 * @param options.proxy origin of the proxy. Queue URLs contain it, since an SDK client with the endpoint from its
 *   environment sends to the queue URL's host
 */
export function sqsFaults(options: { send: Send; upstream: string; proxy: string; lateMs: number }): Faults<SqsFault> {
  const { upstream, proxy, lateMs } = options;
  const delivered = new Map<string, Message[]>();

  const remember = (call: Call, { Messages = [] }: Received) => {
    const queue = queueOf(call);
    delivered.set(queue, [...(delivered.get(queue) ?? []), ...Messages].slice(-REMEMBERED_PER_QUEUE));
  };
  const deliverAgain = (call: Call): Reply | undefined => {
    const messages = delivered.get(queueOf(call)) ?? [];
    const index = Math.floor(call.random() * messages.length);
    const message = messages[index];
    if (!message) return undefined;
    messages[index] = receivedOnceMore(message);
    return json(200, { Messages: [messages[index]] });
  };

  return {
    operationOf: targetOf,
    faults: {
      throttled: refused(usesMessages, () =>
        json(
          400,
          {
            __type: 'com.amazonaws.sqs#RequestThrottled',
            message: 'The request was denied due to request throttling.',
          },
          { 'x-amzn-query-error': 'RequestThrottled;Sender' },
        ),
      ),
      'internal-error': refused(usesMessages, () =>
        json(
          500,
          {
            __type: 'com.amazon.coral.service#InternalFailure',
            message: 'We encountered an internal error. Please try again.',
          },
          { 'x-amzn-query-error': 'InternalFailure;Receiver' },
        ),
      ),
      'lost-answer': lostAnswer(isChange),
      'lost-receive': lostAnswer(isReceive),
      'duplicate-delivery': {
        applies: (call) => isReceive(call) && !queueOf(call).endsWith('.fifo'),
        inject: async (call) => deliverAgain(call),
      },
      'visible-again': {
        applies: isReceive,
        inject: async (call, send) => {
          const reply = await send(withJson(call, { ...jsonOf<object>(call), VisibilityTimeout: 0 }));
          return reply.status === 200 && jsonOf<Received>(reply).Messages?.length ? reply : undefined;
        },
      },
      'empty-receive': refused(isReceive, () => json(200, {})),
      'late-answer': lateAnswer(lateMs),
    },
    send: async (call) => {
      const reply = rehosted(await options.send(rehosted(call, upstream, proxy)), proxy);
      if (isReceive(call) && reply.status === 200) remember(call, jsonOf<Received>(reply));
      return reply;
    },
    close: async () => {},
  };
}

const queueOf = (call: Call) => jsonOf<WithQueue>(call).QueueUrl ?? '';

function receivedOnceMore(message: Message): Message {
  const count = message.Attributes?.['ApproximateReceiveCount'];
  if (count === undefined) return message;
  return { ...message, Attributes: { ...message.Attributes, ApproximateReceiveCount: `${Number(count) + 1}` } };
}

/** Returns the message with `to` as the origin of its queue URLs. With `from`, changes only URLs with that origin. */
function rehosted<T extends Call | Reply>(message: T, to: string, from?: string): T {
  const isJson = String(message.headers['content-type']).includes('json');
  if (!isJson || message.body.length === 0) return message;
  const body = jsonOf<WithQueue>(message);
  const move = (url: string) => {
    const { origin, pathname } = new URL(url);
    return from === undefined || origin === from ? to + pathname : url;
  };
  if (body.QueueUrl === undefined && body.QueueUrls === undefined) return message;
  return withJson(message, {
    ...body,
    ...(body.QueueUrl !== undefined && { QueueUrl: move(body.QueueUrl) }),
    ...(body.QueueUrls !== undefined && { QueueUrls: body.QueueUrls.map(move) }),
  });
}
