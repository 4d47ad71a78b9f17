import type { Deps } from '../core/domain/ports/deps.ts';
import type { IncidentId } from '../schemas/config/names.ts';
import type { Run } from './run.ts';
import { concludeFlagOn, readFlag, turnFlagOnOnce } from './steps/flag-on.ts';

/** Pauses between attempts at a busy or unavailable flag service; the last one repeats. Gives up after an hour. */
const PAUSES_SECONDS = [2, 5, 10, 20, 30, 60, 90, 120] as const;
const TRIES = 37;

type Port = 'effects' | 'config' | 'targets' | 'automation' | 'incidents' | 'decisions' | 'engine';

/**
 * Turns a feature flag on again that Firebreak has turned off in an incident, because a person requested it. The request
 * is stored as an effect of the incident. First reads the flag, and leaves it alone if someone has turned it on since.
 * `run`: number of the request within the incident.
 */
export async function flagOn(
  run: Run,
  { flagsOf: id, run: number }: { flagsOf: IncidentId; run: number },
  deps: Pick<Deps, Port>,
): Promise<'over' | 'gave_up'> {
  let isOff = false;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const result = isOff
      ? await run.step('turn-on', () => turnFlagOnOnce(deps, id, number))
      : await run.step('read-flag', () => readFlag(deps, id, number));
    if (result.kind === 'ended') {
      await run.step('conclude', () => concludeFlagOn(deps, id, number, result));
      return 'over';
    }
    if (result.kind === 'is_off') {
      isOff = true;
      continue;
    }
    const pause = PAUSES_SECONDS[Math.min(attempt, PAUSES_SECONDS.length - 1)] ?? 120;
    await run.wait('try-again', { seconds: Math.max(pause, result.afterSeconds ?? 0) });
  }
  const detail = 'the flag service gave no usable response for an hour, so the state of the flag is unknown';
  await run.step('conclude', () => concludeFlagOn(deps, id, number, { state: 'failed', detail }));
  return 'gave_up';
}
