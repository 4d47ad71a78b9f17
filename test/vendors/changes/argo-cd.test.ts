import { describe, expect, test } from 'vitest';
import { readArgoCdNotification } from '../../../vendors/argo-cd/notification.ts';
import { received } from '../../support/webhooks.ts';

const OLD = 'c7f01dfb3d5e6a7b8c9d0e1f2a3b4c5d6e7f8091';
const NEW = 'f3937462080c6946ff5ec4b5fa393e7c22388e4c';
const read = (name: string, changed?: (payload: any) => unknown) =>
  readArgoCdNotification(received(`argo-cd/notification-${name}`, changed));
const reportsIn = (...all: Parameters<typeof read>) => {
  const found = read(...all);
  if (!('reports' in found)) throw new Error(JSON.stringify(found));
  return found.reports;
};
const KEY = 'argocd/checkout-prod 2026-11-22T10:00:00.000Z';

describe('a notification of Argo CD', () => {
  test('about a running synchronization starts the rollout', () => {
    expect(read('sync-running')).toEqual({
      reports: [
        {
          source: 'argo-cd',
          key: KEY,
          at: '2026-11-22T10:00:00.000Z',
          subject: { argoApplication: 'argocd.example.com/argocd/checkout-prod' },
          status: 'started',
          version: NEW,
          commit: NEW,
          started_at: '2026-11-22T10:00:00.000Z',
          url: 'https://argocd.example.com/applications/argocd/checkout-prod',
          previous_version: OLD,
          images: ['ghcr.io/acme/checkout:1.4.0'],
        },
      ],
    });
  });

  test('about a healthy application ends it when the application became healthy', () => {
    expect(reportsIn('deployed')).toMatchObject([
      {
        key: KEY,
        at: '2026-11-22T10:00:41.000Z',
        status: 'succeeded',

        version: NEW,
        previous_version: OLD,
      },
    ]);
  });

  test.each([
    ['Error', { status: 'failed', started_at: '2026-11-22T10:00:00.000Z' }],
    ['Failed', { status: 'failed', started_at: '2026-11-22T10:00:00.000Z' }],
    ['Running', undefined],
    ['Succeeded', undefined],
  ])('about an operation in phase %s without a revision has no version', (phase, expected) => {
    const changed = (payload: any) => ({ ...payload, operation: { ...payload.operation, phase, revision: null } });
    const found = read('sync-failed', changed);
    if (expected === undefined) return expect(found).toEqual({ ignored: expect.stringContaining('no revision yet') });
    expect(found).toMatchObject({ reports: [{ key: KEY, ...expected }] });
    expect(found).not.toHaveProperty(['reports', 0, 'version']);
  });

  test('with the zero time of Go has none: it has not ended, and is healthy since the synchronization', () => {
    const zero = '0001-01-01T00:00:00Z';
    const changed = (payload: any) => ({
      ...payload,
      reconciled_at: zero,
      health: { ...payload.health, since: zero },
      operation: { ...payload.operation, finished_at: zero },
    });
    expect(reportsIn('deployed', changed)).toMatchObject([{ key: KEY, at: '2026-11-22T10:00:00.000Z' }]);
  });

  test('about a failed synchronization, or about one that made the application unhealthy, ends it as failed', () => {
    expect(reportsIn('sync-failed')).toMatchObject([{ key: KEY, at: '2026-11-22T10:00:09.000Z', status: 'failed' }]);
    expect(reportsIn('degraded')).toMatchObject([{ key: KEY, at: '2026-11-22T10:10:10.000Z', status: 'failed' }]);
  });

  test('about an application that degraded long after its rollout is no news of the rollout', () => {
    const later = (payload: any) => ({ ...payload, health: { status: 'Degraded', since: '2026-11-22T13:00:00Z' } });
    expect(read('degraded', later)).toEqual({ ignored: 'the application degraded long after the rollout' });
  });

  test('about a manual rollback to an entry of the history is a rollback by this person', () => {
    expect(reportsIn('rolled-back')).toMatchObject([
      {
        key: 'argocd/checkout-prod 2026-11-22T10:20:00.000Z',
        kind: 'rollback',
        status: 'succeeded',
        version: OLD,
        previous_version: NEW,
        author: 'maria@acme.example',
        images: ['ghcr.io/acme/checkout:1.3.9'],
      },
    ]);
  });

  test('about the revision that already runs is no new deploy', () => {
    expect(read('synced-again')).toEqual({ ignored: `the application already runs the revision ${NEW}` });
  });

  test('about other parameters of the same revision is a new deploy', () => {
    const other = 'ab'.repeat(32);
    const changed = (payload: any) => {
      payload.history.at(-1).source = other;
      return { ...payload, application: { ...payload.application, source: other } };
    };
    expect(reportsIn('synced-again', changed)).toMatchObject([{ version: NEW, status: 'succeeded' }]);
  });

  test('about resources that were changed in the cluster is a drift of the configuration', () => {
    expect(reportsIn('drift')).toMatchObject([
      { source: 'argo-cd', key: KEY, status: 'succeeded' },
      {
        source: 'drift',
        key: 'argo-cd argocd/checkout-prod 42',
        kind: 'config',
        status: 'succeeded',
        version: NEW,
        started_at: '2026-11-22T14:03:00.000Z',
      },
    ]);
    const soon = (payload: any) => ({ ...payload, reconciled_at: '2026-11-22T10:02:00Z' });
    expect(reportsIn('drift', soon)).toHaveLength(1);
    const pending = (payload: any) => ({ ...payload, application: { ...payload.application, source: 'other' } });
    expect(reportsIn('drift', pending)).toHaveLength(1);
  });

  test('about an application with several sources has all revisions', () => {
    const [report] = reportsIn('several-sources');
    expect(report).toMatchObject({ version: `2.3.0 ${NEW}`, status: 'succeeded' });
    expect(report).not.toHaveProperty('commit');
  });

  test.each([
    ['never-synced', (payload: any) => payload, 'the application was never synchronized'],
    [
      'deployed',
      (payload: any) => ({ ...payload, operation: { ...payload.operation, dry_run: true } }),
      'a dry run changes nothing',
    ],
    [
      'deployed',
      (payload: any) => ({ ...payload, operation: { ...payload.operation, partial: true } }),
      'only selected resources were synchronized',
    ],
  ])('%s: is ignored, with the reason', (name, changed, ignored) => {
    expect(read(name, changed)).toEqual({ ignored });
  });

  test('of another template cannot be read', () => {
    expect(read('deployed', () => ({ message: 'Application checkout is synced' }))).toEqual({
      unreadable: expect.stringMatching(/^notification of Argo CD: .*version/s),
    });
  });
});
