import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, group } from '../../../support/alerts.ts';
import { Firebreak } from '../../../support/firebreak.ts';
import { routed, seen } from '../../../support/fixtures.ts';

let firebreak: Firebreak;
beforeAll(async () => {
  const shadow = { environments: { production: null } };
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 120, // ten minutes are five seconds
    services: { checkout: shadow, cart: shadow },
    configFiles: {
      'routes.yaml': 'manyAtOnce: off\n',
      'people.yaml': 'people:\n  ada: { name: Ada, pagerduty: PADA001 }\n',
      'response.yaml': [
        'pagerduty: { resolve: resolve, changeEvents: true }',
        'escalation: { afterMinutes: 10, times: 1 }',
      ].join('\n'),
    },
  });
});
afterAll(() => firebreak?.remove());

const person = (id: string, what: string, body: object) =>
  firebreak.request('POST', `/sandbox/pagerduty/incidents/${id}/${what}`, body);

type Shown = { id: string; title: string; status: string; log: { action: string; by: string | null }[] };

/** Returns PagerDuty's incidents of a service, newest first. */
const shown = async (service: string): Promise<Shown[]> =>
  (await firebreak.get('/sandbox/state')).body.views.pagerduty.incidents.filter(
    ({ title }: Shown) => title.split(' ')[1] === service,
  );

/** Sends a firing alert and waits for the page. Returns the path of the incident. */
async function fires(service: string): Promise<{ incident: string; page: Shown }> {
  const firing = alert({
    labels: { service },
    fingerprint: service.padEnd(16, '0'),
    annotations: { runbook_url: 'https://wiki.example.com/checkout' },
  });
  await routed(firebreak, await firebreak.post('/v1/alerts/alertmanager', group([firing])));
  const page = await seen(async () => (await shown(service))[0], 'a page');
  const { body } = await firebreak.get(`/v1/incidents?service=${service}`);
  return { page, incident: `/v1/incidents/${body.items[0].id}` };
}

const timeline = async (incident: string): Promise<string[]> =>
  (await firebreak.get(`${incident}/timeline`)).body.items.map(({ text }: { text: string }) => text);

test('a paged person can handle the incident from PagerDuty', async () => {
  const { incident, page } = await fires('checkout');
  const enqueued = (await firebreak.calls('pagerduty')).find(({ path }) => path === '/v2/enqueue');
  expect(enqueued?.body).toMatchObject({
    links: expect.arrayContaining([{ href: 'https://wiki.example.com/checkout', text: 'Runbook' }]),
  });

  expect(await person(page.id, 'annotate', { by: 'Ada Park', text: 'looking' })).toMatchObject({
    status: 200,
    body: { delivery: { status: 202 } },
  });
  await person(page.id, 'acknowledge', { by: 'Ada Park' });
  await seen(async () => (await firebreak.get(incident)).body.roles.commander === 'Ada', 'a commander');
  await person(page.id, 'resolve', { by: 'Ada Park' });
  await seen(async () => (await firebreak.get(incident)).body.status === 'resolved', 'its end');

  expect(await timeline(incident)).toEqual(
    expect.arrayContaining([
      'Note at PagerDuty by Ada Park: looking',
      'Acknowledged at PagerDuty by Ada',
      'Ada is the incident commander, because they acknowledged the page at PagerDuty',
      'Resolved at PagerDuty by Ada',
    ]),
  );
});

test('an unacknowledged page is escalated', async () => {
  const { incident } = await fires('cart');
  await seen(async () => (await shown('cart')).length === 2, 'another page');
  expect(await timeline(incident)).toContain(
    'Page 1 was not acknowledged within 10 minutes (escalation 1 of 1): paging again',
  );
});

test('PagerDuty gets change events for deploys', async () => {
  const serviceEnvironment = { service: 'checkout', environment: 'production' };
  await firebreak.post('/v1/deployments', { ...serviceEnvironment, version: 'v7', author: 'ada' });
  const told = await seen(
    async () => (await firebreak.calls('pagerduty')).find(({ path }) => path === '/v2/change/enqueue'),
    'a change event',
  );
  expect(told).toMatchObject({ status: 202, body: { payload: { summary: 'Deploy: checkout production v7' } } });
});
