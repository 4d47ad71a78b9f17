import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newDecision } from '../../../../core/domain/incidents/plan-decisions.ts';
import {
  decisionLines,
  type DecisionLines,
  LINE_MAX,
  linesOf,
} from '../../../../core/domain/messages/decision-lines.ts';
import { incidentLines } from '../../../../core/domain/messages/incident-lines.ts';
import type { DecisionInputs } from '../../../../core/domain/rollback/judgement.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { putsVersionLive } from '../../../../core/domain/changes/versions.ts';
import type { Curve } from '../../../../core/domain/correlation/evidence.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { DecisionView } from '../../../../schemas/incidents/incident.ts';
import { anyPlain, before, clearly, inputsOf, INCIDENT, NOON } from '../../arbitraries.ts';
import { incident, story } from '../../stories.ts';
import { runs } from '../../../support/runs.ts';

const decided = (inputs: DecisionInputs) =>
  newDecision(
    { id: INCIDENT as IncidentId, number: 1, at: NOON, digest: 'd', answerSeconds: 900 },
    decide(inputs),
    inputs,
  );

const SECONDS = 30;

/** Builds samples from an hour before to a minute after the alert, with a step. */
const step = (usual: number, after: number, at: number): Curve =>
  Array.from({ length: 122 }, (_, index) => {
    const seconds = index * SECONDS - 3600;
    return [plusSeconds(NOON, seconds), seconds < at ? usual : after] as const;
  });

const anyStep = fc
  .record({
    usual: fc.constantFrom(0, 0.001, 0.2),
    after: fc.constantFrom(0, 0.05, 0.42),
    at: fc.integer({ min: -900, max: 30 }),
  })
  .map(({ usual, after, at }) => step(usual, after, at));

const anyVersion = (version: string) =>
  fc.record({
    version: fc.constant(version),
    curve: anyStep,
    traffic: fc.option(fc.constantFrom(step(0, 8, -480), step(8, 8, 0), step(8, 0, -60))),
  });

/** Any measurements, and other failing services. */
const anyEvidence = fc.record({
  health: fc.option(fc.record({ max: fc.constant(0.01), curve: anyStep, window: fc.constantFrom(null, 60, 300) })),
  by_version: fc.option(fc.tuple(anyVersion('v1'), anyVersion('v2'))),
  alert_versions: fc.constantFrom([], ['v2'], ['v1', 'v2']),
  failing: fc.array(
    fc.record({
      service: fc.constantFrom('cart', 'payments', 'search', 'ledger'),
      since: fc.constantFrom(before(9), before(1)),
      relation: fc.constantFrom('dependent', 'dependency', 'unrelated'),
      changed_at: fc.constant(null),
    }),
    { maxLength: 4 },
  ),
});

const anyInputs: fc.Arbitrary<DecisionInputs> = fc
  .tuple(anyPlain, fc.oneof(fc.constant({}), anyEvidence))
  .map(([plain, evidence]) => inputsOf({ ...plain, evidence }));

const PLACE = { service: 'checkout', environment: 'production' };

const wordsOf = (line: string): number => line.split(' ').filter((part) => /[\p{L}\p{N}]/u.test(part)).length;

/** Returns all text of a decision, as an entrance shows it with its details. */
const wholeText = (lines: DecisionLines): string => [...linesOf(lines), ...lines.details].join('\n');

