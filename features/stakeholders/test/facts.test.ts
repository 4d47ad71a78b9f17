import { expect, test } from 'vitest';
import { assigned, handedOver, left, stakeholderUpdate } from '../../../core/domain/people/roles.ts';
import type { Amend } from '../../../core/domain/ports/incidents.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { wake } from '../../../workflows/wake.ts';
import type { FakeWorld } from '../../../test/support/fake-deps.ts';
import { internalNamesIn } from '../../../test/support/internal-names.ts';
import { all, answers, fires, mode, type Moment, play, type Story, theIncident } from '../../../test/workflows/play.ts';
import { closingPaths, declares } from '../../../test/workflows/stories/closings.ts';
import { alarm, groupPaths, parentIn } from '../../../test/workflows/stories/groups.ts';
import { paths } from '../../../test/workflows/stories/rollbacks.ts';
import { clears, suspects } from '../../../test/workflows/stories/suspects.ts';
import { CHANNELS, type Channel, shownTexts } from './shown-texts.ts';

/** `page`: the newest text of an open page, which has no room for who works on the incident. */
type Shown = Channel | 'page';

/** Text that a channel says, or a pattern of it. */
type Statement = string | RegExp;

/** A fact about an incident, with what each channel must say about it, and what none may say. */
type Fact = {
  story: Story;
  /** When everything is read, after noon. Absent: at the end of the story. */
  at?: string;
  of?: (world: FakeWorld) => IncidentId;
  must: Statement[];
  /** What only some channels have room for. */
  also?: Partial<Record<Shown, Statement[]>>;
  mustNot: Statement[];
};

const story = (name: string, from: Record<string, Story> = paths): Story => {
  const found = from[name];
  if (found === undefined) throw new Error(`no story ${name}`);
  return found;
};

/** Says that all is well, or that nothing is to be done. */
const ALL_WELL = [/mitigated and verified/i, /(?<!Page )\bresolved\b/i, '✅'];

/** A person changes something about the incident. */
const amends =
  (change: (at: Timestamp) => Amend): Moment =>
  (world) =>
    world.deps.incidents.amend(theIncident(world), change(world.clock.now()));

const [ADA, BO] = [
  { name: 'person:ada', shown: 'Ada', slack: null },
  { name: 'person:bo', shown: 'Bo', slack: null },
];
const assignsAda = amends((at) => assigned('commander', ADA, 'person:bo', at));

/** Nothing is done without a person, and nothing is asked. */
const onlySuggests = { given: [mode('suggest')] };

/** What is said in each channel that says why automation does not act. Mail to stakeholders does not. */
const toResponders = (...statements: Statement[]): NonNullable<Fact['also']> => ({
  console: statements,
  slack: statements,
  cli: statements,
  page: statements,
});

