import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Firebreak } from '../../../../test/support/firebreak.ts';

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({ unshown: true, timeScale: 1 });
});
afterAll(() => firebreak.remove());

/** Brings back the moment before the responses were stored, as if the process had died then and a minute ago. */
function forgetResponses(): void {
  const database = new DatabaseSync(join(firebreak.dataDir, 'firebreak.sqlite'), { timeout: 10_000 });
  database.exec(
    `UPDATE items SET item = json_remove(json_set(item, '$.started', 0), '$.answer', '$.status') WHERE pk LIKE 'IDEM%'`,
  );
  database.close();
}

const post = (path: string, body: unknown, key: string) =>
  firebreak.request('POST', path, body, { 'idempotency-key': key });

test('a request whose response was never stored creates once', async () => {
  const freeze = { service: 'keyed', environment: 'production', reason: 'Migration' };
  const first = await post('/v1/freezes', freeze, 'k8');
  const override = { reason: 'A fix', expires_at: new Date(Date.now() + 3_600_000).toISOString() };
  const path = `/v1/freezes/${first.body.id}/overrides`;
  const given = await post(path, override, 'k9');
  expect([first.status, given.status]).toEqual([201, 201]);
  forgetResponses();
  expect(await post('/v1/freezes', freeze, 'k8')).toMatchObject({ status: 201, body: { id: first.body.id } });
  expect(await post(path, override, 'k9')).toMatchObject({ status: 201, body: { id: given.body.id } });
  const { body } = await firebreak.get('/v1/freezes?service=keyed');
  expect(body.items).toMatchObject([{ id: first.body.id, overrides: [{ id: given.body.id }] }]);
});

test('the description of the API names the requests that an Idempotency-Key applies to', async () => {
  const { paths } = (await firebreak.get('/openapi.json')).body;
  const accepting = Object.keys(paths).filter((one) =>
    paths[one].post?.parameters?.some(({ in: where, name }: any) => where === 'header' && name === 'Idempotency-Key'),
  );
  expect(accepting).toEqual(expect.arrayContaining(['/v1/freezes', '/v1/freezes/{id}/overrides']));
  expect(accepting).not.toContain('/v1/freeze-check');
});
