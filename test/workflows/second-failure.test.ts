import { expect, test } from 'vitest';
import { detailsCard, summaryCard } from '../../core/domain/messages/incident-card.ts';
import type { PageRequest } from '../../core/domain/ports/paging.ts';
import { ends, fires, type Moment, play, says, theIncident } from './play.ts';
import { interruptedPaths, ongoingPaths, secondFailurePaths, unexplainedPaths } from './stories/second-failures.ts';

test.each(Object.entries(interruptedPaths))('%s', async (_, path) => {
  const { world } = await play(path);
  const incident = await world.deps.incidents.view(theIncident(world));
  expect(world.calls).toEqual(path.calls);
  expect(incident?.status).toBe(path.status);
  expect([...new Set(incident?.decisions.map(({ from_version: from }) => from))]).toEqual(['v2', 'v3']);
});

test.each(Object.entries(ongoingPaths))('%s', async (_, path) => {
  const { world } = await play(path);
  const incident = await world.deps.incidents.view(theIncident(world));
  expect(world.calls).toEqual(path.calls);
  expect(incident?.status).toBe(path.status);
  expect(incident?.decisions.flatMap(({ from_version: from }) => from ?? [])).not.toContain('v3');
});

test.each(Object.entries(unexplainedPaths))('%s', async (_, path) => {
  const { world } = await play(path);
  const incident = await world.deps.incidents.view(theIncident(world));
  expect(world.calls).toEqual(path.calls);
  expect(incident?.status).toBe(path.status);
  expect(incident?.decisions.map(({ from_version: from }) => from)).toEqual([null, 'v3']);
});

/** Plays a story, and returns its pages, and the card with its details ten seconds after the second failure. */
async function shownOf(
  name: string,
): Promise<{ pages: PageRequest[]; updated: PageRequest | undefined; card: string }> {
  const { given = [], timeline } = secondFailurePaths[name] ?? { timeline: {} };
  let card = '';
  const looks: Moment = async (world) => {
    const story = await world.deps.incidents.story(theIncident(world), null);
    card = JSON.stringify(story && [summaryCard(story), detailsCard(story)]);
  };
  const moments = Object.entries(timeline).flatMap(([at, moment]) => [
    [at, moment] as const,
    ...(at === '370 s' ? [['380 s', looks] as const] : []),
  ]);
  const {
    world: { pageRequests },
  } = await play({ given, timeline: Object.fromEntries(moments) });
  return {
    pages: pageRequests.filter(({ action }) => action === 'trigger'),
    updated: pageRequests.find(({ action, key }) => action === 'update' && key.endsWith('.page.2')),
    card,
  };
}

test('the page, status, and card are about the second failure, with the version that was deployed since', async () => {
  const { pages, updated, card } = await shownOf('second-failure-is-judged-at-once');

  expect(pages).toHaveLength(2);
  expect(pages[1]?.details).toMatchObject({
    page_reason: 'A new problem after the recovery from the mitigated one',
  });
  expect(updated?.details).toMatchObject({
    since: '2026-11-20 12:05 UTC',
    status: 'open: another problem began after the recovery',
    suspects: [expect.stringMatching(/^v3, \d+ %/)],
    next_step: expect.stringContaining('from v3 to v1?'),
  });
  expect(JSON.stringify([pages[1], updated])).not.toContain('v2');
  expect(card).toContain('open: another problem began after the recovery');
  expect(card).toMatch(/Roll checkout in production back from v3 to v1\? Approve or reject/);
  expect(card).toMatch(/v3/);
  expect(card).not.toContain('v2 ');
});

test('the page names the version that was deployed since, while the first alert still fires', async () => {
  const { pages, updated, card } = await shownOf(
    'second-failure-begins-after-a-deploy-while-the-first-alert-still-fires',
  );

  expect(pages).toHaveLength(2);
  expect(pages[1]?.details).toMatchObject({ page_reason: 'A new problem after deploy v3' });
  expect(updated?.details).toMatchObject({
    since: '2026-11-20 12:05 UTC',
    status: 'open: another problem began after deploy v3',
    suspects: [expect.stringMatching(/^v3, \d+ %/)],
    next_step: expect.stringContaining('from v3 to v1?'),
  });
  expect(card).toMatch(/Roll checkout in production back from v3 to v1\? Approve or reject/);
});

test('without a change since, they name none, and not the version that was rolled back', async () => {
  const { updated, card } = await shownOf('second-failure-has-no-change-and-ends-by-itself');

  expect(updated?.details).toMatchObject({
    suspects: 'no known change could have caused this problem',
    why_not_automatic: expect.stringContaining('no other change'),
    next_step: expect.stringMatching(/^Look at checkout in production/),
  });
  expect(card).toContain('No known change could have caused this problem');
});

