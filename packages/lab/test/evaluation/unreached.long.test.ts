import { describe, expect, test } from 'vitest';
import { verdictsOf } from '../../bench/measurements/monitored.ts';
import { type MonitoredCase, monitoredCases } from '../../evaluation/monitored/case.ts';
import { UNREACHED_CLASS_NAMES, type UnreachedClassName } from '../../evaluation/monitored/labels.ts';
import { CALLS, REQUESTS } from '../../evaluation/monitored/telemetry/queries.ts';
import { counterSamplesOf } from '../../evaluation/monitored/telemetry/series.ts';

const SEED = 11;

/** Returns a sixth of the cases of a class. */
const casesOf = (name: UnreachedClassName): MonitoredCase[] => [...monitoredCases(SEED, 0.15, [name])];

/** Returns the case without the query for callers in the catalogue. Their alert stays. */
function withoutCallers(one: MonitoredCase): MonitoredCase {
  const services = one.stage.services.map(({ health: { hasCallers: _callers, ...health }, ...service }) => ({
    ...service,
    health,
  }));
  return { ...one, stage: { ...one.stage, services } };
}

/** Returns what is done with evidence `proved` or `version`, and whether it undoes the cause. */
async function actions(cases: readonly MonitoredCase[], level: 'proved' | 'version' = 'proved') {
  const verdicts = await Promise.all(cases.map(verdictsOf));
  return verdicts.map(({ [level]: { action, acts } }, index) =>
    action === 'roll_back' && acts.every(({ change }) => change !== cases[index]?.label.cause) ? 'wrong' : action,
  );
}

test.each(UNREACHED_CLASS_NAMES)('%s: callers count failures that the service does not', (name) => {
  for (const { stage, telemetry, at } of casesOf(name)) {
    const failed = (metric: string): number =>
      telemetry
        .select(metric, [{ label: 'service', equals: stage.focus.name, matches: (of) => of === stage.focus.name }])
        .filter(({ labels }) => labels['code'] === '500')
        .reduce((sum, series) => {
          const { times, increments } = counterSamplesOf(series);
          const countAt = (time: number): number => increments[times.findLastIndex((one) => one <= time)] ?? 0;
          return sum + countAt(at) - countAt(stage.onset);
        }, 0);
    expect(failed(CALLS)).toBeGreaterThan(1.5 * failed(REQUESTS));
  }
});

describe('a version that refuses requests', () => {
  const cases = casesOf('unreached_deploy');

  test('is found only by its callers, and rolled back if more than one instance must fail', async () => {
    expect(new Set(await actions(cases.map(withoutCallers)))).toEqual(new Set(['none']));
    const found = await actions([...monitoredCases(SEED, 0.3, ['unreached_deploy'])]);
    expect(new Set(found)).toEqual(new Set(['ask', 'roll_back']));
  });

  test('is asked about with evidence: version', async () => {
    expect(new Set(await actions(cases, 'version'))).toEqual(new Set(['ask']));
  });
});

test.each(['unreached_node', 'unreached_network'] as const)('%s: a good version is not rolled back', async (name) => {
  const found = await actions(casesOf(name));
  expect(found).not.toContain('wrong');
  expect(found).not.toContain('roll_back');
});
