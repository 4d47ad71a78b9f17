import { describe, expect, test } from 'vitest';
import type { IncidentRecord, IncidentView } from '../../schemas/incidents/incident.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { NOON } from '../core/arbitraries.ts';
import { endedProblemsOf, lastEndOf } from '../../core/domain/incidents/problems.ts';
import { executeResponseAction } from '../../core/actions/incidents/response-action.ts';
import {
  all,
  configured,
  ends,
  fires,
  mode,
  type Moment,
  play,
  samplesOf,
  says,
  type Story,
  theIncident,
} from './play.ts';
import { consoleWorld } from '../support/console-world.ts';
import { shownToResponders } from '../support/shown-texts.ts';
import { closingPaths, DAY_IN_AN_HOUR, reopens } from './stories/closings.ts';
import { alarm } from './stories/groups.ts';

/** Plays a story, and returns its incident and the minutes until it was closed. */
async function closed(name: keyof typeof closingPaths): Promise<{
  incident: IncidentView;
  minutes: number;
  texts: string[];
}> {
  const path = closingPaths[name];
  if (path === undefined) throw new Error(`no story ${name}`);
  const { world } = await play(path);
  expect(world.calls).toEqual(path.calls);
  const id = theIncident(world);
  const incident = await world.deps.incidents.view(id);
  if (incident?.resolved_at == null) throw new Error(`${name}: not closed`);
  const { items } = await world.deps.incidents.timeline(id, { limit: 100 });
  return {
    incident,
    minutes: Math.round(secondsBetween(incident.opened_at, incident.resolved_at) / 60),
    texts: items.map(({ text }) => text).toReversed(),
  };
}

test('an alert that is never repeated is last seen, and its incident closes as unverified', async () => {
  const { incident, texts } = await closed('closes-after-auto-resolve-hours');
  expect(incident.closed_as).toBe('unverified');
  expect(texts).toContainEqual(expect.stringMatching(/^Not repeated for 24 hours, .* It no longer counts as firing$/));
  expect(texts).toContainEqual(
    expect.stringMatching(/^Closed, not verified: nothing has shown that the service recovered/),
  );
});

test('an alert that ends after a person has resolved its incident is on the timeline, and counts as firing on no page', async () => {
  const resolves: Moment = async (world) => {
    const request = { id: theIncident(world), action: 'resolve', note: '' } as const;
    await executeResponseAction(world.deps, { name: 'person:ada', allow: () => undefined }, request);
  };
  const { world } = await play({
    given: [mode('suggest')],
    timeline: { '0 s': fires(), '60 s': resolves, '120 s': ends() },
  });
  const id = theIncident(world);
  const { items } = await world.deps.incidents.timeline(id, { limit: 100 });
  const [last, before] = items;
  expect(before).toMatchObject({ kind: 'incident.resolved', actor: 'person:ada' });
  expect(last).toMatchObject({ kind: 'alerts.resolved', text: 'Resolved: HighErrorRatio of checkout' });
  const { get } = consoleWorld(() => ({}), world);
  expect(await (await get(`/console/incidents/${id}`, { token: 'ada' })).text()).toContain('0 of 1 firing');
  expect(await world.deps.incidents.view(id)).toMatchObject({ closed_as: 'person', resolved_at: before?.at });
});

test('an incident whose health is above its limit stays open until it is not', async () => {
  const { minutes } = await closed('bad-health-keeps-the-incident-open');
  expect(minutes).toBeGreaterThanOrEqual(150);
  expect((await closed('closes-after-auto-resolve-hours')).minutes).toBeLessThan(150);
});

const minute = (minutes: number): Timestamp => plusSeconds(NOON, 60 * minutes);

/** Measures 30 % errors until then. */
const failsUntil =
  (minutes: number, autoRollback = 'suggest', promql = 'job:checkout:error_ratio'): Moment =>
  async (world) => {
    const health = { promql, max: 0.01 };
    await configured({ health, autoRollback: { mode: autoRollback, evidence: 'time', unknownMigration: 'act' } })(
      world,
    );
    const valueAt = (at: Timestamp): number => (at >= minute(-4) && at < minute(minutes) ? 0.3 : 0.001);
    world.deps.metrics.value = async () => ({ kind: 'value', value: valueAt(world.clock.now()) });
    world.deps.metrics.range = async (_promql, from, until) => samplesOf(from, until, valueAt);
  };

