import * as fc from 'fast-check';
import type { IncidentId, Severity, Version, ChangeId } from '../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { signal } from '../../support/signals.ts';
import type { MemoryIncidents } from './memory-incidents.ts';

/** An event of an incident. */
export type Fact =
  | { kind: 'paged' }
  | { kind: 'decided' }
  | { kind: 'rollback started' }
  | { kind: 'rollback ended'; well: boolean }
  | { kind: 'verified'; how: 'passed' | 'failed' | 'inconclusive' }
  | { kind: 'note' }
  | { kind: 'severity'; to: Severity }
  | { kind: 'alert' }
  | { kind: 'role taken'; by: string }
  | { kind: 'joined parent' }
  | { kind: 'left parent' }
  | { kind: 'resolved' };

export type Step = {
  fact: Fact;
  /** Milliseconds since the previous step. */
  after: number;
  /** Seconds between the timestamp of the entry and its writing. */
  late: number;
  /** Delays in milliseconds of the marks for this step; empty if they are lost. */
  marks: readonly number[];
};

const anyFact: fc.Arbitrary<Fact> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ kind: 'paged' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'decided' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'rollback started' as const }) },
  { weight: 3, arbitrary: fc.boolean().map((well) => ({ kind: 'rollback ended' as const, well })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('passed' as const, 'failed' as const, 'inconclusive' as const)
      .map((how) => ({ kind: 'verified' as const, how })),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'note' as const }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('critical' as const, 'warning' as const)
      .map((to) => ({ kind: 'severity' as const, to })),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'alert' as const }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('ada', 'kim', 'gus', 'sam').map((by) => ({ kind: 'role taken' as const, by })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'joined parent' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'left parent' as const }) },
);

const gap = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 150_000 }));
const lateness = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 100 }));
const anyMarks = fc.oneof(
  { weight: 3, arbitrary: fc.constant([0]) },
  fc.array(fc.oneof(fc.nat(2000), fc.nat(200_000)), { maxLength: 3 }),
);

const stepOf = (fact: fc.Arbitrary<Fact>, after = gap): fc.Arbitrary<Step> =>
  fc.record({ fact, after, late: lateness, marks: anyMarks });

/** Delays of steps after the end, in milliseconds. */
const soon = fc.integer({ min: 1, max: 40_000 });
const afterwards = fc.constantFrom<Fact>({ kind: 'note' }, { kind: 'rollback ended', well: true });

/** Steps from the opening to the end, and late entries. Some incidents stay open. */
export const anyHistory: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.array(stepOf(anyFact), { maxLength: 9 }),
    fc.option(stepOf(fc.constant({ kind: 'resolved' })), { freq: 6, nil: undefined }),
    fc.array(stepOf(afterwards, soon), { maxLength: 2 }),
  )
  .map(([steps, end, after]) => (end === undefined ? steps : [...steps, end, ...after]));

/** Returns the same facts at the same times, with other marks. */
export const retold = (history: readonly Step[]): fc.Arbitrary<readonly Step[]> =>
  fc
    .array(anyMarks, { minLength: history.length, maxLength: history.length })
    .map((all) => history.map((step, n) => ({ ...step, marks: all[n] ?? [] })));

export const PARENT = '01TEST00000000000000PARENT' as IncidentId;

/** Applies a fact now. After the end, only the timeline changes. */
export function happen(
  incidents: MemoryIncidents,
  id: IncidentId,
  number: number,
  { fact, late }: Step,
  now: Timestamp,
): void {
  const record = incidents.now(id);
  const dossier = incidents.of(id);
  const over = record.status === 'resolved';
  const at = plusSeconds(now, -late);
  const write = (kind: string): void =>
    incidents.write(id, String(number), { at, kind, text: `${kind} ${number}`, actor: 'person:ada' });
  const become = (change: Partial<typeof record>): void => {
    if (!over) incidents.set(id, { ...record, ...change });
  };
  switch (fact.kind) {
    case 'paged':
      dossier.effects.push({
        key: `page.${number}`,
        kind: 'page',
        target: 'pagerduty',
        class: 'keyed',
        state: 'succeeded',
        at,
        detail: 'paged',
      });
      return write('page.succeeded');
    case 'decided': {
      const suspect = { change_id: `chg_${String(number).padStart(26, '0')}` as ChangeId, version: 'v2' as Version };
      become({ suspects: [{ ...suspect, confidence: 0.9, reasons: ['deployed just before'] }] });
      dossier.decisions.push({
        id: `${id}-${number}`,
        kind: 'roll_back',
        because: 'suspect',
        at,
        digest: `digest${number}`,
        state: 'final',
        from_version: 'v2' as Version,
        to_version: 'v1' as Version,
        reasons: [{ code: 'suspect', text: `reason ${number}` }],
        answered_by: null,
        target: null,
        approvals: { needed: 1, given: [] },
      });
      return write('decision.made');
    }
    case 'rollback started':
      become({ status: 'mitigating', mitigations: record.mitigations + 1 });
      return write('rollback.started');
    case 'rollback ended':
      become(fact.well ? { status: 'mitigated', verification: 'pending' } : { status: 'open' });
      return write(fact.well ? 'mitigation.succeeded' : 'mitigation.failed');
    case 'verified':
      become({ verification: fact.how });
      return write(`verification.${fact.how}`);
    case 'note':
      return write('note');
    case 'severity':
      become({ severity: fact.to });
      return write('incident.changed');
    case 'alert':
      dossier.signals.push(
        signal({
          fingerprint: `fingerprint ${number}`,
          title: `Another alert ${number}`,
          links: { runbook: null, dashboard: `https://grafana.example/d/${number}`, source: null },
        }),
      );
      become({ signal_count: record.signal_count + 1, firing: record.firing + 1 });
      return write('alerts.joined');
    case 'role taken':
      become({ roles: { commander: { name: fact.by, shown: fact.by, slack: null, at } } });
      return incidents.write(id, String(number), { at, kind: 'role.taken', text: 'Is commander', actor: fact.by });
    case 'joined parent':
      become({ parent_id: PARENT });
      return write('incident.joined');
    case 'left parent': {
      const { parent_id: _parent, ...rest } = record;
      if (!over) incidents.set(id, rest);
      return write('incident.left');
    }
    case 'resolved':
      become({ status: 'resolved', resolved_at: now, resolved_by: null, firing: 0 });
      return write('incident.resolved');
  }
}
