import type { ComputeOf } from '../../manifest.ts';
import { withPorts } from '../ports.ts';
import type { BURNING_SLOS, SLO_LIST, SLO_VIEWS } from '../reports.ts';
import { burningSlos } from './burning.ts';
import { currentSlos, sloViews } from './views.ts';

/** Objectives on a page of the console. */
const ROWS_MAX = 100;

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

export const list: ComputeOf<typeof SLO_LIST> = async (core, { text, first }, may) => {
  const all = (await currentSlos(withPorts(core))).filter((slo) => may('slos:read', slo));
  const matching = all.filter(({ id, name, service, environment }) =>
    `${service} ${environment} ${name} ${id}`.toLowerCase().includes(text.toLowerCase()),
  );
  const sorted = matching.toSorted((a, b) => (a.budget_remaining ?? 2) - (b.budget_remaining ?? 2));
  return {
    items: sorted.slice(first, first + ROWS_MAX),
    matching: matching.length,
    next: sorted.length > first + ROWS_MAX ? first + ROWS_MAX : null,
    isEmpty: all.length === 0,
  };
};

export const burning: ComputeOf<typeof BURNING_SLOS> = (core, _, may) =>
  burningSlos(withPorts(core), (slo) => may('slos:read', slo));