/** Reads what responders see. The console of the test wakes no workflow, so no message may follow. */
const looksInto =
  (shown: Record<string, string>[]): Moment =>
  async (world) => {
    shown.push(await shownToResponders(world, theIncident(world)));
  };

const ada = { by: 'person:ada', note: '' };

describe('an incident that nothing mitigates, whose alerts end while health is above its limit', () => {
  /** Plays an incident whose alerts end at 5 min. @param until minutes until health is within its limit */
  const played = async (until: number, more: Story['timeline'] = {}, first: Story['timeline'] = {}) => {
    const { world } = await play({
      given: [failsUntil(until)],
      timeline: { '0 s': fires(), ...first, '5 min': ends(), ...more },
    });
    const id = theIncident(world);
    const incident = world.store.dossier(id).record;
    const { timeline } = world.store.dossier(id);
    const since = timeline.filter(({ at }) => at > minute(5)).map(({ kind }) => kind);
    const last = timeline.findLast(({ kind }) => kind === 'incident.resolved')?.text;
    return { incident, since, last, pages: world.pageRequests.map(({ action }) => action) };
  };

  test('waits for its health in silence, and closes when that is within its limit', async () => {
    const shown: Record<string, string>[] = [];
    const { incident, pages, since, last } = await played(9, { '8 min': looksInto(shown) });
    expect(incident).toMatchObject({ closed_as: 'verified', recovered_at: minute(9) });
    expect(secondsBetween(minute(9), incident.resolved_at ?? minute(0))).toBeLessThanOrEqual(60);
    expect(last).toBe('Resolved: all alerts have resolved, and health is within its limit since 12:09 UTC');
    expect(since).toEqual(['incident.resolved', 'page-resolve.succeeded']);
    expect(pages).toEqual((await played(4)).pages);
    const why = 'it closes when health is within it, or as not verified at 12:20 UTC';
    const [{ console: page, slack, cli } = {}] = shown;
    expect(page).toContain(why);
    expect(cli).toContain(`open because its alerts have ended, but health was above its limit then: ${why}`);
    for (const text of [page, slack, cli])
      expect(text).toContain('Watch checkout in production: its alerts have ended, but its health is above its limit.');
  });

  test('has not ended with its alerts if a person resolves it meanwhile', async () => {
    const { incident } = await played(600, { '8 min': says({ kind: 'resolve', ...ada }) });
    expect(incident).toMatchObject({ closed_as: 'person', firing: 0 });
    expect(lastEndOf(incident)).toBeNull();
    const { incident: later } = await played(9, { '30 min': says({ kind: 'resolve', ...ada }) });
    expect(lastEndOf(later)).toBe(minute(9));
  });

  test.each([
    ['closes at once although a failed request of few is above the limit', 1 / 15, true],
    ['asks for no requests if nothing is above the limit', 0, false],
  ])('%s', async (_, ratio, areAsked) => {
    const requests = 'sum(rate(requests[5m]))';
    const promql = `sum(rate(errors[5m])) / ${requests}`;
    let asked = 0;
    /** One request in 20 seconds, of which health describes five minutes. */
    const measures: Moment = async (world) => {
      const { metrics, clock } = world.deps;
      const valueAt = (at: Timestamp): number => (at >= minute(-4) && at < minute(4) ? 0.3 : ratio);
      await configured({ health: { promql, max: 0.01, traffic: requests }, autoRollback: { mode: 'suggest' } })(world);
      metrics.value = async () => ({ kind: 'value', value: valueAt(clock.now()) });
      metrics.range = async (query, from, until) => {
        if (query !== requests) return samplesOf(from, until, valueAt);
        if (clock.now() >= minute(5)) asked += 1;
        return samplesOf(from, until, () => 0.05);
      };
    };
    const { world } = await play({ given: [measures], timeline: { '0 s': fires(), '5 min': ends() } });
    const { record } = world.store.dossier(theIncident(world));
    expect(record.recovered_at).toBe(minute(5));
    expect(secondsBetween(minute(5), record.resolved_at ?? expect.unreachable())).toBeLessThanOrEqual(60);
    expect(asked > 0).toBe(areAsked);
  });

  test('closes as not verified if its health stays above its limit', async () => {
    const { incident, last } = await played(600);
    expect(incident).toMatchObject({ closed_as: 'unverified', resolved_at: minute(20) });
    expect(incident).not.toHaveProperty('recovered_at');
    expect(last).toMatch(
      /^Closed, not verified: all alerts have ended, but 15 min later nothing had shown that the service recovered \(not healthy: .* is 30 %, above 1 %\)\. Reopen it/,
    );
  });

  test('waits anew after an alert that fires meanwhile', async () => {
    const { incident, last } = await played(38, {
      '12 min': fires({ name: 'HighLatency' }),
      '25 min': ends({ name: 'HighLatency' }),
    });
    expect(incident).toMatchObject({ closed_as: 'verified', recovered_at: minute(38) });
    expect(last).toBe('Resolved: all alerts have resolved, and health is within its limit since 12:38 UTC');
  });

  test.each([
    [
      'right before it is looked at',
      (world) => {
        let isFirst = true;
        world.on('incidents.read', {
          before: async () => {
            const { firing } = world.store.dossier(theIncident(world)).record;
            if (!isFirst || firing > 0) return;
            isFirst = false;
            await fires({ name: 'HighLatency' })(world);
          },
        });
      },
    ],
    [
      'while the wait is recorded',
      (world) => {
        const { store, deps, clock } = world;
        let isFirst = true;
        world.on('incidents.waitForHealth', {
          before: async () => {
            if (!isFirst) return;
            isFirst = false;
            const id = theIncident(world);
            const write = store.write.bind(store);
            store.write = async (writes) => {
              store.write = write;
              const { seq } = store.dossier(id).record;
              await deps.incidents.waitForHealth(id, seq, { since: clock.now(), until: minute(20) });
              return write(writes);
            };
            await fires({ name: 'HighLatency' })(world);
          },
        });
      },
    ],
  ] satisfies [string, Moment][])('waits anew after an alert that fires %s', async (_, races) => {
    const waiting: unknown[] = [];
    const { incident } = await played(
      38,
      {
        '12 min': (world) => void waiting.push(world.store.dossier(theIncident(world)).record),
        '25 min': ends({ name: 'HighLatency' }),
      },
      { '1 min': races },
    );
    expect(waiting).toEqual([expect.objectContaining({ firing: 1 })]);
    expect(waiting).toEqual([expect.not.objectContaining({ waits_for_health: expect.anything() })]);
    expect(incident).toMatchObject({ closed_as: 'verified', recovered_at: minute(38) });
  });

  test.each([
    ['its query is removed', mode('suggest')],
    ['Prometheus is disconnected', (world) => void (world.deps.metrics.value = async () => null)],
  ] satisfies [string, Moment][])('goes on to wait if %s', async (_, loses) => {
    const { incident, last } = await played(600, { '8.5 min': loses });
    expect(incident).toMatchObject({ closed_as: 'unverified', resolved_at: minute(20) });
    expect(last).toContain(
      '15 min later nothing had shown that the service recovered (health is not measured any more)',
    );
  });

  test.each([
    ['was rolled back without success', says({ kind: 'rollback', ...ada }), 'open because the mitigation did not help'],
    [
      'a person has declared',
      says({ kind: 'declared', severity: 'critical', page: false, ...ada }, { byHand: true }),
      'open because a person declared it; a person resolves it',
    ],
  ])('says of one that %s meanwhile no time at which it closes', async (_, happens, why) => {
    const shown: Record<string, string>[] = [];
    await played(600, { '8 min': happens, '30 min': looksInto(shown) });
    expect(shown[0]?.['cli']).toContain(why);
    for (const text of Object.values(shown[0] ?? {})) {
      expect(text).not.toContain('it closes when health is within it');
      expect(text).not.toContain('its alerts have ended, but its health is above its limit');
    }
  });

  /** An alert that comes back after its incident has closed: the incident stays open for ten quiet minutes. */
  const flapping = async (until: number, more: Story['timeline'] = {}, promql?: string) => {
    const back = { began: 0 };
    const course = {
      '330 s': failsUntil(until, 'suggest', promql),
      '6 min': fires(back),
      '7 min': ends(back),
      ...more,
    };
    return played(until, course, { '0 s': all(failsUntil(4), fires()) });
  };

  test('has ended when its health was within its limit, also if its alerts flap', async () => {
    const { incident, last } = await flapping(9);
    expect(incident).toMatchObject({ status: 'resolved', recovered_at: minute(9) });
    expect(secondsBetween(minute(9), incident.resolved_at ?? NOON)).toBeGreaterThan(300);
    expect(last).toContain('and health is within its limit since 12:09 UTC');
  });

  test('has ended with its alerts if they flap, and health was within its limit before', async () => {
    const { incident, last } = await flapping(6.5);
    expect(incident).toMatchObject({ status: 'resolved', recovered_at: minute(7) });
    expect(last).toBe('Resolved: all alerts have resolved');
  });

  test.each([
    ['has ended when its health was within its limit', 9, minute(9)],
    ['has not ended while its health is above its limit', 600, null],
  ])('%s, also if a person resolves it while its alerts flap', async (_, until, end) => {
    const { incident } = await flapping(until, { '12 min': says({ kind: 'resolve', ...ada }) });
    expect(incident).toMatchObject({ closed_as: 'person', resolved_at: minute(12), firing: 0 });
    expect(endedProblemsOf(incident).at(-1)?.ended_at).toBe(end);
  });

  test('has ended with its alerts if they flap, and its query has a window of more than an hour', async () => {
    const { incident } = await flapping(9, {}, 'sum(rate(errors[6h])) / sum(rate(requests[6h]))');
    expect(incident).toMatchObject({ status: 'resolved', recovered_at: minute(7) });
  });

  test('is reopened by its next alert if it had closed as not verified, and waits anew', async () => {
    const { incident, last } = await played(40, { '24 min': fires({ began: 30 }), '30 min': ends() });
    expect(incident).toMatchObject({ closed_as: 'verified', run: 2 });
    expect(incident).not.toHaveProperty('returned_at');
    expect(last).toMatch(/^Resolved: all alerts have resolved/);
  });

  test('waits for the window of its query, but not for one of more than an hour', async () => {
    const ending = async (window: string) => {
      const ratio = `sum(rate(errors[${window}])) / sum(rate(requests[${window}]))`;
      const { incident } = await played(600, {}, { '4 min': failsUntil(600, 'suggest', ratio) });
      return [incident.closed_as, secondsBetween(minute(5), incident.resolved_at ?? NOON)];
    };
    const [closedAs, seconds] = await ending('1h');
    expect(closedAs).toBe('unverified');
    expect(seconds).toBeGreaterThanOrEqual(3600);
    expect(await ending('6h')).toEqual(['verified', 0]);
  });

  test('does not wait if its health is not known, and goes on to wait if that becomes unknown', async () => {
    const loses: Moment = ({ deps }) => {
      deps.metrics.value = async () => ({ kind: 'no_data' });
    };
    expect((await played(600, {}, { '4 min': loses })).incident).toMatchObject({
      closed_as: 'verified',
      resolved_at: minute(5),
    });
    const { incident, last } = await played(600, { '8.5 min': loses });
    expect(incident).toMatchObject({ closed_as: 'unverified', resolved_at: minute(20) });
    expect(last).toContain('(inconclusive: job:checkout:error_ratio returned no data)');
  });
});

