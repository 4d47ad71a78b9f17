import type { Deps } from '../../domain/ports/deps.ts';
import { eachAlone } from '../each-alone.ts';
import { LOOK_SECONDS } from '../../domain/look/verdict.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import { concludeLook, removeInstances } from '../../../workflows/steps/look/look.ts';

/** Seconds after which the workflow of a look was evidently lost. */
const LOST_SECONDS = LOOK_SECONDS + 120;

/** Removes what looks have left whose workflow was lost, each minute. */
export async function tendLooks(
  deps: Parameters<typeof removeInstances>[0] & Parameters<typeof concludeLook>[0] & Pick<Deps, 'log'>,
): Promise<void> {
  const unfinished = await deps.effects.unfinished('look');
  const open = unfinished.map(({ incident, effect }) => ({ id: effect.key, incident, effect }));
  await eachAlone(deps.log, 'a look', open, async ({ incident: incidentId, effect: { key, at } }) => {
    const number = Number(key.split('-').at(-1));
    if (secondsBetween(at, deps.clock.now()) < LOST_SECONDS) return;
    if (!(await removeInstances(deps, { incidentId, number }))) return;
    deps.log.error('the workflow of a look was lost', { incident: incidentId, effect: key });
    const text = 'not tested: its workflow was lost';
    await concludeLook(deps, { incidentId, number }, { verdict: 'refused', text, curves: null });
  });
}
