import type { Config } from '../../../schemas/config/config.ts';
import type { Expectation, RecordedIncident } from '../recording.ts';
import type { Outcome } from './outcome.ts';
import { replayIncident } from './replay-incident.ts';

/** Returns what happened in a recorded incident, as the expectation of its test case. */
export const recordedExpectation = ({ decisions, runbooks, pages }: RecordedIncident): Expectation => ({
  incident: true,
  pages: pages.length,
  decisions: Object.fromEntries(
    decisions.flatMap(({ number, kind, inputs }) =>
      inputs !== null && 'evidence' in inputs ? [[String(number), kind]] : [],
    ),
  ),
  runbooks: runbooks.filter(({ by_person }) => !by_person).map(({ name }) => name),
});

/** Result of a test case. `failures`: where the policy differs from the expectation. Empty: it passes. */
export type CaseResult = { failures: string[]; unknown: readonly string[] };

/** Runs a recorded incident as a test case of a policy. */
export function runCase(recorded: RecordedIncident, policy: Config): CaseResult {
  const outcome = replayIncident(recorded, policy);
  const { expect } = recorded;
  if (expect === undefined || Object.values(expect).every((value) => value === undefined))
    return { failures: ['it has no "expect", so nothing is checked'], unknown: [] };
  return { failures: failuresOf(expect, outcome), unknown: outcome.unknown };
}

function failuresOf(expected: Expectation, { opened_at, pages, decisions, runbooks }: Outcome): string[] {
  const failures: string[] = [];
  const check = (what: string, wanted: unknown, found: unknown): void => {
    const [a, b] = [JSON.stringify(wanted), JSON.stringify(found)];
    if (wanted !== undefined && a !== b) failures.push(`${what}: expected ${a}, but the policy gives ${b}`);
  };
  check('incident', expected.incident, opened_at !== null);
  check('pages', expected.pages, pages.length);
  const found = new Map(decisions.map(({ number, kind }) => [String(number), kind]));
  for (const [number, kind] of Object.entries(expected.decisions ?? {}))
    check(`decision ${number}`, kind, found.get(number) ?? null);
  check('runbooks', expected.runbooks?.toSorted(), runbooks.map(({ name }) => name).toSorted());
  return failures;
}
