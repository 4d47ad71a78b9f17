import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { awsClient } from '../../../../aws/clients/client.ts';
import { EMULATION_LIMITS } from '../../../limits.ts';
import { REGION } from '../arns.ts';
import type { DeadLetter, Store } from '../store.ts';
import { Worker } from '../worker.ts';

/** Milliseconds before the next attempt to send to a queue that failed. */
const RETRY_MS = 1_000;

/**
 * Maximum characters of the error message, so that the attribute fits into a message. AWS itself keeps the first
 * kilobyte.
 */
const ERROR_MESSAGE_MAX_CHARS = 1_024;

/**
 * Delivers dead letters to their queues, at least once each: a dead letter is removed from the store after the queue
 * has accepted it.
 */
export class DeadLetters extends Worker {
  readonly #store: Store;
  readonly #log: (entry: object) => void;
  #sqs: SQSClient | undefined;
  #delivering = false;

  /** @param sqs undefined to create a client from the environment when the first dead letter is sent */
  constructor(store: Store, sqs: SQSClient | undefined, log: (entry: object) => void) {
    super(Date.now);
    this.#store = store;
    this.#sqs = sqs;
    this.#log = log;
  }

  protected work(): undefined {
    if (this.#delivering) return;
    this.#delivering = true;
    void this.#deliverAll().finally(() => {
      this.#delivering = false;
    });
  }

  async #deliverAll(): Promise<void> {
    for (
      let letters = this.#store.deadLetters();
      letters.length > 0 && this.isRunning;
      letters = this.#store.deadLetters()
    ) {
      for (const deadLetter of letters)
        if (!(await this.#deliver(deadLetter))) {
          if (this.isRunning) this.pokeAt(Date.now() + RETRY_MS);
          return;
        }
    }
  }

  async #deliver(deadLetter: DeadLetter): Promise<boolean> {
    this.#sqs ??= awsClient(SQSClient, EMULATION_LIMITS, { region: REGION });
    try {
      await this.#sqs.send(messageOf(deadLetter));
    } catch (error) {
      this.#log({
        event: 'dead-letter-not-delivered',
        queueUrl: deadLetter.queueUrl,
        requestId: deadLetter.requestId,
        error: String(error),
      });
      return false;
    }
    if (this.isRunning) this.#store.deleteDeadLetter(deadLetter.id);
    return this.isRunning;
  }
}

const messageOf = ({ queueUrl, body, requestId, errorCode, errorMessage }: DeadLetter) =>
  new SendMessageCommand({
    QueueUrl: queueUrl,
    MessageBody: body,
    MessageAttributes: {
      RequestID: { DataType: 'String', StringValue: requestId },
      ErrorCode: { DataType: 'Number', StringValue: errorCode },
      ErrorMessage: { DataType: 'String', StringValue: errorMessage.slice(0, ERROR_MESSAGE_MAX_CHARS) || 'unknown' },
    },
  });
