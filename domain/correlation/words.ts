import type { ChangeKind } from '../../schemas/changes/change.ts';

/** Name of a change of this kind where its version is not given. */
const CALLED: Readonly<Record<ChangeKind, string>> = {
  deploy: 'a deploy',
  rollback: 'a rollback',
  hotfix: 'a hotfix',
  flag: 'a feature flag change',
  config: 'a configuration change',
  migration: 'a migration',
  infrastructure: 'an infrastructure change',
  experiment: 'an experiment',
};

/** Title of a change in the systems that list changes: other kinds are tags there, so they stay as they are. */
const TITLES: Readonly<Record<ChangeKind, string>> = {
  deploy: 'Deploy',
  rollback: 'Rollback',
  hotfix: 'Hotfix',
  flag: 'flag',
  config: 'config',
  migration: 'migration',
  infrastructure: 'infrastructure',
  experiment: 'experiment',
};

export const changeTitle = (kind: ChangeKind): string => TITLES[kind];

export const aChange = (kind: ChangeKind): string => CALLED[kind];

/** Formats a duration in seconds or minutes. */
export const spell = (seconds: number): string =>
  seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;

/** Formats a value with two significant digits: 0.041, 4.1, 410. */
export const amount = (value: number): string => String(Number(value.toPrecision(2)));

export const percent = (share: number): string => `${amount(share * 100)} %`;

/** @example list(['a', 'b', 'c']) // 'a, b and c' */
export const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
