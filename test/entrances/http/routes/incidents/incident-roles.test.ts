import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { eventually, Firebreak } from '../../../../support/firebreak.ts';

let firebreak: Firebreak;
let id: string;
let services = 0;

beforeAll(async () => {
  const names = Array.from(
    { length: 11 },
    (_, n) => [`handling-${n + 1}`, { environments: { production: {} } }] as const,
  );
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 1,
    services: {
      ...Object.fromEntries(names),
      shown: { statusPage: { components: ['Shop'] }, environments: { production: {}, staging: {} } },
    },
    configFiles: {
      'people.yaml': stringify({ people: { ada: { name: 'Ada' }, bob: {}, vera: { roles: ['viewer'] } } }),
    },
  });
});
afterAll(() => firebreak?.remove());

async function declared(): Promise<string> {
  const service = `handling-${(services += 1)}`;
  const { body } = await firebreak.post('/v1/incidents', { service, environment: 'production', title: 'Errors' });
  return body.id;
}

const said = async (): Promise<string[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items
    .toReversed()
    .filter(({ actor }: any) => actor === 'admin')
    .map(({ text }: any) => text);

const act = (path: string, body?: object) => firebreak.post(`/v1/incidents/${id}/${path}`, body);

describe('actions of people on an incident', () => {
  test.each([
    ['staging', 'critical', /environment staging is not public: add it to environments in status-page\.yaml$/],
    ['production', 'warning', /severity warning is not public: set the severity to critical, or change from in/],
  ])(
    'approving a status page that never shows the incident is refused: %s, %s',
    async (environment, severity, detail) => {
      const declaration = { service: 'shown', environment, severity, title: 'Errors' };
      ({ id } = (await firebreak.post('/v1/incidents', declaration)).body);
      const refused = { status: 409, body: { code: 'not-on-status-page', detail: expect.stringMatching(detail) } };
      expect(await act('actions/publish')).toMatchObject(refused);
      expect(await act('updates', { text: 'Looking', publish: true })).toMatchObject(refused);
      expect(await said()).toEqual(['Opened: Errors']);
      expect((await act('updates', { text: 'Looking' })).status).toBe(200);
      await firebreak.resolve(id);
    },
  );

  test('approving a status page that waits shows the incident', async () => {
    const declaration = { service: 'shown', environment: 'production', severity: 'critical', title: 'Errors' };
    ({ id } = (await firebreak.post('/v1/incidents', declaration)).body);
    expect((await act('actions/publish')).status).toBe(202);
    const shown = async () =>
      JSON.stringify((await firebreak.get('/status/api/v2/incidents.json')).body).includes('Shop');
    await eventually(shown, 'the incident on the status page');
  });

  test('acknowledge once, which stops the pager', async () => {
    id = await declared();
    const paged = async () =>
      (await firebreak.get(`/v1/incidents/${id}`)).body.effects.some(
        (one: any) => one.kind === 'page' && one.state === 'succeeded',
      );
    await eventually(paged, 'the page');
    expect((await act('actions/acknowledge')).status).toBe(200);
    expect((await act('actions/acknowledge')).status).toBe(200);
    expect(await said()).toEqual(['Opened: Errors', 'Acknowledged the incident']);
    const acknowledged = (await firebreak.calls('pagerduty')).filter(({ body }) => body.event_action === 'acknowledge');
    // The sweeper may send the same acknowledgement at the same time; PagerDuty treats both as one.
    expect(new Set(acknowledged.map(({ body }) => body.dedup_key))).toEqual(new Set([`${id}.page.1`]));
    const { effects } = (await firebreak.get(`/v1/incidents/${id}`)).body;
    expect(effects.filter(({ kind }: any) => kind === 'page-acknowledge')).toHaveLength(1);
  });

  test('take, assign, and leave roles', async () => {
    id = await declared();
    expect((await act('roles', { do: 'take', role: 'commander' })).body.roles).toEqual({ commander: 'admin' });
    expect((await act('roles', { do: 'assign', role: 'scribe', to: 'ada' })).body.roles).toMatchObject({
      scribe: 'Ada',
    });
    expect((await act('roles', { do: 'leave', role: 'commander' })).body.roles).toEqual({ scribe: 'Ada' });
    expect((await act('roles', { do: 'leave', role: 'scribe' })).body.roles).toEqual({ scribe: 'Ada' });
    expect(await said()).toEqual([
      'Opened: Errors',
      'Took the commander role',
      'Assigned the scribe role to Ada',
      'Left the commander role',
    ]);
  });

  test('assign a role by an action of its own', async () => {
    id = await declared();
    expect((await act('actions/assign', { role: 'scribe', to: 'ada' })).body.roles).toEqual({ scribe: 'Ada' });
    expect((await act('actions/assign', { role: 'scribe', to: 'eve' })).body.detail).toContain('it lists ada, bob');
    expect(await said()).toEqual(['Opened: Errors', 'Assigned the scribe role to Ada']);
  });

  test('hand over command, with a generated summary if none is given', async () => {
    id = await declared();
    expect((await act('actions/hand-over', { to: 'ada', brief: 'Watch it' })).body.roles).toEqual({ commander: 'Ada' });
    await act('actions/hand-over', { to: 'bob' });
    expect(await said()).toEqual([
      'Opened: Errors',
      'Handed over command to Ada. Watch it',
      expect.stringMatching(/^Handed over command to bob\. critical, open, opened .* commander: Ada\. .*Next step: /),
    ]);
  });

  test('cannot assign a role to a person who is not in people.yaml', async () => {
    id = await declared();
    const refused = await act('roles', { do: 'assign', role: 'scribe', to: 'eve' });
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'invalid', detail: expect.stringContaining('it lists ada, bob') },
    });
  });

  test.each([
    ['roles', { do: 'assign', role: 'scribe' }],
    ['actions/assign', { role: 'scribe' }],
    ['actions/hand-over', {}],
  ])('cannot assign a role to a person with read access only: %s', async (path, request) => {
    id = await declared();
    const refused = await act(path, { ...request, to: 'vera' });
    expect(refused.status).toBe(422);
    expect(refused.body.detail).toMatch(
      /vera does not have permission to change incidents for handling-\d+ in production/,
    );
    expect((await firebreak.get(`/v1/incidents/${id}`)).body.roles).toEqual({});
  });

  test.each(['updates', 'actions/update'])('each update is on the timeline: %s', async (path) => {
    id = await declared();
    for (const text of ['We look', 'It is better']) expect((await act(path, { text })).status).toBe(200);
    expect(await said()).toEqual(['Opened: Errors', 'We look', 'It is better']);
  });

  test('are refused for a resolved incident', async () => {
    id = await declared();
    await firebreak.resolve(id);
    for (const [path, body] of [
      ['actions/acknowledge', undefined],
      ['roles', { do: 'take', role: 'scribe' }],
      ['actions/hand-over', { to: 'ada', brief: 'x' }],
      ['actions/assign', { role: 'scribe', to: 'ada' }],
      ['updates', { text: 'x' }],
      ['actions/update', { text: 'x' }],
    ] as const)
      expect(await act(path, body)).toMatchObject({ status: 409, body: { code: 'incident-resolved' } });
  });
});
