import { gauge, type Sample } from '../../entrances/http/routes/metrics/exposition.ts';
import type { FeatureMetrics } from '../manifest.ts';
import { stateAt } from './decisions/state.ts';
import { withPorts } from './ports.ts';
import type { Freeze } from './schemas/freeze.ts';

/** The freezes in force. */
export const metrics: FeatureMetrics = {
  async current(deps) {
    const freezes = await withPorts(deps).freezes.current();
    const now = deps.clock.now();
    return [
      gauge(
        'firebreak_freeze_in_force',
        'Freezes in force, by scope and cause; an empty label stands for all',
        countedBy(freezes.filter((freeze) => stateAt(freeze, now) === 'in_force').map(scopeLabels)),
      ),
    ];
  },
};

/** Returns the labels of a freeze. An empty label stands for all. */
const scopeLabels = ({ service, environment, team, cause }: Freeze) => ({
  service: service ?? '',
  environment: environment ?? '',
  team: team ?? '',
  cause,
});

/** Returns a sample for each set of labels, with the number of its occurrences. */
function countedBy(all: readonly Record<string, string>[]): Sample[] {
  const counts = new Map<string, Sample>();
  for (const labels of all) {
    const [, before] = counts.get(JSON.stringify(labels)) ?? [labels, 0];
    counts.set(JSON.stringify(labels), [labels, before + 1]);
  }
  return [...counts.values()];
}
