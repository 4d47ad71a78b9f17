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

const IN_PRODUCTION = 'proj/shop:env/production:flag/new-checkout';

/** Returns whether an entry with these actions, and with these settings before and after, is a change. */
const isChange = (actions: string[], [before, after]: (object | undefined)[], resource = IN_PRODUCTION) => {
  const versionOf = (name: string) => (payload: any) => ({
    ...payload[name],
    environments: {
      ...payload[name].environments,
      production: {
        ...payload.currentVersion.environments.production,
        ...(name === 'currentVersion' ? after : before),
      },
    },
  });
  const found = readLaunchDarklyEntry(
    received('launchdarkly/flag-turned-on', (payload: any) => ({
      ...payload,
      accesses: actions.map((action) => ({ action, resource })),
      ...(before !== undefined && {
        previousVersion: versionOf('previousVersion')(payload),
        currentVersion: versionOf('currentVersion')(payload),
      }),
      ...(before === undefined && { previousVersion: undefined, currentVersion: undefined }),
    })),
  );
  return 'reports' in found;
};
const rule = (changed: object) => ({
  rules: [
    { _id: '1', variation: 0, clauses: [{ _id: 'c', attribute: 'country', op: 'in', values: ['de'] }], ...changed },
  ],
});
const NOT_SENT = [undefined, undefined];

test.each([
  [
    'settings that are copied',
    ['copyFlagConfigTo', 'updateFlagRuleDescription'],
    [{ offVariation: 1 }, { offVariation: 0 }],
    true,
  ],
  [
    'a guarded rollout that is stopped',
    ['stopMeasuredRolloutOnFlagFallthrough'],
    [{ fallthrough: { rollout: {} } }, { fallthrough: { variation: 0 } }],
    true,
  ],
  [
    'a target that expires',
    ['updateExpiringTargets'],
    [{ targets: [{ values: ['ada'], variation: 0 }] }, { targets: [] }],
    true,
  ],
  ['a request that is applied', ['applyApprovalRequest'], [{ on: false }, { on: true }], true],
  ['a new kind of action that serves others', ['updateSomethingNew'], [rule({}), rule({ variation: 1 })], true],
  ['a new kind of action that serves the same', ['updateSomethingNew'], [rule({}), rule({})], false],
  [
    'a rule with another description',
    ['updateRules'],
    [rule({ description: 'a' }), rule({ _id: '2', description: 'b' })],
    false,
  ],
  ['a date at which a target will expire', ['updateExpiringTargets'], [{}, { lastModified: 1, version: 13 }], false],
  ['settings that are copied, which are not sent', ['copyFlagConfigTo'], NOT_SENT, true],
  ['a new kind of action without the settings', ['updateSomethingNew'], NOT_SENT, true],
  ['a description of a rule without the settings', ['updateFlagRuleDescription'], NOT_SENT, false],
  ['a request without the settings', ['createApprovalRequest', 'updateScheduledChanges'], NOT_SENT, false],
  ['settings that are copied elsewhere', ['copyFlagConfigFrom'], NOT_SENT, false],
])('what is served decides about %s', (_, actions, settings, expected) => {
  expect(isChange(actions, settings)).toBe(expected);
});

test('a flag that is archived is a change in all environments', () => {
  expect(isChange(['updateGlobalArchived'], [{}, {}], 'proj/shop:env/*:flag/new-checkout')).toBe(true);
});

test('a segment that includes others is a change of the flags that use it', () => {
  const segment = (included: string[], version: number) => ({
    key: 'beta',
    version,
    included,
    excluded: [],
    rules: [],
  });
  const found = read('flag-turned-on', (payload) => ({
    ...payload,
    kind: 'segment',
    accesses: [{ action: 'updateIncluded', resource: 'proj/shop:env/production:segment/beta;team' }],
    previousVersion: segment([], 3),
    currentVersion: segment(['ada'], 4),
  }));
  expect(found).toMatchObject({
    reports: [
      {
        subject: { flag: 'shop/segment/beta', environment: 'production' },
        version: 'segment/beta 4',
        previous_version: 'segment/beta 3',
      },
    ],
  });
});

test('an entry without a date cannot be read', () => {
  expect(read('flag-turned-on', (payload) => ({ ...payload, date: undefined }))).toEqual({
    unreadable: expect.stringMatching(/^audit log entry of LaunchDarkly: .*date/s),
  });
});
