import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRecord } from '../../decisions/public-record.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { PublicIncident } from '../../schemas/public-incident.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { at } from '../support/public-incidents.ts';
import { incident } from '../../../../test/core/stories.ts';

const config = (publish: 'auto' | 'approve' = 'auto') =>
  Config.parse({
    version: 'test',
    services: { checkout: { statusPage: { components: ['Checkout', 'Payments'], publish } } },
    paging: {},
  });

const OPENED = at('2026-11-20T12:00:00Z');
const after = (minutes: number): Timestamp => plusSeconds(OPENED, minutes * 60);
const open = (more: Partial<IncidentRecord> = {}): IncidentRecord => incident({ opened_at: OPENED, ...more });

/** Returns the record after the incident was in these states, a minute apart. */
function recordAfter(states: readonly Partial<IncidentRecord>[], of = config()): PublicIncident | undefined {
  let record: PublicIncident | undefined;
  for (const [index, state] of states.entries()) {
    const plan = planRecord(record, open(state), of, { id: 'public', now: after(index + 1) });
    if (plan.kind === 'write') record = plan.record;
  }
  return record;
}

const resolved = { status: 'resolved', resolved_at: after(90) } as const;

describe('the public record of an incident', () => {
  test('begins when the incident opened, although it is published later', () => {
    expect(recordAfter([{}])).toMatchObject({
      id: 'public',
      started_at: OPENED,
      published_at: after(1),
      resolved_at: null,
      states: [{ at: OPENED, state: 'major_outage' }],
      updates: [{ at: after(1), status: 'investigating' }],
    });
  });

  test('has an update for each change of its status, and ends when the incident was resolved', () => {
    const record = recordAfter([{}, { severity: 'warning' }, { status: 'mitigated' }, resolved]);
    expect(record?.updates.map(({ status }) => status)).toEqual(['investigating', 'monitoring', 'resolved']);
    expect(record?.states).toEqual([
      { at: OPENED, state: 'major_outage' },
      { at: after(2), state: 'degraded_performance' },
      { at: after(90), state: 'operational' },
    ]);
    expect(record?.resolved_at).toBe(after(90));
  });

  test('continues when the incident is reopened', () => {
    const reopened = { reopened_at: after(92) };
    const again = { ...resolved, ...reopened, resolved_at: after(95) };
    const record = recordAfter([{}, resolved, reopened]);
    expect(record?.resolved_at).toBeNull();
    expect(record?.updates.map(({ status }) => status)).toEqual(['investigating', 'resolved', 'investigating']);
    expect(recordAfter([{}, resolved, reopened, again])?.resolved_at).toBe(after(95));
    expect(recordAfter([{}, resolved, reopened, again, again])).toEqual(recordAfter([{}, resolved, reopened, again]));
  });

  test('is not written before a person approves, if approval is required', () => {
    const plan = (state: Partial<IncidentRecord>) =>
      planRecord(undefined, open(state), config('approve'), { id: 'public', now: after(1) });
    expect(plan({})).toEqual({ kind: 'ask' });
    expect(plan({ published_by: 'person:ada' })).toMatchObject({ kind: 'write' });
  });

  test.each([
    ['of a service without components', { service: 'cart' as IncidentRecord['service'] }],
    ['that is not severe', { severity: 'info' }],
    ['outside production', { environment: 'staging' as IncidentRecord['environment'] }],
    ['that ended before it was published', resolved],
  ] as const)('does not exist for an incident %s', (_which, state) => {
    expect(recordAfter([state])).toBeUndefined();
  });

  test('never changes after its end', () => {
    const ended = recordAfter([{}, resolved]);
    expect(planRecord(ended, open(), config(), { id: 'public', now: after(99) })).toEqual({ kind: 'nothing' });
  });

  test('stays small however often the incident changes, and still ends', () => {
    const many = Array.from({ length: 1000 }, (_, n) => ({ status: n % 2 === 0 ? 'mitigated' : 'open' }) as const);
    const record = recordAfter([...many, resolved]);
    expect(record?.updates.length).toBeLessThanOrEqual(201);
    expect(record?.updates.at(-1)?.status).toBe('resolved');
    expect(record?.states.at(-1)?.state).toBe('operational');
  });

  test('contains no text of an incident', () => {
    const secret = 'XSECRETX';
    const state = fc.record({
      status: fc.constantFrom('open', 'mitigating', 'mitigated', 'resolved'),
      severity: fc.constantFrom('critical', 'warning'),
      title: fc.string().map((text) => `${secret}${text}`),
      channel: fc.constant(secret),
      opened_by: fc.constant(secret),
      published_by: fc.constant(secret),
      trace: fc.constant(secret),
      resolved_by: fc.constant(secret),
    });
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 8 }), (states) => {
        const record = recordAfter(states);
        expect(JSON.stringify(record ?? null)).not.toContain(secret);
      }),
    );
  });
});
