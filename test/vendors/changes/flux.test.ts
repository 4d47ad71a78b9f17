import { describe, expect, test } from 'vitest';
import { readFluxEvent } from '../../../vendors/flux/event.ts';
import { received } from '../../support/webhooks.ts';

const COMMIT = '731f7eaddfb6af01cb2173e18f0f75b0ba780ef1';
const read = (name: string, changed?: (payload: any) => unknown) => readFluxEvent(received(`flux/${name}`, changed));
const withMetadata = (more: object) => (payload: any) => ({ ...payload, metadata: { ...payload.metadata, ...more } });
const KEY = `Kustomization/apps/webapp main@sha1:${COMMIT}`;

describe('an event of a Kustomization', () => {
  test('starts the rollout of a revision when it changes objects', () => {
    expect(read('kustomization-applied')).toEqual({
      reports: [
        {
          source: 'flux',
          key: KEY,
          object: 'Kustomization/apps/webapp',
          at: '2026-11-22T10:00:02.000Z',
          subject: { fluxObject: 'Kustomization/apps/webapp' },
          status: 'started',
          version: COMMIT,
          commit: COMMIT,
          started_at: '2026-11-22T10:00:02.000Z',
        },
      ],
    });
  });

  test('whose time is not set happened when it was received', () => {
    expect(read('kustomization-applied', (event) => ({ ...event, timestamp: '0001-01-01T00:00:00Z' }))).toMatchObject({
      reports: [{ at: '2026-11-22T16:00:00.000Z', started_at: '2026-11-22T16:00:00.000Z' }],
    });
  });

  test.each(['kustomization-healthy', 'kustomization-reconciled'])('%s: ends it for good', (name) => {
    expect(read(name)).toMatchObject({ reports: [{ key: KEY, status: 'succeeded', final: true }] });
  });

  test('ends it as failed, which a later reconciliation can correct', () => {
    const found = read('kustomization-health-check-failed');
    expect(found).toMatchObject({ reports: [{ key: KEY, status: 'failed' }] });
    expect(found).not.toHaveProperty('reports.0.final');
  });

  test('of an older controller ends by its message, if its reason is the severity', () => {
    const earlier = (message: string) => (payload: any) => ({ ...payload, reason: 'info', message });
    expect(
      read('kustomization-reconciled', earlier('Reconciliation finished in 1.2s, next run in 10m0s')),
    ).toMatchObject({ reports: [{ status: 'succeeded', final: true }] });
    expect(read('kustomization-applied', earlier('Deployment/apps/webapp configured'))).toMatchObject({
      reports: [{ status: 'started' }],
    });
  });

  test('of an older controller has the API group in its keys, and another format of the revision', () => {
    expect(read('kustomization-validation-failed')).toMatchObject({
      reports: [{ status: 'failed', version: COMMIT, commit: COMMIT }],
    });
  });

  test('has the Git revision of an OCI artifact as its commit', () => {
    expect(read('kustomization-oci')).toMatchObject({ reports: [{ version: COMMIT, commit: COMMIT }] });
    const withoutOrigin = (payload: any) => ({ ...payload, metadata: { revision: payload.metadata.revision } });
    expect(read('kustomization-oci', withoutOrigin)).toMatchObject({
      reports: [{ version: '6.5.4', artifact: { of: expect.any(String), id: expect.stringMatching(/^sha256:/) } }],
    });
    const latest = (payload: any) => ({ ...payload, metadata: { revision: 'latest@sha256:dbdb' } });
    expect(read('kustomization-oci', latest)).toMatchObject({ reports: [{ version: 'sha256:dbdb' }] });
  });

  test('has the tag of an image that its annotations name as its version', () => {
    const image = 'ghcr.io/acme/webapp:1.4.0';
    expect(read('kustomization-applied', withMetadata({ image }))).toMatchObject({
      reports: [{ version: '1.4.0', commit: COMMIT, images: [image] }],
    });
  });

  test('names service, environment, and cluster by the metadata of the Alert', () => {
    const more = { service: 'web', environment: 'production', cluster: 'eu' };
    expect(read('kustomization-applied', withMetadata(more))).toMatchObject({
      reports: [{ key: `eu ${KEY}`, subject: { service: 'web', environment: 'production' } }],
    });
  });

  test('without a revision, or before anything is applied, is ignored', () => {
    expect(read('kustomization-applied', (payload) => ({ ...payload, metadata: null }))).toEqual({
      ignored: 'the event names no revision',
    });
    expect(read('kustomization-applied', (payload) => ({ ...payload, reason: 'DependencyNotReady' }))).toEqual({
      ignored: 'DependencyNotReady: nothing was applied',
    });
  });
});

