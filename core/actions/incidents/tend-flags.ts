import type { Deps } from '../../domain/ports/deps.ts';
import { flagOnNumber, LOST_SECONDS } from '../../domain/rollback/switched-flags.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import { concludeFlagOn } from '../../../workflows/steps/flag-on.ts';
import { eachAlone } from '../each-alone.ts';
import { hasFailed } from '../failed-run.ts';

/** Seconds after which a request to turn a flag on has evidently missed its start. */
const OVERDUE_SECONDS = 30;

/**
 * Starts the workflows of requests to turn a flag on that are not started yet, and ends requests whose workflow has failed
 * or was lost, each minute.
 */
export async function tendFlags(
  deps: Pick<Deps, 'effects' | 'runs' | 'incidents' | 'decisions' | 'engine' | 'clock' | 'log'>,
): Promise<void> {
  const requests = (await deps.effects.unfinished('flag'))
    .filter(({ effect }) => effect.flag?.on === true)
    .map((request) => ({ ...request, id: request.effect.key }));
  await eachAlone(deps.log, 'a request to turn on a flag', requests, async ({ incident, effect: { key, at } }) => {
    const age = secondsBetween(at, deps.clock.now());
    if (age < OVERDUE_SECONDS) return;
    const number = flagOnNumber(key);
    const isLost = age >= LOST_SECONDS || (await hasFailed(deps, null, () => deps.runs.flag.start(incident, number)));
    if (!isLost) return;
    deps.log.error('the workflow of a request to turn on a flag was lost', { incident, effect: key });
    await concludeFlagOn(deps, incident, number, {
      state: 'failed',
      detail: 'its workflow was lost, so the state of the flag is unknown: look at the flag, and request it again',
    });
  });
}
