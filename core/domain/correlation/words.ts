import type { ChangeKind } from '../../../schemas/changes/change.ts';
import { MIN_CONFIDENCE_TO_ASK } from './weights.ts';

/** Name of a change of this kind where its version is not given. */
const KIND_NAMES: Readonly<Record<ChangeKind, string>> = {
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

export const aChange = (kind: ChangeKind): string => KIND_NAMES[kind];

/** Formats a duration: 90 s, 45 min, 3.7 hours, 3.7 days. */
export function formatDuration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 2 * 86_400 ? `${tenths(seconds / 3600)} hours` : `${tenths(seconds / 86_400)} days`;
}

const tenths = (value: number): string => String(Math.round(value * 10) / 10);

/** Value below which only rounding of the query is left. */
const SMALLEST = 1e-6;

/** Formats a value with two significant digits: 0.041, 4.1, 410. */
export const formatAmount = (value: number): string =>
  Math.abs(value) < SMALLEST ? '0' : String(Number(value.toPrecision(2)));

export const formatPercent = (share: number): string => `${formatAmount(share * 100)} %`;

/**
 * Formats a value of a health query: a share in per cent.
 *
 * @param whole greatest possible value of the share. Undefined: the query is not known to be a share
 */
export const formatHealth = (value: number, whole: number | undefined): string =>
  whole === undefined ? formatAmount(value) : formatPercent(value / whole);

/** @example list(['a', 'b', 'c']) // 'a, b and c' */
export const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** Formats a probability in whole per cent, rounded down, so that none is overstated. */
export const probability = (confidence: number): string => `${Math.floor(confidence * 100 + 1e-9)} %`;

/** Returns whether a suspect is called the probable cause: people are asked about it. */
export const isProbable = ({ confidence }: { confidence: number }): boolean => confidence >= MIN_CONFIDENCE_TO_ASK;

/** Probability below which a change is not named as a possible cause, unless people are asked about it. */
export const IMPROBABLE = 0.1;

/** Says in a word how probably a change is the cause. */
export const likelihood = (confidence: number): string => (isProbable({ confidence }) ? 'Probable' : 'Possible');

/** Says how probably a change is the cause. */
export const likelihoodText = (name: string, confidence: number): string =>
  `${likelihood(confidence)} cause: ${name} (${probability(confidence)})`;

/** Returns the suspects that are shown to people: without improbable ones, and none if all are. */
export const suspectsToShow = <T extends { confidence: number }>(suspects: readonly T[]): readonly T[] =>
  suspects.filter(({ confidence }) => confidence >= IMPROBABLE);