test.each([
  [
    'stays verified if health was measured',
    0.25,
    'verified',
    /^Resolved: the mitigation is verified, and health is within/,
  ],
  ['is not verified without a health query', null, 'unverified', /^Closed, not verified: /],
])('the recovery after a rollback, of an alert whose end is never reported, %s', async (_, until, closedAs, text) => {
  const { world } = await play({
    given: [DAY_IN_AN_HOUR, ...(until === null ? [] : [failsUntil(until, 'act')])],
    timeline: { '0 s': fires() },
  });
  const incident = world.store.dossier(theIncident(world)).record;
  expect(incident).toMatchObject({ closed_as: closedAs, resolved_by: 'firebreak:quiet' });
  const { timeline } = world.store.dossier(incident.id);
  expect(timeline.find(({ kind }) => kind === 'incident.resolved')?.text).toMatch(text);
});

test('an incident is read once when it closes', async () => {
  let reads = 0;
  const counts: number[] = [];
  const counting: Moment = (world) => {
    world.on('incidents.read', { before: () => void (reads += 1) });
    // The last read of the inbox before that.
    world.on('incidents.readInbox', { before: () => void (reads = 0) });
    world.on('incidents.resolve', { before: () => void counts.push(reads) });
  };
  await play({ given: [failsUntil(2, 'act'), counting], timeline: { '0 s': fires(), '30 min': ends() } });
  // With its messages, for its deadlines, and to close it.
  expect(counts).toEqual([3]);
});

