import { expect, test } from 'vitest';
import {
  deploysByRecords,
  type ProvabilityInputs,
  provabilityOf,
  provabilityText,
} from '../../../../core/domain/catalogue/provability.ts';
import { DEPLOYER_NOTES } from '../../../../schemas/rollback/targets.ts';
import { EnvironmentEntry } from '../../../../schemas/config/config.ts';
import { before, change } from '../../arbitraries.ts';

const BY_VERSION = { proofs: ['version' as const], missing: null, deploys: null };
const NOTHING = { proofs: [], missing: 'health.byVersion is not set', deploys: null };
const counted = (side_by_side: number, by: 'requests' | 'records' = 'requests') => ({
  ...BY_VERSION,
  deploys: { examined: 10, side_by_side, by },
});

const says = ({
  look,
  evidence,
  ...more
}: Partial<Omit<ProvabilityInputs, 'autoRollback'>> & { evidence?: string }): [text: string, ...steps: string[]] => {
  const entry = EnvironmentEntry.parse({ look, autoRollback: { evidence } });
  const can = provabilityOf({
    deployer: 'kubernetes',
    hasHealth: true,
    measured: BY_VERSION,
    propose: [],
    ...more,
    ...entry,
  } as ProvabilityInputs);
  return [provabilityText(can), ...can.steps];
};

const LOOKS = new Map(DEPLOYER_NOTES.flatMap(([kind, { look }]) => (look === undefined ? [] : [[kind, look]])));
const LOOK = `to test each suspected version, set look: {}; its credential must be allowed to ${LOOKS.get('kubernetes')}`;

test.each<[name: string, Parameters<typeof says>[0], [string, ...string[]]]>([
  ['a controlled look tests', { look: {}, measured: NOTHING }, ['tested with a fresh instance of each version']],
  [
    'a controlled look without metrics finds only instances that do not run',
    { look: {}, measured: NOTHING, hasHealth: false },
    [
      'tested with a fresh instance of each version',
      'set health.promql: without it, a look only finds instances that do not run',
    ],
  ],
  [
    'a look and passive proof are both enough with evidence: proved',
    { look: {}, evidence: 'proved' },
    ['tested with a fresh instance of each version, or proved when two versions run side by side'],
  ],
  [
    'versions side by side prove, as often as that happened',
    { measured: counted(2) },
    ['proved when two versions run side by side (2 of the last 10 deploys)', LOOK],
  ],
  [
    'a deployer that can run no look gets no recommendation of one',
    { deployer: 'flagger', measured: counted(2, 'records') },
    ['proved when two versions run side by side (2 of the last 10 deploys by the recorded times)'],
  ],
  [
    'no deploy of the last ten could have been proved',
    { measured: counted(0) },
    ['asks only: in none of the last 10 deploys, both versions served for 60 s', 'roll out in steps, or slower', LOOK],
  ],
  [
    'short recorded times alone are no reason to say "asks only"',
    { deployer: 'http', measured: counted(0, 'records') },
    ['proved when two versions run side by side (0 of the last 10 deploys by the recorded times)'],
  ],
  [
    'only canaries can be proved',
    { deployer: 'http', measured: { ...NOTHING, proofs: ['canary'] }, propose: ["byVersion: 'q'"] },
    ['proved when a canary fails', "add to health: byVersion: 'q'"],
  ],
  [
    'nothing is measured by version',
    { deployer: 'http', measured: NOTHING, propose: ["byVersion: 'q'"] },
    ['asks only: health.byVersion is not set', "add to health: byVersion: 'q'"],
  ],
  [
    'a look that the target cannot run only asks',
    { deployer: 'http', look: {} },
    [
      "asks only: a deployer of kind http can't run a controlled look",
      `remove evidence: tested and look, or use a deployer of kind ${[...LOOKS.keys()].join(' or ')}`,
    ],
  ],
  [
    'evidence: tested without a look only asks',
    { evidence: 'tested' },
    ['asks only: evidence: tested needs look: {}', LOOK],
  ],
  [
    'evidence: time acts without proof',
    { evidence: 'time', deployer: 'http' },
    ['acts on the time of a deploy alone, without proof (evidence: time)'],
  ],
])('%s', (_, given, expected) => expect(says(given)).toEqual(expected));

test('the newest ten deploys are counted by their recorded times', () => {
  const quick = Array.from({ length: 9 }, (_, n) => change(`v${n + 10}`, 100 - n, { finished_at: null }));
  const slow = change('v2', 80);
  const canary = change('v3', 70, { canary_weight: 0.1 });
  const rollback = change('v2', 60, { kind: 'rollback', finished_at: before(50) });
  expect(deploysByRecords([...quick, slow, canary, rollback])).toEqual({
    examined: 10,
    side_by_side: 2,
    by: 'records',
  });
  expect(deploysByRecords([rollback])).toBeNull();
});
