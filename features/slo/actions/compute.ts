import type { ComputeOf } from '../../manifest.ts';
import { withPorts } from '../ports.ts';
import type { SLO_VIEWS } from '../reports.ts';
import { sloViews } from './views.ts';

export const views: ComputeOf<typeof SLO_VIEWS> = async (core, ids) => {
  const deps = withPorts(core);
  const config = await deps.config.current();
  const byId = new Map(config.slos.map((slo) => [String(slo.id), slo]));
  return sloViews(
    deps,
    config,
    ids.flatMap((id) => byId.get(id) ?? []),
  );
};
