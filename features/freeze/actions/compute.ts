import type { ComputeOf, ComputeReport } from '../../manifest.ts';
import { stateAt, viewOf } from '../decisions/state.ts';
import { withPorts } from '../ports.ts';
import type { CURRENT_FREEZES, FREEZES, REQUIRED_FREEZE } from '../reports.ts';
import type { Freeze } from '../schemas/freeze.ts';
import { mayRead } from './freezes.ts';
import { recordComputedFreezes, requiredFreeze } from './record-freezes.ts';

/** Returns whether the reader of a report may read a freeze. */
export const readableBy =
  (may: Parameters<ComputeReport>[2]) =>
  (freeze: Pick<Freeze, 'service' | 'environment'>): boolean =>
    mayRead((scope) => may('freezes:read', scope), freeze);

export const list: ComputeOf<typeof FREEZES> = async (core, { limit, cursor, ...wanted }, may) => {
  const deps = withPorts(core);
  if (cursor === undefined) await recordComputedFreezes(deps);
  const at = deps.clock.now();
  const isReadable = readableBy(may);
  const page = await deps.freezes.list(
    { limit, ...(cursor !== undefined && { cursor }) },
    (freeze) =>
      isReadable(freeze) &&
      (wanted.service === undefined || freeze.service === wanted.service) &&
      (wanted.environment === undefined || freeze.environment === wanted.environment) &&
      (wanted.state === undefined || stateAt(freeze, at) === wanted.state),
  );
  return { ...page, items: page.items.map((freeze) => viewOf(freeze, at)) };
};

export const current: ComputeOf<typeof CURRENT_FREEZES> = async (core, _, may) => {
  const deps = withPorts(core);
  // Otherwise, only the next evaluation records freezes of the calendar and of incidents.
  await recordComputedFreezes(deps);
  const at = deps.clock.now();
  const isReadable = readableBy(may);
  return (await deps.freezes.current()).filter((freeze) => stateAt(freeze, at) !== 'over' && isReadable(freeze));
};

export const required: ComputeOf<typeof REQUIRED_FREEZE> = async (core, { id }) =>
  (await requiredFreeze(withPorts(core), id)) ?? null;
