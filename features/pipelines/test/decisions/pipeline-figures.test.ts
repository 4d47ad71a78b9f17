import { describe, expect, test } from 'vitest';
import {
  branchLabel,
  countsOf,
  NAMES_MAX,
  type Observation,
  stageLabel,
  withinLimits,
} from '../../decisions/pipeline-figures.ts';

describe('the label branch', () => {
  test.each([
    ['main', 'main', 'main'],
    ['develop', 'develop', 'develop'],
    ['main', 'develop', 'other'],
    ['main', null, 'main'],
    ['trunk', null, 'trunk'],
    ['release/2.4', 'main', 'release/2.4'],
    ['hotfix-payments', 'main', 'hotfix-payments'],
    ['2.x', 'main', '2.x'],
    ['v1.4-stable', 'main', 'v1.4-stable'],
    ['feature/releases', 'main', 'other'],
    ['dependabot/npm_and_yarn/main', 'main', 'other'],
    [null, 'main', 'other'],
  ])('%s with the default branch %s: %s', (branch, default_branch, label) => {
    expect(branchLabel({ branch, default_branch })).toBe(label);
  });
});

test('the jobs of a matrix are one stage', () => {
  expect(stageLabel('test (ubuntu-latest, 24)')).toBe('test');
  expect(stageLabel('caller / build (arm64)')).toBe('caller / build');
  expect(stageLabel('(x)')).toBe('(x)');
  expect(stageLabel('n'.repeat(300))).toHaveLength(60);
});

test('a histogram counts a value in its bucket; the bound belongs to it', () => {
  const of = (value: number) => countsOf({ name: 'time_queued_seconds', labels: [''], value }).map(({ le }) => le);
  expect(of(300)).toEqual(['300', 'sum']);
  expect(of(300.5)).toEqual(['600', 'sum']);
  expect(of(90_000)).toEqual(['+Inf', 'sum']);
});

test('stages above the limit are other; known ones stay', () => {
  const stage = (n: number): Observation => ({
    name: 'pipeline_stage_duration_seconds',
    labels: [`stage ${n}`, 'succeeded'],
    value: 1,
  });
  const stored = countsOf(stage(0));
  const all = Array.from({ length: 100 }, (_, n) => stage(n + 1));
  const names = withinLimits([...all, stage(0)], stored).map(({ labels }) => labels[0]);
  expect(new Set(names).size).toBe(NAMES_MAX + 1);
  expect(names.at(-1)).toBe('stage 0');
  expect(names.at(-2)).toBe('other');
});
