import { afterAll, beforeAll, expect, test } from 'vitest';
import { Firebreak } from '../../support/firebreak.ts';

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: { checkout: { environments: { production: {} } } },
    timeScale: 1,
  });
});

afterAll(() => firebreak.remove());

const check = async (version: string): Promise<string> => {
  const query = new URLSearchParams({ service: 'checkout', environment: 'production', version });
  const { body } = await firebreak.get(`/v1/freeze-check?${query.toString()}`);
  expect(body).toMatchObject({ allowed: true });
  return body.decision_id;
};

const decision = async (id: string) => (await firebreak.get(`/v1/freeze-decisions/${id}`)).body;

test('a process that is stopped has written how often it was asked', async () => {
  const id = await check('v1');
  for (const _ of [2, 3, 4]) expect(await check('v1')).toBe(id);
  await firebreak.stop();
  await firebreak.start();
  expect(await decision(id)).toMatchObject({ id, count: 4 });
});

test('one that is killed has no answer given that is not on record, and on the log', async () => {
  const id = await check('v2');
  await firebreak.kill9();
  await firebreak.start();
  expect(await decision(id)).toMatchObject({ id, verdict: { allowed: true }, count: 1 });
  const { items } = (await firebreak.get('/v1/audit?limit=50')).body;
  expect(items.map(({ detail }: { detail: { decision?: string } }) => detail.decision)).toContain(id);
});
