import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Deps } from '../domain/ports.ts';

/** How long the invocation may still take. */
export type Deadline = Pick<Context, 'getRemainingTimeInMillis'>;

/** For callers without a time limit. */
export const NO_DEADLINE: Deadline = { getRemainingTimeInMillis: () => Infinity };

/** Kept free at the end of an invocation to report failures. Milliseconds. */
const REPORT_MS = 3_000;

/** Seconds until a failed message is delivered again, by how often it was received. The last one repeats. */
const RETRY_SECONDS = [1, 2, 4, 8, 16, 32, 60] as const;

export type BatchOptions = {
  /**
   * Milliseconds that a batch may take at most. A batch is deleted as a whole, so one group that hangs would otherwise
   * block the later messages of all others until the function times out.
   */
  patienceMs?: number;
};

/**
 * Processes the records of one SQS batch: message groups in parallel, the messages of one group in order. A message that
 * fails, or is not done in time, fails with all later ones of its group; they are delivered again within seconds, not
 * after the visibility timeout of the queue. Without a group (standard queue) each record is on its own.
 *
 * @param handle resolves to false, or rejects, when the record is to be delivered again. It may still be running when the
 *   time is up, so it has to be safe to repeat
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
  await within(timeLeft, async (isOver) => {
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
      log.warn('failed messages could not be returned early; they come again after the visibility timeout', {
        error: String(error),
      });
    }
  }
  return {
    batchItemFailures: Records.filter((one) => !done.has(one)).map(({ messageId: itemIdentifier }) => ({
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

/** All by the first one: while any message of a group is invisible, SQS delivers none of them. */
function retriesOf(failed: readonly SQSRecord[]): { queueArn: string; receiptHandle: string; afterSeconds: number }[] {
  const receives = Number(failed[0]?.attributes.ApproximateReceiveCount ?? 1);
  const afterSeconds = RETRY_SECONDS[Math.min(receives, RETRY_SECONDS.length) - 1] ?? 1;
  return failed.map(({ eventSourceARN: queueArn, receiptHandle }) => ({ queueArn, receiptHandle, afterSeconds }));
}

/** Waits for the work, but at most so long. `isOver` tells the work that nobody waits any more. */
async function within(milliseconds: number, work: (isOver: () => boolean) => Promise<void>): Promise<void> {
  let over = false;
  const working = work(() => over);
  if (milliseconds === Infinity) return working;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, milliseconds));
  });
  await Promise.race([working, timeout]);
  clearTimeout(timer);
  over = true;
}
