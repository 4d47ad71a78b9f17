import { describe, expect, test } from 'vitest';
import { answerDecision } from '../../../core/actions/incidents/answer-decision.ts';
import { executeResponseAction } from '../../../core/actions/incidents/response-action.ts';
import { incidentText } from '../../../entrances/cli/commands/incidents/incident.ts';
import { IncidentDetails } from '../../../schemas/incidents/incident-details.ts';
import type { FakeWorld } from '../../../test/support/fake-deps.ts';
import { textOf } from '../../../test/support/hostile.ts';
import { ends, fires, type Moment, play, theIncident } from '../../../test/workflows/play.ts';
import { recordsLate, unrecorded } from '../../../test/workflows/stories/late-changes.ts';
import { draftDuePostmortems } from '../actions/jobs.ts';
import { withPorts } from '../ports.ts';
import { ADA, consolePage, doraOf, type Errors, measuring, ratioAt, sectionOf, sweeps } from './told.ts';

const suggests = { autoRollback: { mode: 'suggest', evidence: 'time', unknownMigration: 'act' } };
const redeploys: Moment = recordsLate('v1', 1, { author: 'ada' });

const rejects =
  (note: string): Moment =>
  async (world) => {
    const { id, decisions = [] } = (await world.deps.incidents.view(theIncident(world))) ?? {};
    const asked = decisions.find(({ state }) => state === 'waiting');
    if (id === undefined || asked === undefined) throw new Error('no question waits');
    await answerDecision(world.deps, ADA, { id, digest: asked.digest, answer: 'rejected', note });
  };

const resolves =
  (note: string): Moment =>
  (world) =>
    executeResponseAction(world.deps, ADA, { id: theIncident(world), action: 'resolve', note });

/** What happened, in minutes after noon, and what each place must and must not say about it. */
type Case = {
  errors: Errors;
  given?: Moment[];
  timeline: Record<string, Moment>;
  summary: RegExp;
  marks: string[];
  /** The suspects of each page, as it is last shown. */
  pages: RegExp[];
  console: RegExp;
  commandLine: RegExp;
  delivery: { attributed_by: string; failed: string[] };
  nowhereAfterwards?: RegExp;
};

const CASES: Record<string, Case> = {
  'a person deploys the earlier version again': {
    errors: [[-4, 4, 0.3]],
    timeline: { '0 s': fires(), '4 min': redeploys, '5 min': sweeps, '9 min': ends() },
    summary:
      /probable cause is the deployment of v2 .*mitigated at 12:04 by deploying the earlier version again, outside/,
    marks: ['onset 11:56', 'alert 11:59', 'earlier version deployed again 12:04', 'recovered 12:04'],
    pages: [/^v2, \d\d %/],
    console: /checkout v1 was deployed again by ada, which replaces v2, the probable cause/,
    commandLine:
      /^suspect {2}v2 \(\d\d %\).*checkout v1 was deployed again by ada, which replaces v2, the probable cause/s,
    delivery: { attributed_by: 'rolled_back', failed: ['v2'] },
  },
  'a person deploys the earlier version again, and the problem goes on': {
    errors: [[-4, 24, 0.3]],
    timeline: { '0 s': fires(), '4 min': redeploys, '5 min': sweeps, '25 min': ends() },
    summary: /A mitigation at 12:04 did not help: the deployment of v2 to checkout production had been suspected/,
    marks: ['onset 11:56', 'alert 11:59', 'earlier version deployed again 12:04', 'recovered 12:25'],
    pages: [
      /^v2, \d\d %/,
      /^no other known change could have caused this problem. v2 was suspected, and the problem went on/,
    ],
    console: /No other known change could have caused this problem.*Not healthy: .* The incident is open again/,
    commandLine: /Does not act because v2 was already rolled back.*Not healthy: .* The incident is open again/s,
    delivery: { attributed_by: 'none', failed: [] },
    nowhereAfterwards: /the probable cause is|mitigated at|^suspect {2}|mitigation is verified/im,
  },
  'a person rejects the rollback, and resolves with another cause': {
    errors: [[-4, 4, 0.3]],
    given: [
      measuring(ratioAt([[-4, 4, 0.3]]), {
        autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' },
      }),
    ],
    timeline: {
      '0 s': fires(),
      '2 min': rejects('not the deploy'),
      '4 min': sweeps,
      '5 min': resolves('config problem, fixed by hand'),
    },
    summary: /v2 was suspected, and .* refused to undo it at .*: "not the deploy" .* "config problem, fixed by hand"/,
    marks: ['onset 11:56', 'alert 11:59'],
    pages: [/^no other known change is a probable cause. v2 was suspected, and person:ada refused/],
    console: /The cause is, as person:ada wrote, "config problem, fixed by hand"/,
    commandLine:
      /^cause {4}as person:ada wrote, "config problem, fixed by hand"\nexcluded v2 was suspected, and person:ada refused to undo it at .*: "not the deploy"/,
    delivery: { attributed_by: 'none', failed: [] },
    nowhereAfterwards: /the probable cause is|^suspect {2}|such as that of v2/im,
  },
  'an outage that no change caused': {
    errors: [[-2, 10, 0.3]],
    given: [unrecorded('v2')],
    timeline: { '0 s': fires(), '5 min': sweeps, '11 min': ends() },
    summary:
      /^At 11:59 UTC an alert fired .* The time to restore was 12 minutes, and the incident was resolved at 12:11 UTC/,
    marks: ['onset 11:58', 'alert 11:59', 'recovered 12:11'],
    pages: [/^no known change could have caused this problem/],
    console: /No known change could have caused this problem/,
    commandLine: /Does not act because no change of this service or its dependencies was rolling out/,
    delivery: { attributed_by: 'none', failed: [] },
    nowhereAfterwards: /probable cause|mitigat(?:ed|ion is)|^suspect {2}|rolled back/im,
  },
};

