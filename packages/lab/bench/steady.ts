import { setTimeout as sleep } from 'node:timers/promises';

/** Time limit for responses after the last request was due. Milliseconds. */
const ANSWERED_WITHIN_MS = 10_000;

/** `waited`: milliseconds of each answered request. `failed`: number of failed requests by reason. */
export type Answers = { waited: number[]; failed: Map<string, number> };

/**
 * Sends requests at a steady rate, whether or not earlier ones are answered. Wait times count from when a request was due, so
 * that delays in sending are included.
 *
 * @param send rejects if the response is wrong
 */
export async function steadily(
  perSecond: number,
  seconds: number,
  send: (number: number) => Promise<void>,
): Promise<Answers> {
  const count = perSecond * seconds;
  const answers: Answers = { waited: [], failed: new Map() };
  const fail = (why: string) => void answers.failed.set(why, (answers.failed.get(why) ?? 0) + 1);
  const began = performance.now();
  const dueAt = (number: number): number => began + (number * 1000) / perSecond;
  const pending = new Set<number>();
  for (let sent = 0; sent < count;) {
    for (; sent < count && dueAt(sent) <= performance.now(); sent += 1) {
      const number = sent;
      pending.add(number);
      void send(number)
        .then(
          () => void answers.waited.push(performance.now() - dueAt(number)),
          (error: unknown) => fail(String(error)),
        )
        .finally(() => pending.delete(number));
    }
    await sleep(1);
  }
  const end = dueAt(count) + ANSWERED_WITHIN_MS;
  while (pending.size > 0 && performance.now() < end) await sleep(10);
  for (const _ of pending) fail('no response in time');
  return { waited: [...answers.waited], failed: new Map(answers.failed) };
}