test('the timeline of an incident is read once when it closes', async () => {
  let reads = 0;
  const counts: number[] = [];
  const counting: Moment = (world) => {
    const { store } = world;
    const range = store.range.bind(store);
    store.range = (pk, part) => {
      if (part?.prefix === 'TL#') reads += 1;
      return range(pk, part);
    };
    world.on('incidents.readInbox', { before: () => void (reads = 0) });
    world.on('incidents.resolve', { after: () => void counts.push(reads) });
  };
  await play({ given: [failsUntil(4), counting], timeline: { '0 s': fires(), '5 min': ends() } });
  expect(counts).toEqual([1]);
});

test('an incident of a service outside the catalogue closes without saying to reopen it', async () => {
  const { given = [] } = closingPaths['closes-after-auto-resolve-hours'] ?? expect.unreachable();
  const { world } = await play({ given, timeline: { '0 s': fires(alarm('billing')) } });
  const { items } = await world.deps.incidents.timeline(theIncident(world), { limit: 100 });
  expect(items.find(({ kind }) => kind === 'incident.resolved')?.text).toBe(
    'Closed, not verified: nothing has shown that the service recovered. If it has not, declare another incident',
  );
});

test('the timeline names who closed an incident as the other channels do', async () => {
  const { world } = await play(closingPaths['closes-after-auto-resolve-hours'] ?? expect.unreachable());
  const { get } = consoleWorld(() => ({}), world);
  const page = await (await get(`/console/incidents/${theIncident(world)}`, { token: 'ada' })).text();
  const whoClosed = /class="who">([^<]*)<(?=(?:(?!class="who")[^])*<code>incident\.resolved<)/.exec(page)?.[1];
  expect(whoClosed).toBe('firebreak');
});