describe.each(Object.entries(CASES))('%s', (_, { errors, given = [], timeline, ...expected }) => {
  const told = once(async () => {
    const { world } = await play({
      given: [measuring(ratioAt(errors), suggests), ...given],
      timeline: { ...timeline, '55 min': sweeps },
    });
    return everywhere(world);
  });

  test('is told so in the post-mortem', async () => {
    const { summary } = await told();
    expect(summary).toMatch(expected.summary);
    expect(summary).not.toMatch(expected.nowhereAfterwards ?? /^$/);
  });

  test('is told so by the curve', async () => {
    expect((await told()).marks).toEqual(expected.marks);
  });

  test('is told so on the pages', async () => {
    const { pages } = await told();
    expect(pages).toEqual(expected.pages.map((suspects) => expect.stringMatching(suspects)));
  });

  test('is told so in the console and on the command line', async () => {
    const { page, lines, timelineTexts } = await told();
    expect(page).toMatch(expected.console);
    expect([...lines, ...timelineTexts].join('\n')).toMatch(new RegExp(expected.commandLine, 'ms'));
    expect(lines.join('\n')).not.toMatch(expected.nowhereAfterwards ?? /^$/);
  });

  test('is told so in the delivery figures', async () => {
    const { dora, restoreSeconds } = await told();
    if (dora === null) return;
    expect(dora.records.incidents.items).toMatchObject([
      { attributed_by: expected.delivery.attributed_by, restore_s: restoreSeconds },
    ]);
    const failed = dora.records.deployments.items.filter(({ failures }: any) => failures.length > 0);
    expect(failed.map(({ version }: any) => version)).toEqual(expected.delivery.failed);
  });
});

/** Reads all places that tell an incident. */
async function everywhere(world: FakeWorld) {
  const id = theIncident(world);
  await draftDuePostmortems(withPorts(world.deps));
  const { markdown = '', record } = (await withPorts(world.deps).postmortems.read(id)) ?? {};
  const page = await consolePage(world, id);
  const label = /aria-label="Health of checkout([^"]*)"/.exec(page)?.[1] ?? '';
  const shown = Map.groupBy(
    world.pageRequests.filter(({ action }) => action !== 'resolve'),
    ({ key }) => key,
  );
  return {
    summary: [...sectionOf(markdown, 'Summary'), ...sectionOf(markdown, 'Action items')].join(' '),
    restoreSeconds: record?.facts.times.to_restore_seconds,
    marks: [...label.matchAll(/(onset|alert|earlier version deployed again|recovered) at (\d\d:\d\d)/g)].map(
      ([, kind, time]) => `${kind} ${time}`,
    ),
    pages: [...shown.values()].map((requests) => String([requests.at(-1)?.details?.['suspects']].flat()[0])),
    page: textOf(page),
    lines: incidentText(IncidentDetails.parse(await world.deps.incidents.view(id))),
    timelineTexts: (await world.deps.incidents.timeline(id, { limit: 100 })).items.map(({ text }) => text).toReversed(),
    dora: await doraOf(world),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