describe('an event of a HelmRelease', () => {
  test('reports each Helm action once', () => {
    expect(read('helm-upgraded')).toEqual({
      reports: [
        {
          source: 'flux',
          key: 'HelmRelease/apps/webapp v7',
          at: '2026-11-22T10:00:12.000Z',
          subject: { fluxObject: 'HelmRelease/apps/webapp', environment: 'production' },
          status: 'succeeded',
          version: '1.4.0',
          artifact: { of: 'flux HelmRelease/apps/webapp', id: 'chart 2.3.0' },
        },
      ],
    });
    expect(read('helm-rolled-back')).toMatchObject({
      reports: [
        {
          key: 'HelmRelease/apps/webapp RollbackSucceeded 2026-11-22T10:05:40.000Z',
          kind: 'rollback',
          version: '1.4.0',
        },
      ],
    });
  });

  test('tells charts with the same version of the application apart', () => {
    const artifact = (more: object) => {
      const found = read('helm-upgraded', withMetadata(more));
      return 'reports' in found && found.reports[0]?.artifact;
    };
    const of = 'flux HelmRelease/apps/webapp';
    expect(artifact({ revision: '0.1.4+build.7' })).toEqual({ of, id: 'chart 0.1.4' });
    expect(artifact({ revision: '0.1.4', cluster: 'eu' })).toEqual({
      of: `flux eu HelmRelease/apps/webapp`,
      id: 'chart 0.1.4',
    });
    expect(artifact({ 'app-version': '' })).toBeUndefined();
    expect(artifact({ revision: `0.${'1'.repeat(40)}` })).toBeUndefined(); // too long to be shown in a version
  });

  test('folds a failed action that the controller repeats', () => {
    const keys = [
      read('helm-upgrade-failed'),
      read('helm-upgrade-failed', (payload) => ({ ...payload, timestamp: '2026-11-22T10:15:12Z' })),
    ];
    expect(keys[0]).toMatchObject({ reports: [{ status: 'failed', version: '1.5.0' }] });
    expect(new Set(keys.map((found) => 'reports' in found && found.reports[0]?.key)).size).toBe(1);
  });

  test('reports a drift of the cluster as a change of the configuration', () => {
    expect(read('helm-drift')).toMatchObject({
      reports: [
        { source: 'drift', kind: 'config', status: 'succeeded', subject: { fluxObject: 'HelmRelease/apps/webapp' } },
      ],
    });
  });

  // Up to Flux 2.1, `reason` is the severity.
  test.each([
    ['info', 'Helm install succeeded', { status: 'succeeded' }],
    ['info', 'Helm upgrade succeeded', { status: 'succeeded' }],
    ['error', 'Helm install failed: timed out waiting for the condition', { status: 'failed' }],
    ['error', 'Helm upgrade failed: another operation is in progress\n\nLast Helm logs:', { status: 'failed' }],
    [
      'info',
      'diff in cluster resources compared to release:\n\nDeployment/apps/webapp changed',
      { source: 'drift', kind: 'config' },
    ],
  ])('of Flux before 2.2: %s, %s', (reason, message, report) => {
    const earlier = (payload: any) => ({ ...payload, reason, severity: reason, message });
    expect(read('helm-upgraded', earlier)).toMatchObject({ reports: [report] });
    const folded = read('helm-upgraded', (payload) => ({ ...earlier(payload), timestamp: '2026-11-22T10:15:12Z' }));
    const key = (found: ReturnType<typeof read>) => 'reports' in found && found.reports[0]?.key;
    expect(key(folded) === key(read('helm-upgraded', earlier))).toBe('status' in report && report.status === 'failed');
  });

  test.each([
    ['info', 'Helm rollback succeeded', /^a rollback by Flux before 2\.2 \(succeeded\)/],
    ['info', 'Helm upgrade has started', /^info \(Helm upgrade has started\)/],
    ['info', 'Helm test succeeded', /^info \(Helm test succeeded\)/],
    ['error', 'reconciliation failed: upgrade retries exhausted', /^error \(reconciliation failed/],
  ])('of Flux before 2.2 that names no version that runs: %s, %s', (reason, message, why) => {
    expect(read('helm-upgraded', (payload) => ({ ...payload, reason, message }))).toEqual({
      ignored: expect.stringMatching(why),
    });
  });

  test('that changes no version is ignored', () => {
    expect(read('helm-upgraded', (payload) => ({ ...payload, reason: 'TestSucceeded' }))).toEqual({
      ignored: 'TestSucceeded of a HelmRelease changes no version',
    });
  });
});

test('other events of Flux are ignored, with the reason', () => {
  expect(read('image-automation')).toEqual({ ignored: expect.stringMatching(/^an image automation commits to Git/) });
  const source = { kind: 'GitRepository', namespace: 'flux-system', name: 'apps' };
  expect(read('kustomization-applied', (payload) => ({ ...payload, involvedObject: source }))).toEqual({
    ignored: 'events of a GitRepository are no changes',
  });
});

test('an event without an object cannot be read', () => {
  expect(read('kustomization-applied', (payload) => ({ ...payload, involvedObject: undefined }))).toEqual({
    unreadable: expect.stringMatching(/^event of Flux: .*involvedObject/s),
  });
});
