import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Evidence } from '../../core/domain/correlation/evidence.ts';
import type { TargetInputs } from '../../core/domain/rollback/judgement.ts';
import { decide } from '../../core/domain/rollback/rollback.ts';
import { Mode, type ServiceName } from '../../schemas/config/names.ts';
import type { DecisionKind } from '../../schemas/incidents/incident.ts';
import { before, change, clear, NOON, type Plain } from '../core/arbitraries.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

const KINDS: Readonly<Record<string, DecisionKind>> = {
  records: 'shadow',
  suggests: 'suggest',
  asks: 'approve',
  '**rolls back**': 'roll_back',
  nothing: 'none',
};

/** A curve of one sample a minute that rises when the problem begins. */
const curve = (bad: number): NonNullable<Evidence['health']>['curve'] =>
  Array.from({ length: 92 }, (_, index) => [before(90 - index), index < 90 ? 0.001 : bad] as const);

const ONLY_V2_FAILS: Partial<Evidence> = {
  health: { max: 0.01, curve: curve(0.08) },
  by_version: [
    { version: 'v1', curve: curve(0.001), traffic: null },
    { version: 'v2', curve: curve(0.2), traffic: null },
  ],
};

const v1 = change('v1', 240);
const proved = { evidence: 'proved' } as const;
const deployed = (...changes: Plain['changes']): Partial<Plain> => ({ changes: [v1, ...changes] });

/** A deploy of another service. */
const theirs = (version: string, minutes: number) => ({
  ...change(version, minutes),
  service: 'payments' as ServiceName,
});
const own = clear().targets[0] as TargetInputs;

/** The incidents of each row of the table, without the mode. */
const ROWS: Readonly<Record<string, readonly Partial<Plain>[]>> = {
  'a deploy that is tested: of two fresh instances, only that of its version fails': [
    {
      policy: { evidence: 'tested' },
      evidence: {
        look: { suspect: 'v2', other: 'v1', verdict: 'only_suspect', text: 'only v2 fails', at: NOON } as never,
      },
    },
  ],
  'a deploy that is proved: only its version fails': [
    {
      ...deployed(change('v2', 4, { status: 'started', finished_at: null, canary_weight: 0.5 })),
      evidence: ONLY_V2_FAILS,
      policy: proved,
    },
  ],
  'a deploy that only its time speaks for': [{ policy: proved }],
  'the same, with `evidence: time`': [{}],
  'a deploy with a migration, or it is unknown whether it has one': [
    deployed(change('v2', 8, { has_migration: true })),
    deployed(change('v2', 8, { has_migration: null })),
  ],
  'a deploy that failed, of a version that was rolled back before, or of a dependency': [
    deployed(change('v2', 8, { status: 'failed' })),
    deployed(change('v2', 100, { rolled_back_by: 'another' }), change('v1', 90, { kind: 'rollback' }), change('v2', 8)),
    {
      changes: [v1],
      others: [{ ...own, service: 'payments' as ServiceName, changes: [theirs('p1', 300), theirs('p2', 6)] }],
      evidence: {
        changes: [{ change: theirs('p2', 6), relation: 'dependency', distance: 1 }],
        failing: [{ service: 'payments', since: NOON, relation: 'dependency', changed_at: before(6) }],
      },
    },
  ],
  'a deploy that a newer one has replaced': [deployed(change('v2', 8), change('v3', -3))],
  'a deploy without an earlier version known to be good': [{ changes: [change('v2', 8)] }],
  'a feature flag, with a flag service configured': [deployed(change('new-cart', 10, { kind: 'flag' }))],
  'a configuration, infrastructure, or database change': (['config', 'infrastructure', 'migration'] as const).map(
    (kind) => deployed(change('x1', 10, { kind })),
  ),
};

describe('the table of the README says what Firebreak does about', () => {
  const table = /^\| Probable cause \|.*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(README)?.[1] ?? '';
  const rows = table
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .slice(2, -2)
        .split(' | '),
    );

  test('each cause', () => expect(rows.map(([first]) => first)).toEqual(Object.keys(ROWS)));

  test.each(Object.entries(ROWS))('%s', (name, incidents) => {
    const [, ...cells] = rows.find(([first]) => first === name) ?? [];
    for (const incident of incidents) {
      const kinds = Mode.options.map((mode) => {
        const inputs = clear({ ...incident, policy: { ...incident.policy, mode } });
        return decide({ ...inputs, targets: inputs.targets.map((target) => ({ ...target, has_flags: true })) }).kind;
      });
      expect(kinds).toEqual(cells.map((cell) => KINDS[cell]));
    }
  });
});

test('the steps to connect your own systems name what a rollback needs', () => {
  const steps = /^## Connect your own systems\n([^]*?)^## /m.exec(README)?.[1] ?? '';
  for (const needed of [
    'action: auto-rollback',
    'rollback:request',
    'mode: act',
    'evidence',
    'has_migration',
    'known to be good',
  ])
    expect(steps).toContain(needed);
});

test('npm accepts each Node that starts the command line', () => {
  const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const [, oldest] = /^Node (\d+) or newer starts it/m.exec(read('docs/reference/cli.md')) ?? [];
  expect(JSON.parse(read('package.json')).engines.node).toBe(`>=${oldest}`);
});
