import { expect, test } from 'vitest';
import { readGoFeatureFlag } from '../../../vendors/go-feature-flag/webhook.ts';
import { received } from '../../support/webhooks.ts';

const read = (changed?: (payload: any) => unknown) =>
  readGoFeatureFlag(received('go-feature-flag/flags-changed', changed));
const updated = (before: object, after: object) =>
  read(({ meta }) => ({
    meta,
    flags: { deleted: {}, added: {}, updated: { checkout: { old_value: before, new_value: after } } },
  }));

test('a notification is a change of each flag, with its state', () => {
  const found = read();
  expect(found).toMatchObject({
    reports: [
      {
        subject: { flag: 'shop/test-flag3', environment: 'production' },
        version: expect.stringMatching(/^test-flag3 on \([0-9a-f]{8}\)$/),
      },
      {
        subject: { flag: 'shop/test-flag2', environment: 'production' },
        version: expect.stringMatching(/^test-flag2 off \(/),
      },
      { subject: { flag: 'shop/test-flag', environment: 'production' }, version: 'test-flag deleted' },
    ],
  });
  expect(found).toMatchObject({
    reports: [1, 2, 3].map(() => ({ source: 'flags', kind: 'flag', status: 'succeeded' })),
  });
});

test('the same state has the same identity, whatever the host and the order of its fields', () => {
  const one = updated({}, { variations: { a: 1, b: 2 }, defaultRule: { variation: 'a' } });
  const other = updated(
    { disable: true },
    { defaultRule: { variation: 'a' }, variations: { b: 2, a: 1 }, trackEvents: true },
  );
  expect(one).toMatchObject({ reports: [{ version: expect.stringMatching(/^checkout on: a \(/) }] });
  expect(other).toEqual(one);
});

test('what changes nothing that users get is no change', () => {
  expect(
    updated({ disable: false, version: '1', metadata: { owner: 'ada' } }, { disable: false, version: '2' }),
  ).toHaveProperty('ignored');
  expect(read(({ meta }) => ({ meta, flags: {} }))).toHaveProperty('ignored');
  expect(read(() => ({ flags: { added: { a: { disable: 'yes' } } } }))).toHaveProperty('unreadable');
});
