import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, group } from '../support/alerts.ts';
import { Firebreak } from '../support/firebreak.ts';
import { routed, seen } from '../support/fixtures.ts';
import { BAD, environment, GOOD, Guarded } from './guarded.ts';

const SERVICES = ['cart', 'search', 'ledger', 'chess'];

let firebreak: Firebreak;
beforeAll(async () => {
  const shadow = { environments: { production: null } };
  firebreak = await Firebreak.start({
    services: {
      ...Object.fromEntries(SERVICES.map((service) => [service, shadow])),
      billing: { environments: { production: environment('approve') } },
      orders: { dependsOn: ['billing'], environments: { production: environment('approve') } },
    },
    configFiles: {
      'routes.yaml': 'manyAtOnce: { incidents: 2, minutes: 5 }\n',
      'people.yaml': 'people:\n  ada: { name: Ada, pagerduty: PADA001, slack: U024BE7LH }\n',
    },
  });
});
afterAll(() => firebreak?.remove());

const CLOSES = '4 child incidents with 4 firing alerts';

/** Performs an action in Slack. */
async function does(user: string, what: string, body: object): Promise<any> {
  const { status, body: answer } = await firebreak.post(`/sandbox/slack/${what}`, { user, ...body });
  expect([status, answer.detail]).toEqual([expect.toBeOneOf([200, 201]), undefined]);
  return answer;
}

const channelNamed = async (name: string): Promise<any> =>
  (await firebreak.get(`/sandbox/slack/channels/${name}`)).body;

type Page = { id: string; title: string; status: string };
type Incident = { id: string; service: string; status: string; parent_id: string | null; channel: string | null };

const pages = async (): Promise<Page[]> => (await firebreak.get('/sandbox/state')).body.views.pagerduty.incidents;
/** Returns the service that the title of a page names: `INC-1 cart production: …`. */
const serviceIn = ({ title }: Page): string | undefined => title.split(' ')[1];
const pagesOf = async (service: string) => (await pages()).filter((page) => serviceIn(page) === service);
const incidents = async (): Promise<Incident[]> => (await firebreak.get('/v1/incidents?limit=100')).body.items;
const incidentsOf = async (service: string) => (await incidents()).filter((one) => one.service === service);

async function fires(service: string, name: string): Promise<void> {
  const firing = alert({ labels: { service, alertname: name }, fingerprint: `${name}${service}`.padEnd(16, '0') });
  await routed(firebreak, await firebreak.post('/v1/alerts/alertmanager', group([firing])));
}

test('a bad dependency and its caller are one outage: one page, one question, and one verified rollback', async () => {
  const guarded = new Guarded(() => firebreak);
  const [billing, orders] = ['billing', 'orders'].map((service) => ({ service, environment: 'production' }));
  if (billing === undefined || orders === undefined) return expect.unreachable();
  await guarded.deployed(billing, GOOD, BAD);
  await guarded.fire(orders);
  await seen(async () => (await pagesOf('orders'))[0], 'the page of the caller');
  await guarded.fire(billing);
  const asking = await guarded.incident(billing, ({ decisions }) => decisions.at(-1)?.state === 'waiting', 'asking');
  expect(asking.parent_id).not.toBeNull();
  const [caller] = await guarded.incidents(orders);
  expect(caller.parent_id).toBe(asking.parent_id);
  expect(caller.decisions.filter(({ state }: { state: string }) => state === 'waiting')).toEqual([]);
  expect(await pages()).toHaveLength(1);

  expect((await guarded.answer(asking, 'approve')).status).toBe(200);
  await guarded.mitigated(billing);
  await guarded.awaitEntry(asking, 'mitigation.succeeded', /Rolled back to 2026\.4/);
  expect((await guarded.rollbacks(billing)).every(({ incident_id: id }) => id === asking.id)).toBe(true);
  await guarded.act({ id: asking.parent_id }, 'resolve', {});
  await seen(async () => (await incidents()).every(({ status }) => status === 'resolved'), 'the end of all');
  await seen(async () => (await pages()).every(({ status }) => status === 'resolved'), 'the end of the page');
  expect(await pages()).toHaveLength(1);
  const { body } = await firebreak.get(`/v1/incidents/${asking.id}/postmortem`);
  expect(JSON.stringify(body)).not.toContain('The record has no mitigation');
  expect(JSON.stringify(body)).toContain('Rolled back to 2026.4');
});

test('a parent is acknowledged and resolved with its children, and a later alert pages', async () => {
  for (const service of SERVICES) {
    await fires(service, 'first');
    await seen(async () => (await incidentsOf(service))[0], `an incident of ${service}`);
    if (service !== 'chess' && service !== 'ledger') await seen(async () => (await pagesOf(service))[0], 'its page');
  }
  const parent = await seen(async () => {
    const [found] = await incidentsOf('several-services');
    const joined = (await incidents()).filter(({ parent_id }) => parent_id === found?.id);
    return joined.length === SERVICES.length ? found : undefined;
  }, 'a parent of all');
  const [rings] = await seen(async () => {
    const found = await pagesOf('several-services');
    return found.length > 0 ? found : undefined;
  }, 'its page');

  await firebreak.request('POST', `/sandbox/pagerduty/incidents/${rings?.id}/acknowledge`, { by: 'Ada Park' });
  await seen(async () => (await pages()).every(({ status }) => status !== 'triggered'), 'silence');
  expect(new Set((await pages()).map(serviceIn))).toEqual(
    new Set(['orders', 'cart', 'search', 'several-services']), // the first one is over
  );

  expect((await firebreak.get(`/v1/incidents/${parent.id}`)).body.children).toEqual({
    incidents: 4,
    open: 4,
    firing: 4,
  });
  // From the phone.
  const name = (await seen(async () => (await incidentsOf('several-services'))[0]?.channel, 'its channel')).slice(1);
  const asked = await does('ada', 'commands', { channel: name, text: '/incident resolve' });
  await does('ada', `views/${asked.modal.id}/submit`, { values: { text: { text: 'DNS is back' } } });
  await seen(async () => (await incidents()).every(({ status }) => status === 'resolved'), 'the end of all');
  await seen(async () => (await pages()).every(({ status }) => status === 'resolved'), 'the end of the pages');
  const answered = async () => JSON.stringify((await channelNamed(name)).ephemerals ?? []);
  await seen(async () => (await answered()).includes(`together with ${CLOSES}`), 'the answer');
  const card = async () => JSON.stringify((await channelNamed(name)).messages[0]?.blocks ?? []);
  await seen(async () => (await card()).includes('0 of 4 open'), 'the card of the resolved parent');
  const { body } = await firebreak.get(`/v1/incidents/${parent.id}/timeline`);
  expect(body.items.map(({ text }: { text: string }) => text)).toContain(`DNS is back; this also resolves ${CLOSES}`);

  await fires('chess', 'second');
  const page = await seen(async () => (await pagesOf('chess'))[0], 'a page of its own');
  expect(page).toMatchObject({ status: 'triggered' });
  expect(await incidentsOf('chess')).toMatchObject([{ status: 'open', parent_id: null }, { parent_id: parent.id }]);
});