test.each([
  [
    'a service outside the catalogue',
    { service: 'unmatched', unmatched: 'billing' } as Partial<IncidentRecord>,
    ['If it has not, declare another incident.', 'billing is not in the catalogue'],
  ],
  [
    'a group',
    { group_reason: { because: 'many', name: '', text: 'many fail' } } as const,
    ['If it has not, reopen one of its incidents.'],
  ],
])('no channel says to reopen an unverified incident of %s, which is refused', async (_, set, inConsole) => {
  const path = closingPaths['closes-after-auto-resolve-hours'] ?? expect.unreachable();
  const { world } = await play(path);
  const id = theIncident(world);
  await world.store.editIncident(id, set);
  const shown = await shownToResponders(world, id);
  for (const statement of inConsole) expect(shown.console).toContain(statement);
  expect(shown.cli).toContain(inConsole[0]);
  for (const [channel, text] of Object.entries(shown)) {
    expect([channel, text]).toEqual([channel, expect.stringContaining('closed, not verified')]);
    expect([channel, text]).not.toEqual([channel, expect.stringMatching(/reopen it|reopens it|incident reopen/i)]);
  }
});

test('an alert that is repeated keeps its incident open, however quiet it is otherwise', async () => {
  const { incident, minutes } = await closed('repeated-alert-keeps-the-incident-open');
  expect(incident.closed_as).toBe('verified');
  expect(minutes).toBe(130);
});