/** What must hold of every decision, by name. */
const RULES: Readonly<Record<string, (lines: DecisionLines, view: DecisionView, inputs: DecisionInputs) => void>> = {
  'each line is one short sentence, and none is empty or cut': (lines) => {
    for (const line of linesOf(lines)) {
      expect(wordsOf(line)).toBeLessThanOrEqual(LINE_MAX.words);
      expect(line).toMatch(/^\S.*[.?]$/);
      expect(line).not.toMatch(/undefined|null|NaN|\[object|\n|\.\.|: \.|because (?:not|nothing)\b/);
    }
    for (const detail of lines.details) expect(detail.trim()).not.toBe('');
  },

  'nothing is said twice': (lines) => {
    const said = [...linesOf(lines), ...lines.details];
    expect([...new Set(said)]).toEqual(said);
  },

  'the first line says what is done, and the last one why it is not': ({ action, hesitation }, { kind, would }) => {
    const starts = {
      roll_back: /^Rolling /,
      approve: /\? (?:Approve or reject|Choose one or none) by 12:15 UTC\.$|^Choose one of /,
      wait: /^Firebreak judges again 60 seconds later, before it asks\.$/,
      suggest: /^(?:Consider whether to |Look at |If )/,
      shadow: /\(shadow mode\)\.$|^(?:Look at|If) /,
      none: /^(?:Look at|Find out|If) /,
    };
    expect(action).toMatch(starts[kind]);
    if (kind === 'roll_back') expect(hesitation).toBeNull();
    else
      expect(hesitation).toMatch(/^(?:Asks|Would ask|Waits|Only suggests|Would only suggest|Does not act) because \S/);
    if (would !== undefined) expect(action).toMatch(/^Would have /);
  },

  'no other cause is named below 10 %, and a confidence is in per cent': (lines) => {
    const text = wholeText(lines);
    expect(text).not.toMatch(/\(0(?:\.\d+)?\)|confidence \d/);
    for (const [, share] of text.matchAll(/\((\d+) %\)[^;.]*could also be the cause/g))
      expect(Number(share)).toBeGreaterThanOrEqual(10);
    for (const [, likely, share] of text.matchAll(/(\w+) cause: \S+ \((\d+) %\)/g))
      expect(likely).toBe(Number(share) >= 50 ? 'Probable' : 'Possible');
  },

  'nothing says that there is no other change while a newer one of the last two hours is known': (
    lines,
    _,
    { targets, evidence: { onset } },
  ) => {
    const since = plusSeconds(onset.alertStartedAt, -2 * 3600);
    const changes = (targets[0]?.changes ?? []).filter((one) => (one.finished_at ?? one.started_at) >= since);
    const tried = changes.findLast((one) => one.rolled_back_by === INCIDENT);
    const isNewer = (one: Change): boolean =>
      putsVersionLive(one) &&
      tried !== undefined &&
      one.started_at > tried.started_at &&
      one.rolled_back_by !== INCIDENT &&
      one.made_for !== INCIDENT;
    if (changes.some(isNewer)) expect(wholeText(lines)).not.toMatch(/no other change/i);
  },

  'the lines agree': (lines, { kind, from_version: from }) => {
    const text = wholeText(lines);
    if (kind === 'roll_back') expect(text).not.toMatch(/so a person|not proved|probably no change/i);
    if (/nothing to roll back|probably no change/.test(text)) expect(lines.action).not.toMatch(/^Roll|^Consider/);
    if (from !== null && kind === 'approve') expect(lines.action).toContain(from);
  },
};

describe('of any decision,', () => {
  test('the lines keep all rules', () => {
    fc.assert(
      fc.property(anyInputs, (inputs) => {
        const { view } = decided(inputs);
        const lines = decisionLines(view, PLACE);
        for (const [rule, holds] of Object.entries(RULES)) {
          try {
            holds(lines, view, inputs);
          } catch (error) {
            throw new Error(`${rule}:\n${wholeText(lines)}`, { cause: error });
          }
        }
      }),
      { numRuns: runs(50) },
    );
  });

  test('an incident in any state tells it in the same order', () => {
    fc.assert(
      fc.property(
        anyInputs,
        fc.constantFrom('open', 'mitigating', 'mitigated', 'resolved'),
        fc.constantFrom('not_needed', 'pending', 'passed', 'failed', 'inconclusive'),
        fc.boolean(),
        (inputs, status, verification, paused) => {
          const { view } = decided(inputs);
          const lines = incidentLines(
            story({ incident: incident({ status, verification, automation_paused: paused }), decisions: [view] }),
          );
          expect(wordsOf(lines.action)).toBeLessThanOrEqual(LINE_MAX.words);
          for (const line of linesOf(lines)) expect(line).toMatch(/^\S.*[.?]$/);
          if (status === 'resolved') expect(linesOf(lines)).toHaveLength(1);
          if (paused && status !== 'resolved') expect(linesOf(lines).at(-1)).toContain('is paused');
        },
      ),
      { numRuns: runs(50) },
    );
  });
});

test('the name of a person or a service stays as it is at the start of a line', () => {
  const byName = (code: 'requested_by_person' | 'second_person' | 'several_fail', text: string) => {
    const by = {
      kind: 'approve',
      state: 'rejected',
      approvals: { needed: 2, given: ['admin'] },
      target: null,
    } as const;
    return decisionLines({ ...by, from_version: 'v2', to_version: 'v1', reasons: [{ code, text }] } as never, PLACE);
  };
  expect(byName('requested_by_person', 'admin requested it').evidence).toBe('admin requested it.');
  const asked = byName('second_person', 'admin requested it, and a second person must approve it');
  expect(JSON.stringify(asked)).not.toContain('Admin');
  expect(JSON.stringify(asked)).toContain('admin requested it, and a second person must approve it.');
  const several = 'cart and search failed at the same time, and no change of a shared service is known';
  expect(JSON.stringify(byName('several_fail', several))).toContain(`"${several}.`);
});

test('a question that was withdrawn does not say that it was done, although a later decision did it', () => {
  const asked: DecisionView = {
    ...decided(inputsOf({ ...clearly(), policy: { unknownMigration: 'act', evidence: 'proved' } })).view,
    state: 'withdrawn',
    withdrawn: { at: NOON, because: 'it was tested', done: false },
  };
  expect(asked.kind).toBe('approve');
  const place = { service: 'checkout', environment: 'production' };
  const { action } = decisionLines(asked, place, { state: 'succeeded' } as Parameters<typeof decisionLines>[2]);
  expect(action).toBe('Question withdrawn, because it was tested: "Roll checkout in production back from v2 to v1?"');
});