const FACTS: Record<string, Fact> = {
  'declared by a person': {
    story: { timeline: { '0 s': declares } },
    at: '6 min',
    must: ['customers cannot pay', /\bopen\b/],
    also: {
      console: [
        'Open because a person declared it; a person resolves it, or it closes as not verified after 12 h without activity',
      ],
      cli: [
        'open because a person declared it; a person resolves it, or it closes as not verified after 12 h without activity',
      ],
    },
    mustNot: [...ALL_WELL, 'reopened it', /\d of \d firing/, 'alert fires'],
  },
  'assigned to a person': {
    story: { ...onlySuggests, timeline: { '0 s': fires(), '2 min': assignsAda } },
    at: '4 min',
    must: [/Commander:? Ada\b/],
    also: { mail: ['Ada leads the response.'] },
    mustNot: [/unassigned/, 'Nobody has taken over', ...ALL_WELL],
  },
  'handed over': {
    story: {
      ...onlySuggests,
      timeline: {
        '0 s': fires(),
        '2 min': assignsAda,
        '3 min': amends((at) => handedOver(BO, ADA.name, 'The caches are cold.', at)),
      },
    },
    at: '4 min',
    must: [/Commander:? Bo\b/],
    also: { mail: ['Bo leads the response.'] },
    mustNot: [/Commander:? Ada\b/, 'Ada leads', /unassigned/, ...ALL_WELL],
  },
  // The console undoes an assignment in the same way.
  'assigned, and left': {
    story: {
      ...onlySuggests,
      timeline: { '0 s': fires(), '2 min': assignsAda, '3 min': amends(() => left('commander', ADA)) },
    },
    at: '4 min',
    must: [/Commander:? unassigned/],
    mustNot: [/Commander:? Ada\b/, 'Ada leads', ...ALL_WELL],
  },
  'the suspect was cleared': {
    story: { given: [mode('approve')], timeline: { '0 s': fires(), '4 min': clears('v2') } },
    at: '6 min',
    must: [/\bopen\b/],
    also: {
      console: ['v2 was cleared by person:ada at 2026-11-20 12:04 UTC'],
      cli: ['v2 was cleared by person:ada at 2026-11-20 12:04 UTC'],
    },
    mustNot: [...ALL_WELL, 'Approve or reject', 'Rolled', /suspect +v2 \(/, 'suspect again by'],
  },
  'the suspect was cleared, which was undone': {
    story: {
      given: [mode('approve')],
      timeline: { '0 s': fires(), '4 min': clears('v2'), '5 min': suspects('v2') },
    },
    at: '8 min',
    must: [/\bopen\b/],
    also: toResponders(/Probable cause: v2/),
    mustNot: [...ALL_WELL, /was cleared by [^,]+ UTC(?!, and marked as suspect again by person:bo)/, 'Rolled'],
  },
  'closed as unverified, and reopened by its alert': {
    story: story('unverified-incident-is-reopened-by-its-alert', closingPaths),
    at: '102 min',
    must: [/\bopen\b/],
    also: { console: ['Open because 1 alert fires'], cli: ['open because 1 alert fires'] },
    mustNot: [...ALL_WELL, 'closed, not verified', 'a person reopened it', 'nothing has shown'],
  },
  'paused by the kill switch': {
    story: {
      given: [({ deps }) => deps.automation.write({ paused: true, reason: 'the CD system moves' }, 'person:ada')],
      timeline: { '0 s': fires() },
    },
    at: '6 min',
    must: [/\bopen\b/],
    also: toResponders('the kill switch is on, set by person:ada: the CD system moves'),
    mustNot: [...ALL_WELL, 'Rolled', 'Rolling', 'Approve or reject'],
  },
  'stakeholders were told': {
    story: {
      ...onlySuggests,
      timeline: {
        '0 s': fires(),
        '2 min': amends((at) => stakeholderUpdate({ by: ADA.name, at, text: 'Some customers cannot pay.' })),
      },
    },
    at: '4 min',
    must: [/\bopen\b/],
    also: {
      console: ['Some customers cannot pay.'],
      mail: ['Some customers cannot pay.', 'By 2026-11-20 13:30 UTC, or earlier if something changes.'],
    },
    mustNot: [...ALL_WELL, 'None, unless the problem returns.'],
  },
  'rolled back and verified': {
    story: story('rollback-is-verified'),
    must: ['resolved'],
    also: { slack: ['✅', 'Complete its post-mortem soon'] },
    mustNot: ['not verified', 'did not help', 'Approve or reject', /\bReopen it\b/],
  },
  'rolled back, and it did not help': {
    story: story('rollback-does-not-restore-health'),
    at: '18 min',
    must: ['open: the mitigation did not help'],
    also: {
      slack: ['Look at checkout in production: the mitigation did not help.', '1 of 1 firing', '🔥'],
      page: ['Look at checkout in production: the mitigation did not help.'],
      console: ['1 of 1 firing', 'Open because the mitigation did not help'],
    },
    mustNot: [...ALL_WELL, 'Verified', 'until the mitigation is verified'],
  },
  'asked, and not answered yet': {
    story: { given: [mode('approve')], timeline: { '0 s': fires() } },
    at: '3 min',
    must: ['Roll checkout in production back from v2 to v1? Approve or reject by 13:00 UTC.', /\bopen\b/],
    also: { page: ['Roll checkout in production back from v2 to v1? Approve or reject by 13:00 UTC.'] },
    mustNot: [...ALL_WELL, 'Rolled', 'Rolling', 'Only suggests'],
  },
  'asked and approved': {
    story: { given: [mode('approve')], timeline: { '0 s': fires(), '4 min': answers('approved') } },
    at: '6 min',
    must: ['mitigated, not verified yet'],
    also: {
      slack: [
        'Rolled checkout in production back from v2 to v1. Watch checkout in production until the mitigation is verified.',
      ],
      cli: ['Rolled checkout in production back from v2 to v1.'],
      console: ['Rolled checkout in production back from v2 to v1.'],
      page: ['Rolled checkout in production back from v2 to v1.'],
    },
    mustNot: ['Approve or reject', 'find the cause', '✅', 'Consider whether', /mitigated and verified/],
  },
  'asked and rejected': {
    story: { given: [mode('approve')], timeline: { '0 s': fires(), '4 min': answers('rejected') } },
    at: '6 min',
    must: [/\bopen\b/],
    also: {
      slack: ['Rejected by person:ada: roll checkout in production back from v2 to v1.'],
      cli: ['Rejected by person:ada: roll checkout in production back from v2 to v1.'],
      page: ['Rejected by person:ada: roll checkout in production back from v2 to v1.'],
      console: ['Rejected by person:ada: roll checkout in production back from v2 to v1.'],
    },
    mustNot: [...ALL_WELL, 'Rolled', 'Approve or reject'],
  },
  'no suspect': {
    // Of cart, no deploy is recorded.
    story: {
      given: groupPaths['parent-pages-for-simultaneous-incidents']?.given ?? [],
      timeline: { '0 s': fires(alarm('cart')) },
    },
    at: '6 min',
    must: [/\bopen\b/],
    mustNot: [...ALL_WELL, /Probable cause/, 'Rolled', 'Approve or reject'],
  },
  'closed as unverified': {
    story: story('closes-after-auto-resolve-hours', closingPaths),
    must: ['closed, not verified'],
    also: {
      console: ['nothing has shown that the service recovered', '0 of 1 firing, 1 last seen over a day ago', 'Reopen'],
      slack: [
        'Check checkout in production: the incident was closed, but nothing has shown that the service recovered.',
        '[Reopen]',
        '⚪',
      ],
      cli: ['nothing has shown that the service recovered', 'firebreak incident reopen'],
    },
    mustNot: [...ALL_WELL, '🔥', 'all alerts have ended', 'Verified'],
  },
  'reopened by a person': {
    story: story('person-reopens-an-incident', closingPaths),
    at: '102 min',
    must: [/\bopen\b/],
    also: {
      console: ['Open because a person reopened it; a person resolves it, or it closes as not verified'],
      cli: ['open because a person reopened it; a person resolves it, or it closes as not verified'],
    },
    mustNot: [...ALL_WELL, 'closed, not verified', 'declared it', 'another problem', 'Alerts returned'],
  },
  'closed by a person while an alert fires': {
    story: story('resolved-by-a-person'),
    must: ['resolved'],
    also: { slack: ['by person:ada', '1 of 1 firing', '☑️'], console: ['by person:ada', '1 of 1 firing'] },
    mustNot: ['✅', 'not verified', 'all alerts have ended'],
  },
  'a group with children': {
    story: {
      given: groupPaths['parent-pages-for-simultaneous-incidents']?.given ?? [],
      timeline: { '0 s': all(fires(alarm('cart')), fires(alarm('search')), fires(alarm('ledger'))) },
    },
    at: '5 min',
    of: (world) => parentIn(world).id,
    must: ['cart', 'search', 'ledger', /\bopen\b/],
    also: {
      slack: ['3 of 3 open', 'Look for a common cause before you investigate each service.'],
      console: ['Open because 3 of 3 incidents of this group are open'],
      page: ['Look for a common cause before you investigate each service.'],
    },
    mustNot: [...ALL_WELL, /Probable cause/, /\d of \d firing/],
  },
  'shadow mode': {
    story: { given: [mode('shadow')], timeline: { '0 s': fires() } },
    at: '6 min',
    must: ['Would have rolled checkout in production back from v2 to v1 (shadow mode).', /\bopen\b/],
    mustNot: [...ALL_WELL, /(?<!would have )rolled checkout/i, 'Approve or reject'],
  },
};

/** Plays the story until its time, and reads all channels. Then a person resolves everything, so that the story ends. */
async function textsOf({ story: { given = [], timeline, operations }, at, of = theIncident }: Fact) {
  const shownIn = async (world: FakeWorld): Promise<Record<Shown, string>> => {
    const { action, summary, details } = world.pageRequests.findLast(({ key }) => key.startsWith(of(world))) ?? {};
    const isOpen = action !== undefined && action !== 'resolve';
    const page = isOpen ? [summary, ...Object.values(details ?? {})].flat().join('\n') : '';
    return { ...(await shownTexts(world, of(world))), page };
  };
  let texts: Record<Shown, string> | undefined;
  const reads: Moment = async (world) => {
    texts = await shownIn(world);
    for (const id of world.store.dossiers.keys()) {
      await world.deps.incidents.post(id, { kind: 'resolve', by: 'person:ada', note: '' });
      await wake(world.deps, id);
    }
  };
  const until = Object.entries(timeline).filter(([time]) => at === undefined || minutes(time) <= minutes(at));
  const { world } = await play({
    given,
    timeline: Object.fromEntries([...until, ...(at === undefined ? [] : [[at, reads] as const])]),
    ...(operations !== undefined && { operations }),
  });
  return texts ?? shownIn(world);
}

function minutes(text: string): number {
  const [, count, unit] = /^([\d.]+) (s|min)$/.exec(text) ?? [];
  return Number(count) / (unit === 's' ? 60 : 1);
}

const isSaid = (text: string, statement: Statement): boolean =>
  typeof statement === 'string' ? text.includes(statement) : statement.test(text);

test.each(Object.entries(FACTS))('%s', async (_, fact) => {
  const texts = await textsOf(fact);
  const wrong = ([...CHANNELS, 'page'] as const).flatMap((channel) => [
    ...[...(channel === 'page' ? [] : fact.must), ...(fact.also?.[channel] ?? [])]
      .filter((statement) => !isSaid(texts[channel], statement))
      .map((statement) => `${channel} does not say: ${statement}`),
    ...fact.mustNot
      .filter((statement) => isSaid(texts[channel], statement))
      .map((statement) => `${channel} says: ${statement}`),
    ...internalNamesIn(texts[channel]).map((name) => `${channel} shows a name of code: ${name}`),
  ]);
  // With the texts, so that a failure shows them.
  expect(wrong.length === 0 ? [] : [...wrong, texts]).toEqual([]);
});
