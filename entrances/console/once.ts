import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../../core/domain/refusal.ts';
import type { Idempotency, IdempotencyKey } from '../../core/domain/ports/system.ts';

/** Milliseconds between two looks at a request that is in progress, and the number of looks. */
const LOOK_MS = 250;
const LOOKS = 40;

/**
 * Runs an action once for a key that identifies its whole input. A repeat gets the first result, and waits for it: after
 * a double click, the browser shows only the second response. An action that throws can be repeated.
 *
 * @returns the result of the action
 * @throws Refusal 409 if the first request takes too long, or its process has died
 */
export async function once(
  { idempotency }: { idempotency: Idempotency },
  key: IdempotencyKey,
  run: () => Promise<string>,
): Promise<string> {
  for (let look = 1; look <= LOOKS; look += 1) {
    const begun = await idempotency.begin(key, key.key);
    if (begun.kind === 'done') return begun.body;
    if (begun.kind === 'mine') return runFirst(idempotency, key, run);
    await sleep(LOOK_MS);
  }
  throw new Refusal(
    409,
    'idempotency-key-running',
    'this form was sent before, and the first request is still in progress; open the page again to see its result',
  );
}

async function runFirst(idempotency: Idempotency, key: IdempotencyKey, run: () => Promise<string>): Promise<string> {
  let body: string;
  try {
    body = await run();
  } catch (error) {
    await idempotency.end(key, 'forget');
    throw error;
  }
  await idempotency.end(key, { status: 200, body });
  return body;
}
