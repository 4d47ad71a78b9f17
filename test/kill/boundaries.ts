import { hash } from 'node:crypto';
import type { Story } from '../support/scenario/scenario.ts';
import { isShowing } from './calls.ts';
import { playKilledAt } from './run.ts';

/**
 * Calls that change nothing. A death at such a call is equivalent to a death at the last call before it that changes
 * something.
 */
const READS = /^(GET|CD status)|\?dryRun=All/;

/**
 * Calls that repeat on a schedule. Their number depends on the speed of the machine, and the first ones are
 * representative.
 */
const REPEATED: readonly [calls: RegExp, times: number][] = [
  [/^(store\.expire|executions\.(advance|prune))/, 2],
  // Polls of the inbox.
  [
    /^(Update INC\/META (callbacks|consumed_seq)|Write Remove PENDING$|Checkpoint \w+ (inbox|read-inbox|read-inbox-again)$)/,
    4,
  ],
];

/** Calls to vendors that have an effect. They have two more boundaries inside of the vendor. */
const EFFECT =
  /^(PagerDuty|CD roll-back|PATCH \/api\/v2\/flags|PATCH \/apis\/|(POST|DELETE) \/api\/v1\/namespaces|POST \/(drains|hooks)|PUT \/api\/v1\/traffic)/;

/**
 * Returns all boundaries of the story, in the order of a run without a kill. If a call is sent immediately after a
 * response, both are one boundary. Projections have their own story, `shown`.
 */
export const boundariesOf = async (story: Story): Promise<string[]> =>
  boundariesIn((await playKilledAt([], story)).passed);

/** @param all boundaries that a run without a kill has passed */
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

/** Calls of watches and canaries, and of what they start: changes, alerts, a rollback, a page. */
const OF_RELEASES =
  /CANARY|WATCH|Put CHG|LIVE|Put EP|Send (urgent|ordinary)|executions\.(start|complete)|CD roll-back|PagerDuty|\/traffic |Checkpoint \w+ (begin|advance|wake-up|await-request|check|pause|roll-back|conclude) /;

/** Returns the boundaries that are particular to the story of a new version. Others belong to every story. */
export const ofReleases = (boundaries: readonly string[]): string[] =>
  boundaries.filter((boundary) => OF_RELEASES.test(boundary));

/** Calls of a controlled look, and of the rollback after it. */
const OF_LOOKS = /\/(pods|deployments)\b|LOOK|Checkpoint \w+ (begin-look|look|end-look|conclude-look) /;

/** Returns the boundaries that are particular to the story of a controlled look. */
export const ofLooks = (boundaries: readonly string[]): string[] =>
  boundaries.filter((boundary) => OF_LOOKS.test(boundary));

/** Calls that create something where incidents are shown. If repeated, it would be there twice. */
const MADE =
  /^(Slack (conversations\.create|chat\.postMessage)|Statuspage (POST|PATCH) incidents|Grafana POST|GitHub POST) /;

/** Calls that set something where incidents are shown. If late, they would overwrite later changes. */
const SET =
  /^(Slack (conversations\.(invite|setTopic|setPurpose|archive)|chat\.update|pins|bookmarks\.add)|Grafana PATCH) /;

/** Writes of the projectors about their own state, and writes of events that the projectors have not processed yet. */
const OWN = /^(Write|Update|Send|queues\.)/;
const EVENT = /^Write .*INC\/TL\b/;

/** The record of the failed deploy. If it comes only after the death, the deploy's clock is in doubt. */
const FAILED_DEPLOY = /^Write Put CHG\b.*Update FAILED\b.* #1$/;

/** A death, and the seconds until the next start. */
export type Death = { at: string; deadFor: number };

/** Seconds after its death when a pending call can no longer arrive, so the effect is searched for and repeated. */
const UNTIL_SURE = 100;

/** Seconds after its death when the lease has expired, but a pending call can still arrive. */
const UNTIL_FREE = 50;

/** Number of later calls of the same name, for each kind. The seed chooses them. */
const MORE = 5;

/** Returns the deaths around calls that show an incident, from a run without a kill. Slow ones come first. */
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
    ...at(
      'before',
      calls.filter((call) => FAILED_DEPLOY.test(call)),
      UNTIL_SURE,
    ),
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

/** Returns whether a call with this name creates or sets something where incidents are shown. */
export const hasEffectWhereShown = (name: string): boolean => MADE.test(`${name} `) || SET.test(`${name} `);

const isFirst = (call: string): boolean => call.endsWith(' #1');
const isLater = (call: string): boolean => !isFirst(call);

/** Returns `count` boundaries chosen by the seed. */
export const sampleOf = (boundaries: readonly string[], count: number, seed: string): string[] =>
  boundaries.toSorted((a, b) => chanceOf(`${seed} ${a}`) - chanceOf(`${seed} ${b}`)).slice(0, count);

/** Returns a number in [0, 1) that depends only on the text. */
export const chanceOf = (text: string): number => Number.parseInt(hash('sha256', text).slice(0, 8), 16) / 2 ** 32;