test('a second failure that ends by itself is not said to be mitigated and verified', async () => {
  const { world } = await play(
    secondFailurePaths['second-failure-has-no-change-and-ends-by-itself'] ?? { timeline: {} },
  );
  const { timeline } = world.store.dossier(theIncident(world));
  expect(timeline.find(({ kind }) => kind === 'incident.resolved')?.text).toBe('Resolved: all alerts have resolved');
});

test('a failure that reopens the incident is judged from its own start, without the suspects of the one before', async () => {
  const { given = [], timeline = {} } = secondFailurePaths['second-failure-is-judged-at-once'] ?? {};
  const resolves = says({ kind: 'resolve', by: 'person:ada', note: '' });
  const { '0 s': first, '180 s': ended, '270 s': begins, '320 s': finishes, '370 s': again } = timeline;
  const moments = { '0 s': first, '180 s': ended, '190 s': resolves };
  const { world } = await play({
    given,
    timeline: { ...moments, '270 s': begins, '320 s': finishes, '370 s': again, '8 min': resolves } as Record<
      string,
      Moment
    >,
  });
  const incident = world.store.dossier(theIncident(world)).record;
  expect(incident).toMatchObject({
    reopened_at: '2026-11-20T12:06:10.000Z',
    new_onset: { at: '2026-11-20T12:05:50.000Z', judged: 1 },
  });
  const ofSecond = world.pageRequests.filter(({ key, action }) => key.endsWith('.page.2') && action !== 'resolve');
  expect(ofSecond.at(-1)?.details).toMatchObject({
    since: '2026-11-20 12:05 UTC',
    suspects: [expect.stringMatching(/^v3, /)],
  });
  expect(JSON.stringify(ofSecond)).not.toContain('v2');
});

test('a page about something else, long before a measured problem, does not replace its page', async () => {
  const { given = [], timeline = {} } =
    secondFailurePaths['second-failure-is-measured-after-the-verification-while-the-first-alert-still-fires'] ?? {};
  const [between, isOver]: [Moment, Moment] = [fires({ name: 'Flaps' }), ends({ name: 'Flaps' })];
  const moments = { ...timeline, '170 s': between, '230 s': isOver };
  const inOrder = ['0 s', '170 s', '230 s', '40 min', '2420 s', '50 min', '53 min'];
  const ordered = Object.fromEntries(
    Object.entries(moments).toSorted(([a], [b]) => inOrder.indexOf(a) - inOrder.indexOf(b)),
  );
  const { world } = await play({ given, timeline: ordered });
  const pages = world.pageRequests.filter(({ action }) => action === 'trigger');
  expect(pages.map(({ details }) => details?.['page_reason'])).toEqual([
    undefined,
    'Alerts are firing again after the mitigation',
    'A new problem after the recovery from the mitigated one',
  ]);
});

test('the page says that a later problem is over, while the incident waits for the verdict about an earlier mitigation', async () => {
  const { world } = await play(
    secondFailurePaths['second-failure-has-no-change-and-ends-by-itself'] ?? { timeline: {} },
  );
  const last = world.pageUpdates.findLast(({ key }) => key.endsWith('.page.2'));
  expect(last?.summary).toMatch(
    /^INC-1 checkout production: .*, over since 12:10 UTC\. Watch checkout in production: the problem is over\.$/,
  );
  expect(last?.details?.['status']).toBe('open: the problem is over');
});

test('a later problem that ends after the verification is not said to be mitigated, on the last update of its page either', async () => {
  const { given = [], timeline = {} } =
    secondFailurePaths['second-failure-outlasts-the-verification-of-the-first'] ?? {};
  const { '0 s': first, '180 s': ended, '370 s': again, '25 min': over } = timeline;
  const { world } = await play({
    given,
    timeline: { '0 s': first, '180 s': ended, '370 s': again, '25 min': over } as Record<string, Moment>,
  });
  expect(world.store.dossier(theIncident(world)).record.status).toBe('resolved');
  const last = world.pageUpdates.findLast(({ key }) => key.endsWith('.page.2'));
  expect(last?.summary).toContain('over since 12:25 UTC');
  expect(last?.details?.['status']).toBe('open: the problem is over');
});

test('the page says so when a later problem that seemed to be over goes on', async () => {
  const { given = [] } = secondFailurePaths['second-failure-has-no-change-and-ends-by-itself'] ?? {};
  const soon = { began: 20 };
  const [over, shown]: [string, unknown[]] = ['open: the problem is over', []];
  const looks: Moment = ({ pageUpdates }) =>
    void shown.push(pageUpdates.findLast(({ key }) => key.endsWith('.page.2'))?.details?.['status']);
  await play({
    given,
    timeline: {
      '0 s': fires(),
      '180 s': ends(),
      '370 s': fires(soon),
      '420 s': ends(soon),
      '430 s': looks,
      '440 s': fires({ began: 5 }),
      '450 s': looks,
      '500 s': ends({ began: 5 }),
      '510 s': looks,
    },
  });
  expect(shown).toEqual([over, 'open: another problem began after the recovery', over]);
});
