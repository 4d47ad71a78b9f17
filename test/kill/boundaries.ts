import { hash } from 'node:crypto';
import type { Story } from '../support/scenario.ts';
import { playKilledAt } from './run.ts';

/** Calls that change nothing: to die after one is to die before the next. */
const READS = /^(GetItem|Query|GET|GetParametersByPath|CD status)/;

/** Calls that come again and again while nothing happens; the first ones show what the others would. */
const IDLE = /^(ReceiveMessage|Invoke sweep|Query PENDING|GetParametersByPath)/;
const IDLE_TIMES = 3;

/** Vendors' calls that have an effect: these have a boundary more, between their effect and their answer. */
const EFFECT = /^(PagerDuty|CD roll-back)/;

/**
 * Every boundary of the story, in order, as a run without any kill passes them. Set FIREBREAK_KILL_AT to the boundaries
 * of one failure to play that one alone.
 */
export async function boundariesOf(story: Story): Promise<string[]> {
  const chosen = process.env['FIREBREAK_KILL_AT'];
  if (chosen) return [chosen];
  const { passed } = await playKilledAt([], story);
  return passed.filter(isWorthwhile).flatMap((boundary) => [boundary, ...insideOf(boundary)]);
}

function isWorthwhile(boundary: string): boolean {
  const [, when = '', call = '', n = ''] = /^(\w+) (.*) #(\d+)$/.exec(boundary) ?? [];
  if (IDLE.test(call) && Number(n) > IDLE_TIMES) return false;
  return when === 'before' || !READS.test(call);
}

const insideOf = (boundary: string): string[] => {
  const call = /^before (.*)$/.exec(boundary)?.[1] ?? '';
  return EFFECT.test(call) ? [`inside ${call}`] : [];
};

/** The kills that a boundary stands for: one, or one in each life, set apart by `;`. */
export const killsOf = (boundary: string): string[] => boundary.split(';').map((one) => one.trim());

/** The share `part` of `parts`, chosen by name, so that two files which recorded a run each agree on it. */
export const shareOf = (boundaries: readonly string[], part: number, parts: number): string[] =>
  boundaries.filter((boundary) => Number.parseInt(hash('sha256', boundary).slice(0, 8), 16) % parts === part);
