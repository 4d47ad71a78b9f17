import type { Deps } from '../../domain/ports/deps.ts';
import type { PinView } from '../../../schemas/changes/pin.ts';
import type { Caller } from '../people/caller.ts';
import { Refusal } from '../../domain/refusal.ts';

type PinDeps = Pick<Deps, 'pins' | 'incidents' | 'clock'>;

/**
 * Lifts a pin, so that the version may be deployed again, with an entry in the timeline of its incident, if it has one.
 *
 * @throws Refusal 403, 404
 */
export async function liftPin(deps: PinDeps, caller: Caller, id: string): Promise<PinView> {
  const pin = await deps.pins.get(id);
  if (pin === undefined) throw unknownPin(id);
  caller.allow('versions:write', pin);
  return endPin(deps, caller, pin);
}

/** Ends a pin that the caller may end. */
export async function endPin({ pins, incidents, clock }: PinDeps, caller: Caller, pin: PinView): Promise<PinView> {
  const { id } = pin;
  const lifted = await pins.lift(id, caller.name);
  if (lifted === undefined) throw unknownPin(id);
  if (pin.incident_id === null) return lifted;
  await incidents.note(pin.incident_id, `lifted-${id}`, {
    at: clock.now(),
    actor: caller.name,
    kind: 'version.lifted',
    text: `${pin.version} may be deployed again`,
    detail: { pin: id },
  });
  return lifted;
}

const unknownPin = (id: string): Refusal => new Refusal(404, 'unknown-pin', `no pinned version has the ID ${id}`);
