import { type MessageSource, refusalOf, whileInProgress } from '../../actions/input-in-progress.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { inTime } from '../../stores/in-time.ts';
import type { Batch, FailedMessage, Message } from '../../../platforms/queues.ts';

/** Milliseconds reserved at the end of an invocation to report failures. */
const REPORT_MS = 3_000;

/** Seconds until a failed message is delivered again, by the number of deliveries. The last value repeats. */
const RETRY_SECONDS = [1, 2, 4, 8, 16, 32, 60] as const;

export type BatchOptions = {
  /**
   * The time limit for a batch, in milliseconds. A batch is deleted as a whole, so a hanging group would otherwise
   * block later messages of all groups until the function times out.
   */
  patienceMs?: number;
  /** Source under which a message that stalls the process is kept in quarantine. Absent: its data is in the table. */
  quarantineAs?: MessageSource;
};

/**
 * Processes one batch: groups in parallel, the messages of one group in order. A message that fails or exceeds the time
 * limit fails together with all later ones of its group. They are delivered again within seconds. Messages without a group are
 * independent.
 *
 * @param handle resolves to false, or rejects, if the message must be delivered again. Must be idempotent, because it
 *   may still be running when the time limit ends
 */
export async function handleBatch(
  { log }: Pick<Deps, 'log'>,
  { messages, remainingMs }: Batch,
  handle: (message: Message) => Promise<boolean>,
  { patienceMs = Infinity, quarantineAs }: BatchOptions = {},
): Promise<FailedMessage[]> {
  const done = new Set<Message>();
  const timeLeft = Math.min(remainingMs() - REPORT_MS, patienceMs);
  const groups = [...Map.groupBy(messages, ({ group, id }) => group ?? id).values()];
  await withinTime(timeLeft, async (isOver) => {
    await Promise.all(
      groups.map(async (group) => {
        for (const message of group) {
          if (isOver() || !(await succeeds(message)) || isOver()) return;
          done.add(message);
        }
      }),
    );
  });
  return groups.flatMap((group) => failuresOf(group.filter((message) => !done.has(message))));

  async function succeeds(message: Message): Promise<boolean> {
    const { id, body } = message;
    const reason = refusalOf({ kind: 'message', id });
    if (reason !== undefined) {
      log.warn('a message is not processed', { queue_message: id, reason });
      return true;
    }
    try {
      if (quarantineAs === undefined) return await handle(message);
      return await whileInProgress(
        () => ({ kind: 'message', source: quarantineAs, id, body: new TextEncoder().encode(body) }),
        () => handle(message),
      );
    } catch (error) {
      log.error('a message failed; the queue delivers it again', {
        queue_message: id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      return false;
    }
  }
}

/** Returns the failed messages of a group, with the delay of the first one: none of them can be delivered before it. */
function failuresOf(failed: readonly Message[]): FailedMessage[] {
  const deliveries = failed[0]?.deliveries ?? 1;
  const afterSeconds = RETRY_SECONDS[Math.min(deliveries, RETRY_SECONDS.length) - 1] ?? 1;
  return failed.map(({ id }) => ({ id, afterSeconds }));
}

/** Waits for the work up to the time limit. `isOver` returns true after the time limit. */
async function withinTime(milliseconds: number, work: (isOver: () => boolean) => Promise<void>): Promise<void> {
  let isOver = false;
  const working = work(() => isOver);
  if (milliseconds === Infinity) return working;
  await inTime(Math.max(0, milliseconds), working);
  isOver = true;
}
