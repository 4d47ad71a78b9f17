import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Deps } from '../../domain/ports/deps.ts';

/** The remaining time of the invocation. */
export type Deadline = Pick<Context, 'getRemainingTimeInMillis'>;

/** For callers without a time limit. */
export const NO_DEADLINE: Deadline = { getRemainingTimeInMillis: () => Infinity };

/** Milliseconds reserved at the end of an invocation to report failures. */
const REPORT_MS = 3_000;

/** Seconds until a failed message is delivered again, by receive count. The last value repeats. */
const RETRY_SECONDS = [1, 2, 4, 8, 16, 32, 60] as const;

export type BatchOptions = {
  /**
   * The time limit for a batch, in milliseconds. A batch is deleted as a whole, so a hanging group would otherwise
   * block later messages of all groups until the function times out.
   */
  patienceMs?: number;
};

/**
 * Processes the records of one SQS batch: message groups in parallel, the messages of one group in order. A message
 * that fails or exceeds the time limit fails together with all later ones of its group. They are delivered again within
 * seconds, not after the queue's visibility timeout. Records without a group (standard queue) are independent.
 *
 * @param handle resolves to false, or rejects, if the record must be delivered again. Must be idempotent, because it
 *   may still be running when the time limit ends
 */
export async function handleBatch(
  { redelivery, log }: Pick<Deps, 'redelivery' | 'log'>,
  { Records }: SQSEvent,
  deadline: Deadline,
  handle: (record: SQSRecord) => Promise<boolean>,
  { patienceMs = Infinity }: BatchOptions = {},
): Promise<SQSBatchResponse> {
  const done = new Set<SQSRecord>();
  const timeLeft = Math.min(deadline.getRemainingTimeInMillis() - REPORT_MS, patienceMs);
  const groups = [...Map.groupBy(Records, groupOf).values()];
  await withinTime(timeLeft, async (isOver) => {
    await Promise.all(
      groups.map(async (group) => {
        for (const record of group) {
          if (isOver() || !(await succeeds(record)) || isOver()) return;
          done.add(record);
        }
      }),
    );
  });
  const failed = groups.flatMap((group) => retriesOf(group.filter((record) => !done.has(record))));
  if (failed.length > 0) {
    try {
      await redelivery.schedule(failed);
    } catch (error) {
      log.warn('failed messages could not be returned early; SQS delivers them again after the visibility timeout', {
        error: String(error),
      });
    }
  }
  return {
    batchItemFailures: Records.filter((record) => !done.has(record)).map(({ messageId: itemIdentifier }) => ({
      itemIdentifier,
    })),
  };

  async function succeeds(record: SQSRecord): Promise<boolean> {
    try {
      return await handle(record);
    } catch (error) {
      log.error('a message failed; the queue delivers it again', {
        queue_message: record.messageId,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      return false;
    }
  }
}

const groupOf = ({ attributes, messageId }: SQSRecord): string => attributes.MessageGroupId ?? messageId;

/**
 * Returns the retries of a group, with the delay of the first message: SQS delivers none while one of them is
 * invisible.
 */
function retriesOf(failed: readonly SQSRecord[]): { queueArn: string; receiptHandle: string; afterSeconds: number }[] {
  const receives = Number(failed[0]?.attributes.ApproximateReceiveCount ?? 1);
  const afterSeconds = RETRY_SECONDS[Math.min(receives, RETRY_SECONDS.length) - 1] ?? 1;
  return failed.map(({ eventSourceARN: queueArn, receiptHandle }) => ({ queueArn, receiptHandle, afterSeconds }));
}

/** Waits for the work up to the time limit. `isOver` returns true after the time limit. */
async function withinTime(milliseconds: number, work: (isOver: () => boolean) => Promise<void>): Promise<void> {
  let isOver = false;
  const working = work(() => isOver);
  if (milliseconds === Infinity) return working;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, milliseconds));
  });
  await Promise.race([working, timeout]);
  clearTimeout(timer);
  isOver = true;
}
