import { expect, test } from 'vitest';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { before, change, clear, clearing, NOON } from '../../arbitraries.ts';

const canary = change('v42', 12, { status: 'failed', canary_weight: 0, finished_at: NOON });
const terraform = change('tf-119', 6, { kind: 'infrastructure' });
const flag = change('new-basket', 9, { kind: 'flag' });

const aborted = {
  change_id: canary.id,
  version: 'v42',
  stable_version: 'v41',
  reason: 'degraded at 5 %: errors: 3 % of 5,400 requests; v41 at the same time: 0.3 %',
};

/** Health of the service is measured, and good; the canary gets no requests any more. */
const minutes = Array.from({ length: 60 }, (_, index) => before(58 - index));
const measured = {
  health: { max: 0.01, window: 60, curve: minutes.map((at) => [at, 0.003] as const) },
  by_version: [
    {
      version: 'v41',
      curve: minutes.map((at) => [at, 0.003] as const),
      traffic: minutes.map((at) => [at, 90] as const),
    },
  ],
} satisfies Partial<Evidence>;

const decided = (evidence: Partial<Evidence>, by: 'none' | 'runbook' = 'none') =>
  decide(
    clear({
      request: { by, name: '' },
      changes: [change('v41', 300), canary, terraform, flag],
      evidence: { alert_versions: ['v42'], ...measured, ...evidence },
    }),
  );

test('the alert of an aborted canary names its version with the proof of the judge, and there is nothing to roll back', () => {
  for (const by of ['none', 'runbook'] as const) {
    const { kind, suspects, verdict, reasons } = decided({ aborted_canary: aborted }, by);
    expect(kind).toBe('none');
    expect(verdict).toBe('change');
    expect(suspects[0]).toMatchObject({
      version: 'v42',
      confidence: 0.99,
      reasons: [`Firebreak aborted the canary of v42: ${aborted.reason}`],
    });
    expect(suspects.slice(1).every(({ confidence }) => confidence < 0.01)).toBe(true);
    expect(reasons[0]).toEqual({
      code: 'canary_aborted',
      text: 'there is nothing to roll back: Firebreak has aborted the canary of v42, and v41 has all traffic again',
    });
    expect(reasons.at(-1)?.text).toContain('0.3 %');
  }
});

test('an aborted canary that began long before the problem by other measurements is the suspect', () => {
  const onset = { alertStartedAt: before(120), rule: null };
  expect(decided({ aborted_canary: aborted, onset }).suspects[0]).toMatchObject({ version: 'v42', confidence: 0.99 });
});

test('the alert of another system, or a person who clears the version, leaves the weights as they are', () => {
  expect(decided({}).reasons.map(({ code }) => code)).not.toContain('canary_aborted');
  const cleared = decided({ aborted_canary: aborted, cleared: [clearing(canary)] });
  expect(cleared.suspects.map(({ version }) => version)).not.toContain('v42');
  expect(cleared.reasons.map(({ code }) => code)).not.toContain('canary_aborted');
});
