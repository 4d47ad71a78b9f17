import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { eventually, Firebreak } from '../support/firebreak.ts';

/** Ada is on call at the sandbox's PagerDuty. */
const PEOPLE = {
  people: { ada: { name: 'Ada', pagerduty: 'PADA001' } },
  onCall: { payments: { escalationPolicy: 'PPAYMENTS' } },
};

const names = ['checkout', 'search'];
let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: Object.fromEntries(names.map((name) => [name, { team: 'payments', environments: { production: {} } }])),
    configFiles: { 'people.yaml': stringify(PEOPLE) },
    timeScale: 60,
  });
});
afterAll(() => firebreak?.remove());

async function declared(service: string): Promise<any> {
  const input = { service, environment: 'production', severity: 'warning', title: 'Slow' };
  const { status, body } = await firebreak.post('/v1/incidents', input);
  expect(status).toBe(201);
  return body;
}

const entries = async (id: string): Promise<string[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items.map(({ text }: any) => text);

test('an incident can be declared if PagerDuty cannot return who is on call, and the timeline shows the failure', async () => {
  await firebreak.put('/sandbox/faults', [
    { vendor: 'pagerduty', fault: { kind: 'status', status: 503 }, match: { path: '/oncalls' } },
  ]);
  const { id, roles } = await declared('checkout');
  expect(roles).toEqual({});
  await eventually(
    async () =>
      (await entries(id)).some((text) => text.startsWith('The on-call responder of payments could not be looked up')),
    'the timeline entry about the failure',
  );
  await firebreak.put('/sandbox/faults', []);
});

test('the person on call becomes the commander of a declared incident', async () => {
  const { id } = await declared('search');
  await eventually(
    async () => (await firebreak.get(`/v1/incidents/${id}`)).body.roles.commander === 'Ada',
    'Ada has command',
  );
  expect(await entries(id)).toContain('Assigned command to Ada, who is on call for payments');
});
