import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentId } from '../../schemas/config/names.ts';

/** Withdraws all open questions of a closed incident, and completes their callbacks. */
export async function withdrawQuestions(
  deps: Pick<Deps, 'incidents' | 'decisions' | 'engine'>,
  id: IncidentId,
): Promise<{ withdrawn: number }> {
  const [incident, shown] = await Promise.all([deps.incidents.read(id), deps.incidents.view(id)]);
  const waiting = (shown?.decisions ?? []).flatMap((decision) =>
    decision.state === 'waiting' ? [Number(decision.id.split('-').at(-1))] : [],
  );
  for (const number of waiting) {
    await deps.decisions.expire(id, number);
    const callback = incident?.callbacks[`decision-${number}`];
    if (callback !== undefined) await deps.engine.completeCallback(callback);
  }
  return { withdrawn: waiting.length };
}
