import { expect, test } from 'vitest';
import { readLaunchDarklyEntry } from '../../../vendors/launchdarkly/webhook.ts';
import { received } from '../../support/webhooks.ts';

const read = (name: string, changed?: (payload: any) => unknown) =>
  readLaunchDarklyEntry(received(`launchdarkly/${name}`, changed));

test('a flag that is turned on is a change in its environment', () => {
  expect(read('flag-turned-on')).toEqual({
    reports: [
      {
        source: 'launchdarkly',
        key: '65f0a8e29969090743529965 shop/production/new-checkout',
        at: '2026-11-22T10:00:00.537Z',
        subject: { flag: 'shop/new-checkout', environment: 'production' },
        kind: 'flag',
        status: 'succeeded',
        version: 'new-checkout 12 (on)',
        previous_version: 'new-checkout 11',
        started_at: '2026-11-22T10:00:00.537Z',
        author: 'maria@acme.example',
        url: 'https://app.launchdarkly.com/shop/production/features/new-checkout',
      },
    ],
  });
});

test('an action in several environments is a change in each', () => {
  const both = (payload: any) => ({
    ...payload,
    accesses: ['production', 'staging', 'production'].map((environment) => ({
      action: 'deleteFlag',
      resource: `proj/shop;team:env/${environment};critical:flag/new-checkout;checkout`,
    })),
    currentVersion: null,
    previousVersion: undefined,
    member: null,
  });
  expect(read('flag-turned-on', both)).toMatchObject({
    reports: [
      { subject: { environment: 'production' }, version: 'new-checkout 65f0a8e29969090743529965' },
      { subject: { environment: 'staging' } },
    ],
  });
});

test.each([
  [
    'an action of Firebreak',
    'Errors [firebreak 01KAAAAAAAAAAAAAAAAAAAAAAA.roll-back.1]',
    '01KAAAAAAAAAAAAAAAAAAAAAAA.roll-back.1',
  ],
  ['a person', 'as [firebreak 01KAAAAAAAAAAAAAAAAAAAAAAA.roll-back.1] said', undefined],
  ['nobody', null, undefined],
])('the comment of %s names its action', (_, comment, action) => {
  const found = read('flag-turned-on', (payload) => ({ ...payload, comment }));
  expect('reports' in found && found.reports.map((one) => one.action)).toEqual([action]);
});

test('entries that change nothing for users are ignored, with the reason', () => {
  expect(read('flag-renamed')).toEqual({ ignored: 'updateName: the flag serves the same variations' });
  expect(read('environment-renamed')).toEqual({
    ignored: 'entries about a resource of kind environment change no flag',
  });
});

test('an entry without a date cannot be read', () => {
  expect(read('flag-turned-on', (payload) => ({ ...payload, date: undefined }))).toEqual({
    unreadable: expect.stringMatching(/^audit log entry of LaunchDarkly: .*date/s),
  });
});
