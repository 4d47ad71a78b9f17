import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { eventually, Firebreak } from '../support/firebreak.ts';

/** A closed incident is reopened by each entrance, and is the same incident again. */

let firebreak: Firebreak;
let id: string;

beforeAll(async () => {
  firebreak = await Firebreak.start({ services: { checkout: {} } });
  await firebreak.post('/v1/alerts/alertmanager', group([alert({ startsAt: minutesAgo(1) })]));
  id = await eventually(
    async () => (await firebreak.get('/v1/incidents?service=checkout')).body.items[0]?.id,
    'the incident',
  );
  await eventually(async () => (await incident()).channel, 'its channel');
});
afterAll(() => firebreak?.remove());

const incident = async () => (await firebreak.get(`/v1/incidents/${id}`)).body;
const reaches = (status: string) => eventually(async () => (await incident()).status === status, `it is ${status}`);
const close = async () => {
  expect((await firebreak.post(`/v1/incidents/${id}/actions/resolve`, { note: 'over' })).status).toBe(202);
  await reaches('resolved');
};
const isTheSame = async () => {
  expect((await firebreak.get('/v1/incidents?service=checkout')).body.items).toHaveLength(1);
  expect(await incident()).toMatchObject({ id, number: 1, resolved_at: null });
};

test('over HTTP, by its number', async () => {
  await close();
  expect((await firebreak.post('/v1/incidents/INC-1/actions/reopen', { note: 'errors again' })).status).toBe(202);
  await reaches('open');
  await isTheSame();
});

test('by a command in its channel in Slack', async () => {
  await close();
  const { channel } = await incident();
  const command = { user: 'ada', channel: channel.slice(1), text: '/incident reopen still failing' };
  const { status, body } = await firebreak.post('/sandbox/slack/commands', command);
  expect([status, body.detail]).toEqual([expect.toBeOneOf([200, 201]), undefined]);
  await reaches('open');
  await isTheSame();
});
