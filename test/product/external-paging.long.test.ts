import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Effect, TimelineEntry } from '../../schemas/incidents/incident.ts';
import { alert, group, twoDeployments } from '../support/alerts.ts';
import { eventually, Firebreak } from '../support/firebreak.ts';

/** Each test has its own service, for which Alertmanager pages by itself. */
const services = ['billing', 'search', 'mail', 'quiet'];

let firebreak: Firebreak;
let pagerDuty: string;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: Object.fromEntries(
      services.map((name) => [name, { paging: 'external', environments: { production: {} } }]),
    ),
    timeScale: 30, // the search takes 3 s, and the sweeper runs every 2 s
  });
  pagerDuty = (await firebreak.get('/sandbox/state')).body.urls.pagerduty;
});
afterAll(() => firebreak.remove());

const groupKey = (service: string): string => `{}/{team="payments"}:{service="${service}"}`;

const dedupKey = (service: string): string => createHash('sha256').update(groupKey(service)).digest('hex');

/** The event that Alertmanager sends to PagerDuty for the group. */
async function alertmanagerPages(service: string): Promise<void> {
  const response = await fetch(`${pagerDuty}/v2/enqueue`, {
    method: 'POST',
    body: JSON.stringify({
      routing_key: 'alertmanager00000000000000000000',
      event_action: 'trigger',
      dedup_key: dedupKey(service),
      payload: { summary: `[FIRING:1] ${service}`, source: 'alertmanager', severity: 'critical' },
    }),
  });
  expect(response.status).toBe(202);
}

/** The webhook that Alertmanager sends to Firebreak for the group. */
async function alertmanagerTells(service: string): Promise<void> {
  const firing = alert({
    labels: { service, action: '' },
    fingerprint: createHash('md5').update(service).digest('hex'),
  });
  const sent = await firebreak.post('/v1/alerts/alertmanager', group([firing], { groupKey: groupKey(service) }));
  expect(sent.status).toBe(202);
}

type Shown = { id: string; title: string; status: string; notes: { by: string; text: string }[] };

/** Returns PagerDuty incidents that name the service. */
async function atPagerDuty(service: string): Promise<Shown[]> {
  const { body } = await firebreak.get('/sandbox/state');
  return body.views.pagerduty.incidents.filter(({ title }: Shown) => title.includes(service));
}

async function incidentOf(service: string): Promise<{ id: string; effects: Effect[] } | undefined> {
  return (await firebreak.get(`/v1/incidents?service=${service}`)).body.items[0];
}

const effectOf = (service: string, kind: Effect['kind'], ending = ''): Promise<Effect> =>
  eventually(
    async () =>
      (await incidentOf(service))?.effects.find(
        (effect) => effect.kind === kind && effect.key.endsWith(ending) && effect.state !== 'intended',
      ),
    `the effect ${kind} of ${service}`,
  );

/** Waits for a timeline entry. */
const told = (service: string, kind: string): Promise<TimelineEntry> =>
  eventually(async () => {
    const { body } = await firebreak.get(`/v1/incidents/${(await incidentOf(service))?.id}/timeline`);
    return body.items.find((entry: TimelineEntry) => entry.kind === kind);
  }, `${kind} on the timeline of ${service}`);

test('an incident paged by Alertmanager is found, annotated, and followed, without a second page', async () => {
  for (const deployment of twoDeployments('billing')) await firebreak.post('/v1/deployments', deployment);
  await alertmanagerPages('billing');
  await alertmanagerTells('billing');

  const page = await effectOf('billing', 'page');
  const [theirs, ...others] = await atPagerDuty('billing');
  expect(others).toEqual([]);
  expect(page).toMatchObject({
    state: 'succeeded',
    detail: expect.stringContaining(
      `Following PagerDuty incident ${theirs?.id} (found by the key of its alert group), assigned to Sandbox On-Call`,
    ),
    followed: { id: theirs?.id, assigned_to: ['Sandbox On-Call'] },
  });

  expect(await effectOf('billing', 'page-note')).toMatchObject({ state: 'succeeded', class: 'findable' });
  const notes = (await atPagerDuty('billing'))[0]?.notes ?? [];
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatchObject({ by: 'firebreak@example.com' });
  expect(notes[0]?.text).toContain((await incidentOf('billing'))?.id);
  expect(notes[0]?.text).toContain('- v2,');

  await firebreak.post(`/sandbox/pagerduty/incidents/${theirs?.id}/acknowledge`, { by: 'Ada' });
  expect(await told('billing', 'page.acknowledged')).toMatchObject({ text: 'Acknowledged at PagerDuty by Ada' });
  expect(await atPagerDuty('billing')).toHaveLength(1);
});

test('a slightly later page by Alertmanager is awaited', async () => {
  await alertmanagerTells('search');
  const looked = async () => JSON.stringify(await firebreak.calls('pagerduty')).includes(dedupKey('search'));
  await eventually(looked, 'a look for its key');
  await alertmanagerPages('search');
  expect(await effectOf('search', 'page')).toMatchObject({ followed: { assigned_to: ['Sandbox On-Call'] } });
  expect(await atPagerDuty('search')).toHaveLength(1);
});

test('Firebreak pages if Alertmanager does not, and the signal shows no group key', async () => {
  await alertmanagerTells('quiet');
  const page = await effectOf('quiet', 'page');
  expect(page.followed).toBeUndefined();
  expect(page).toMatchObject({
    state: 'succeeded',
    detail: expect.stringContaining('; paged by Firebreak, because none of '),
  });
  expect(await atPagerDuty('quiet')).toMatchObject([{ status: 'triggered', notes: [] }]);

  const { body } = await firebreak.get(`/v1/incidents/${(await incidentOf('quiet'))?.id}/signals`);
  expect(body.items).toHaveLength(1);
  expect(JSON.stringify(body.items)).not.toMatch(/groupKey|group_key/);
});

test('Firebreak pages again if the incident is resolved at PagerDuty while alerts fire', async () => {
  await alertmanagerPages('mail');
  await alertmanagerTells('mail');
  await effectOf('mail', 'page');
  const [theirs] = await atPagerDuty('mail');
  await firebreak.post(`/sandbox/pagerduty/incidents/${theirs?.id}/resolve`, { by: 'Ada' });

  expect(await told('mail', 'page.ended')).toMatchObject({
    // Reported by PagerDuty's webhook or found by the sweeper, whichever is first.
    text: expect.stringMatching(/^Resolved at PagerDuty (by Ada|\(Q\w+\)), but alerts still fire: a new page is due$/),
  });
  const again = await effectOf('mail', 'page', '.page.2');
  expect(again).toMatchObject({ state: 'succeeded' });
  expect(again.followed).toBeUndefined();
  expect((await atPagerDuty('mail')).map(({ status }) => status).toSorted()).toEqual(['resolved', 'triggered']);
});
