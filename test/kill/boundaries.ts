import { hash } from 'node:crypto';
import type { Story } from '../support/scenario.ts';
import { isShowing } from './calls.ts';
import { playKilledAt } from './run.ts';

/** Calls that change nothing: to die beside one is to die beside the last call that did. */
const READS = /^(GetItem|BatchGetItem|Query|GET|GetParametersByPath|CD status)/;

/**
 * Calls that come again and again by the clock, whatever happens: how many there are depends on how fast the machine is,
 * and the first ones show what the others would.
 */
const REPEATED: readonly [calls: RegExp, times: number][] = [
  [/^(ReceiveMessage|Invoke (sweep|evaluate|digest))/, 2],
  // A look into the inbox.
  [/^(UpdateItem INC\/META (bells|drained)|TransactWriteItems Delete PENDING$|Checkpoint \w+ (inbox|listen|look)$)/, 4],
];

/** Vendors' calls that have an effect: these have two boundaries more, at the vendor. */
const EFFECT = /^(PagerDuty|CD roll-back|PATCH \/api\/v2\/flags|POST \/(drains|hooks))/;

/**
 * Every boundary of the story, in order, as a run without any kill passes them. Where a call leaves just after an answer
 * has come, with nothing between them, the two are one. What is shown elsewhere has a story of its own, `shown`.
 */
export const boundariesOf = async (story: Story): Promise<string[]> =>
  boundariesIn((await playKilledAt([], story)).passed);

/** @param all that a run without any kill has passed */
export function boundariesIn(all: readonly string[]): string[] {
  const passed = all.filter(isWorthwhile);
  const distinct = passed.filter((boundary, i) => !(isBefore(boundary) && passed[i - 1]?.startsWith('after ')));
  return [...distinct, ...passed.filter(isBefore).flatMap(atVendor)];
}

const isBefore = (boundary: string): boolean => boundary.startsWith('before ');

function isWorthwhile(boundary: string): boolean {
  const [, call = '', n = ''] = /^\w+ (.*) #(\d+)$/.exec(boundary) ?? [];
  return (
    !READS.test(call) && !isShowing(call) && !REPEATED.some(([calls, times]) => calls.test(call) && Number(n) > times)
  );
}

const atVendor = (boundary: string): string[] => {
  const call = boundary.replace(/^before /, '');
  return EFFECT.test(call) ? [`ahead of ${call}`, `inside ${call}`] : [];
};

/** Calls by which something is made at an outlet: done twice, it would be there twice. */
const MADE =
  /^(Slack (conversations\.create|chat\.postMessage)|Statuspage (POST|PATCH) incidents|Grafana POST|GitHub POST) /;

/** Calls by which something there is set: done late, it would undo what was said since. */
const SET =
  /^(Slack (conversations\.(invite|setTopic|setPurpose|archive)|chat\.update|pins|bookmarks\.add)|Grafana PATCH) /;

/** What the projectors write down for themselves; and what happened, before they have heard of it. */
const OWN = /^(TransactWriteItems|UpdateItem|SendMessage|DeleteMessageBatch) /;
const EVENT = /^TransactWriteItems .*INC\/TL\b/;

/** A death, and how long the product is dead then. */
export type Death = { at: string; deadFor: number };

/** Seconds after its death an attempt is too old to come yet: it is looked for, and made again. */
const UNTIL_SURE = 100;

/** Seconds after it the lease has run out, and an attempt may yet come. */
const UNTIL_FREE = 50;

/** Those beyond the first of their name, of each kind; by the seed. */
const MORE = 5;

/** Deaths where an incident is shown, as a run without any passes them. Those that take long come first. */
export function deathsWhereShown(passed: readonly string[], seed: string): Death[] {
  const calls = passed.filter(isBefore).map((boundary) => boundary.replace(/^before /, ''));
  const some = (name: string, all: readonly string[]) => sampleOf(all, MORE, `${name} ${seed}`);
  const [made, set] = [calls.filter((call) => MADE.test(call)), calls.filter((call) => SET.test(call))];
  const [firstMade, firstSet] = [made.filter(isFirst), set.filter(isFirst)];
  const [moreMade, moreSet] = [made.filter(isLater), set.filter(isLater)];
  const own = calls.filter((call) => isShowing(call) && OWN.test(call));
  const at = (when: string, all: readonly string[], deadFor: number): Death[] =>
    all.map((call) => ({ at: `${when} ${call}`, deadFor }));
  return [
    ...at('before', sampleOf(firstMade, 3, seed), 0),
    ...at('inside', sampleOf(firstMade, 2, seed), 0),
    ...at('ahead of', [...firstMade, ...sampleOf(set, 3, seed)], UNTIL_FREE),
    ...at('before', [...firstMade, ...some('before', moreMade)], UNTIL_SURE),
    ...at('inside', [...firstMade, ...firstSet, ...some('inside', [...moreMade, ...moreSet])], UNTIL_FREE),
    ...at(
      'after',
      [
        ...some(
          'event',
          calls.filter((call) => EVENT.test(call)),
        ),
        ...some('own', own),
      ],
      UNTIL_FREE,
    ),
  ];
}

/** Whether the call, by its name, makes or sets something where incidents are shown. */
export const hasEffectWhereShown = (name: string): boolean => MADE.test(`${name} `) || SET.test(`${name} `);

const isFirst = (call: string): boolean => call.endsWith(' #1');
const isLater = (call: string): boolean => !isFirst(call);

/** The share `part` of `parts`, chosen by name, so that two files which recorded a run each agree on it. */
export const shareOf = (boundaries: readonly string[], part: number, parts: number): string[] =>
  boundaries.filter((boundary) => Math.floor(chanceOf(boundary) * parts) === part);

/** `count` of them, each choice by the seed. */
export const sampleOf = (boundaries: readonly string[], count: number, seed: string): string[] =>
  boundaries.toSorted((a, b) => chanceOf(`${seed} ${a}`) - chanceOf(`${seed} ${b}`)).slice(0, count);

/** A number in [0, 1) that depends on the text only. */
export const chanceOf = (text: string): number => Number.parseInt(hash('sha256', text).slice(0, 8), 16) / 2 ** 32;
