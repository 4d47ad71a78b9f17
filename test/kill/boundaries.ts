import { hash } from 'node:crypto';
import type { Story } from '../support/scenario.ts';
import { isShowing } from './calls.ts';
import { playKilledAt } from './run.ts';

/** Calls that change nothing: to die beside one is to die beside the last call that did. */
const READS = /^(GetItem|BatchGetItem|Query|GET|GetParametersByPath|CD status)/;

/** Calls that come again and again while nothing happens; the first ones show what the others would. */
const REPEATED: readonly [calls: RegExp, times: number][] = [
  [/^(ReceiveMessage|Invoke sweep)/, 2],
  // A look into the inbox. How many there are depends on how fast the machine is.
  [/^(UpdateItem INC\/META (bells|drained)|TransactWriteItems Delete PENDING$|Checkpoint \w+ (inbox|listen|look)$)/, 4],
];

/** Vendors' calls that have an effect: these have two boundaries more, at the vendor. */
const EFFECT = /^(PagerDuty|CD roll-back)/;

/**
 * Every boundary of the story, in order, as a run without any kill passes them. Where a call leaves just after an answer
 * has come, with nothing between them, the two are one. What is shown elsewhere has a story of its own, `shown`.
 */
export async function boundariesOf(story: Story): Promise<string[]> {
  const passed = (await playKilledAt([], story)).passed.filter(isWorthwhile);
  const distinct = passed.filter((boundary, i) => !(isBefore(boundary) && passed[i - 1]?.startsWith('after ')));
  return [...distinct, ...passed.filter(isBefore).flatMap(atVendor)];
}

const isBefore = (boundary: string): boolean => boundary.startsWith('before ');

function isWorthwhile(boundary: string): boolean {
  const [, call = '', n = ''] = /^\w+ (.*) #(\d+)$/.exec(boundary) ?? [];
  return !READS.test(call) && !isShowing(call) && !REPEATED.some(([calls, times]) => calls.test(call) && Number(n) > times);
}

const atVendor = (boundary: string): string[] => {
  const call = boundary.replace(/^before /, '');
  return EFFECT.test(call) ? [`ahead of ${call}`, `inside ${call}`] : [];
};

/** The share `part` of `parts`, chosen by name, so that two files which recorded a run each agree on it. */
export const shareOf = (boundaries: readonly string[], part: number, parts: number): string[] =>
  boundaries.filter((boundary) => Math.floor(chanceOf(boundary) * parts) === part);

/** `count` of them, each choice by the seed. */
export const sampleOf = (boundaries: readonly string[], count: number, seed: string): string[] =>
  boundaries.toSorted((a, b) => chanceOf(`${seed} ${a}`) - chanceOf(`${seed} ${b}`)).slice(0, count);

/** A number in [0, 1) that depends on the text only. */
export const chanceOf = (text: string): number => Number.parseInt(hash('sha256', text).slice(0, 8), 16) / 2 ** 32;