test('a question that waits for an answer keeps the incident open', async () => {
  const { incident, minutes } = await closed('open-question-keeps-the-incident-open');
  expect(incident.closed_as).toBe('unverified');
  expect(minutes).toBeGreaterThan(100);
});

test('a note of a person restarts the time without activity', async () => {
  const { incident, minutes } = await closed('note-keeps-the-incident-open');
  expect(incident.closed_as).toBe('unverified');
  expect(minutes).toBeGreaterThanOrEqual(110);
});

test('an end that arrives late verifies the recovery', async () => {
  const { incident, minutes } = await closed('end-of-an-alert-arrives-a-day-late');
  expect(incident.closed_as).toBe('verified');
  expect(minutes).toBe(90);
});

test('the next alert reopens an unverified incident, with a page and a new run', async () => {
  const { incident, texts } = await closed('unverified-incident-is-reopened-by-its-alert');
  expect(texts).toContainEqual(
    expect.stringMatching(
      /^Reopened: "[^"]+" still fires or fires again\. The incident was closed without a verified recovery$/,
    ),
  );
  expect(incident.signal_count).toBe(2);
});

const resolvesByHand: Moment = says({ kind: 'resolve', ...ada });

test('an incident that a person reopened once is not kept open by that after its next alert', async () => {
  const timeline = {
    '0 s': fires(),
    '1 min': ends(),
    '2 min': resolvesByHand,
    '3 min': reopens,
    '4 min': resolvesByHand,
    '5 min': fires({ began: 0 }),
  };
  const { world } = await play({ given: [mode('suggest')], timeline });
  const { record } = world.store.dossier(theIncident(world));
  expect(record).toMatchObject({ status: 'resolved', resolved_by: 'firebreak:quiet' });
  expect(record).not.toHaveProperty('by_hand');
});

test.each<[string, Story]>([
  ['without activity', closingPaths['unverified-incident-is-reopened-by-its-alert'] ?? expect.unreachable()],
  ['without activity, and reopened by a person', closingPaths['person-reopens-an-incident'] ?? expect.unreachable()],
  [
    'by a person while its alert fired',
    { given: [mode('suggest')], timeline: { '0 s': fires(), '2 min': resolvesByHand, '3 min': reopens } },
  ],
])('the problem of an incident that was closed %s has not returned, but lasts since its start', async (_, story) => {
  const { world } = await play(story);
  expect(world.store.dossier(theIncident(world)).record).not.toHaveProperty('returned_at');
  const triggers = world.pageRequests.filter(({ action }) => action === 'trigger');
  expect(triggers.map(({ details }) => details?.['since'])).toEqual([
    '2026-11-20 11:59 UTC',
    expect.stringMatching(/^2026-11-20 (?:11:59|12:00) UTC$/),
  ]);
});

test('a person reopens an incident, and then resolves it', async () => {
  const { incident, minutes } = await closed('person-reopens-an-incident');
  expect(incident.closed_as).toBe('person');
  expect(minutes).toBe(104);
});

test('an incident that is reopened before anything was mitigated says since when its problem is back', async () => {
  const [before, after]: Record<string, string>[][] = [[], []];
  await play({ given: [mode('suggest')], timeline: { '0 s': fires(), '2 min': looksInto(before ?? []) } });
  const { world } = await play({
    given: [mode('suggest')],
    timeline: { '0 s': fires(), '20 min': ends(), '24 min': fires({ began: 30 }), '25 min': looksInto(after ?? []) },
  });
  expect(
    world.pageRequests.filter(({ action }) => action === 'trigger').map(({ details }) => details?.['since']),
  ).toEqual(['2026-11-20 11:59 UTC', '2026-11-20 12:23 UTC']);
  const since = 'present problem since';
  for (const text of Object.values(before?.[0] ?? {})) expect(text).not.toContain(since);
  expect(after?.[0]?.['console']).toContain(`${since} 12:23`);
  expect(after?.[0]?.['cli']).toMatch(/^opened .*12:00.*, present problem since .*12:23/m);
  expect(after?.[0]?.['slack']).toMatch(/present problem since .*12:23/);
});
