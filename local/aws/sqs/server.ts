import { regionOf, serve, type EmulatedRequest, type EmulatedResponse, type Endpoint } from '../endpoint.ts';
import { arrivals } from './arrivals.ts';
import type { RequestContext, Operation, Sqs } from './context.ts';
import { openDatabase } from './database.ts';
import { deduplication } from './deduplication.ts';
import { SqsError, unknownOperation, unreadableRequest } from './errors.ts';
import { groupCommit } from './group-commit.ts';
import { messageStore } from './message-store.ts';
import { queueStore } from './queue-store.ts';
import * as queues from './queues.ts';
import { receiveMessage } from './receive.ts';
import * as send from './send.ts';
import * as settle from './settle.ts';

const CONTENT_TYPE = 'application/x-amz-json-1.0';

const operations = new Map<string, Operation>([
  ['CreateQueue', queues.createQueue],
  ['GetQueueUrl', queues.getQueueUrl],
  ['GetQueueAttributes', queues.getQueueAttributes],
  ['SetQueueAttributes', queues.setQueueAttributes],
  ['ListQueues', queues.listQueues],
  ['ListDeadLetterSourceQueues', queues.listDeadLetterSourceQueues],
  ['PurgeQueue', queues.purgeQueue],
  ['DeleteQueue', queues.deleteQueue],
  ['SendMessage', send.sendMessage],
  ['SendMessageBatch', send.sendMessageBatch],
  ['DeleteMessage', settle.deleteMessage],
  ['DeleteMessageBatch', settle.deleteMessageBatch],
  ['ChangeMessageVisibility', settle.changeMessageVisibility],
  ['ChangeMessageVisibilityBatch', settle.changeMessageVisibilityBatch],
]);

/**
 * Starts an SQS emulation: the AWS JSON 1.0 protocol over one SQLite file. A successful response means that the change
 * is on disk. Messages that were in flight when the last process died are visible again at once.
 *
 * Not emulated: tags, permissions, message move tasks, `ReceiveRequestAttemptId`, and the limits of throughput and of
 * messages in flight.
 *
 * @param options.file path of the SQLite file, or `:memory:`
 * @param options.accountId 12 digits; part of queue URLs and ARNs
 * @param options.now returns milliseconds since the Unix epoch; stamps messages and determines visibility, retention,
 *   and deduplication
 * @throws Error if another version wrote the file, or it can't be opened
 */
export async function startSqs(options: {
  file: string;
  accessKeyId: string;
  accountId?: string;
  now?: () => number;
}): Promise<Endpoint> {
  const { file, accessKeyId, accountId = '000000000000', now = Date.now } = options;
  const db = openDatabase(file, now());
  const commits = groupCommit(db);
  const sqs: Sqs = {
    queues: queueStore(db),
    messages: messageStore(db),
    deduplication: deduplication(db),
    arrivals: arrivals(),
    commits,
    accountId,
    now,
  };
  const endpoint = await serve({ accessKeyId, handle: (request) => handle(sqs, request) });
  return {
    url: endpoint.url,
    close: async () => {
      await endpoint.close(); // disconnects all callers, so that no long poll remains
      commits.close();
      db.close();
    },
  };
}

async function handle(sqs: Sqs, request: EmulatedRequest): Promise<EmulatedResponse> {
  try {
    return {
      status: 200,
      headers: { 'content-type': CONTENT_TYPE },
      body: JSON.stringify(await perform(sqs, request)),
    };
  } catch (error) {
    if (error instanceof SqsError) return refusal(error);
    throw error;
  }
}

async function perform(sqs: Sqs, request: EmulatedRequest): Promise<object> {
  const target = String(request.headers['x-amz-target'] ?? '');
  const name = target.startsWith('AmazonSQS.') ? target.slice('AmazonSQS.'.length) : target;
  const input = parse(request.body);
  const context: RequestContext = {
    origin: `http://${request.headers.host ?? 'localhost'}`,
    region: regionOf(request.headers.authorization),
    traceHeader: request.headers['x-amzn-trace-id']?.toString(),
    disconnected: request.disconnected,
  };
  if (name === 'ReceiveMessage') return receiveMessage(sqs, input, context);
  const operation = operations.get(name);
  if (operation === undefined) throw unknownOperation(name);
  return sqs.commits.run(() => operation(sqs, input, context));
}

function refusal({ shape, code, message }: SqsError): EmulatedResponse {
  return {
    status: 400,
    headers: { 'content-type': CONTENT_TYPE, 'x-amzn-query-error': `${code};Sender` },
    body: JSON.stringify({ __type: `com.amazonaws.sqs#${shape}`, message }),
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString() || '{}');
  } catch (error) {
    throw unreadableRequest(String(error));
  }
}
