import { beforeAll, describe, expect, test } from 'vitest';
import { type Admitted, type AdmissionRequest, type Policy, readPolicy, refusal } from './admission.ts';

let policy: Policy;
beforeAll(async () => void (policy = await readPolicy()));

const NOW = '2026-11-25T17:00:00Z';
const COMMIT = '9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b';
const ENTRY = [
  'message: Firebreak: deploys of checkout in production are frozen until 2026-11-30 00:00 UTC: the sale',
  'expires: 2026-11-25T18:00:00.000Z',
  'version: v41',
  'version: sha256:0123',
  `commit: ${COMMIT}`,
].join('\n');
const KEY = 'Deployment.shop.checkout';

type Template = { image?: string; annotations?: object; labels?: object; more?: object; containers?: object[] };

const IMAGE = 'registry.test:5000/shop/checkout';

/** A workload at v42. */
const workload = (
  { image = `${IMAGE}:v42`, annotations, labels = { app: 'checkout' }, more = {}, containers }: Template = {},
  { kind = 'Deployment', namespace = 'shop', replicas = 3, time = NOW } = {},
): Admitted => ({
  kind,
  metadata: { namespace, name: 'checkout', managedFields: [{ time: '2026-11-01T00:00:00Z' }, { time }] },
  spec: {
    replicas,
    template: {
      metadata: { labels, ...(annotations && { annotations }) },
      spec: { containers: containers ?? [{ name: 'app', image }], ...more },
    },
  },
});

const changed = (template: Template, more: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
  object: workload(template),
  oldObject: workload(),
  data: { [KEY]: ENTRY },
  ...more,
});

const withOld = (old: Template, template: Template): AdmissionRequest =>
  changed(template, { oldObject: workload(old) });

const SIDECAR = { name: 'proxy', image: 'proxy:v1' };

describe('the admission policy allows', () => {
  test.each<[string, () => AdmissionRequest]>([
    ['a deploy without an entry', () => changed({ image: `${IMAGE}:v43` }, { data: {} })],
    ['a deploy with an empty ConfigMap', () => changed({ image: `${IMAGE}:v43` }, { data: undefined })],
    [
      'a deploy of another workload',
      () => changed({ image: `${IMAGE}:v43` }, { data: { 'Deployment.shop.search': ENTRY } }),
    ],
    ['a rollback to a known good tag', () => changed({ image: `${IMAGE}:v41` })],
    ['a rollback to a known good tag with a digest', () => changed({ image: `${IMAGE}:v41@sha256:4567` })],
    ['a rollback to a known good digest', () => changed({ image: `${IMAGE}@sha256:0123` })],
    ['a rollback to a tag that abbreviates a known good commit', () => changed({ image: `${IMAGE}:sha-9a8b7c6` })],
    ['a rollback to a tag that is a known good commit', () => changed({ image: `${IMAGE}:${COMMIT}` })],
    [
      'a rollback by the annotation of the version',
      () => changed({ image: `${IMAGE}:build-7`, annotations: { 'firebreak.dev/version': 'v41' } }),
    ],
    [
      'a rollback by the label of the version',
      () => changed({ image: `${IMAGE}:build-7`, labels: { app: 'checkout', 'app.kubernetes.io/version': 'v41' } }),
    ],
    [
      'a rollback that also removes a sidecar',
      () =>
        withOld(
          { containers: [{ name: 'app', image: `${IMAGE}:v42` }, SIDECAR] },
          { containers: [{ name: 'app', image: `${IMAGE}:v41` }] },
        ),
    ],
    [
      'a rollback of the named container',
      () => ({
        ...withOld(
          { containers: [SIDECAR, { name: 'app', image: `${IMAGE}:v42` }] },
          { containers: [SIDECAR, { name: 'app', image: `${IMAGE}:v41` }] },
        ),
        data: { [KEY]: `${ENTRY}\ncontainer: app` },
      }),
    ],
    ['a restart', () => changed({ annotations: { 'kubectl.kubernetes.io/restartedAt': NOW } })],
    [
      'a restart after another',
      () =>
        withOld(
          { annotations: { team: 'shop', 'kubectl.kubernetes.io/restartedAt': '2026-11-01T00:00:00Z' } },
          { annotations: { team: 'shop', 'kubectl.kubernetes.io/restartedAt': NOW } },
        ),
    ],
    ['scaling', () => changed({}, { object: workload({}, { replicas: 9 }) })],
    [
      'Firebreak itself',
      () => changed({ image: `${IMAGE}:v43` }, { user: 'system:serviceaccount:firebreak:firebreak' }),
    ],
    [
      'everything in the namespace of Firebreak',
      () => ({
        object: workload({ image: `${IMAGE}:v43` }, { namespace: 'firebreak' }),
        oldObject: workload({}, { namespace: 'firebreak' }),
        data: { 'Deployment.firebreak.checkout': ENTRY },
      }),
    ],
    [
      'a deploy after the entry has expired, because Firebreak is down',
      () => changed({}, { object: workload({ image: `${IMAGE}:v43` }, { time: '2026-11-25T18:00:01Z' }) }),
    ],
    [
      'a Rollout that refers to the template of a Deployment',
      () => {
        const rollout = {
          ...workload({}, { kind: 'Rollout' }),
          spec: { workloadRef: { kind: 'Deployment', name: 'app' } },
        };
        return { object: { ...rollout, spec: { ...rollout.spec, replicas: 4 } }, oldObject: rollout, data: {} };
      },
    ],
  ])('%s', (_, request) => {
    expect(refusal(policy, request())).toBeUndefined();
  });
});

describe('the admission policy refuses', () => {
  const frozen = (kind: string): AdmissionRequest => ({
    object: workload({ image: `${IMAGE}:v43` }, { kind }),
    oldObject: workload({}, { kind }),
    data: { [`${kind}.shop.checkout`]: ENTRY },
  });

  test.each<[string, () => AdmissionRequest]>([
    ['a new version of a Deployment', () => frozen('Deployment')],
    ['a new version of a StatefulSet', () => frozen('StatefulSet')],
    ['a new version of a DaemonSet', () => frozen('DaemonSet')],
    ['a new version of a Rollout', () => frozen('Rollout')],
    [
      'a changed environment variable',
      () => changed({ more: { containers: [{ name: 'app', image: `${IMAGE}:v42`, env: [] }] } }),
    ],
    ['the removal of an annotation', () => withOld({ annotations: { team: 'shop' } }, {})],
    ['another label', () => changed({ labels: { app: 'checkout', tier: '1' } })],
    [
      'a restart together with a new version',
      () => changed({ image: `${IMAGE}:v43`, annotations: { 'kubectl.kubernetes.io/restartedAt': NOW } }),
    ],
    [
      'a restart together with another annotation',
      () => changed({ annotations: { 'kubectl.kubernetes.io/restartedAt': NOW, inject: 'yes' } }),
    ],
    ['a known good tag of another image', () => changed({ image: 'elsewhere.test/shop/checkout:v41' })],
    ['a known good tag of an image whose name begins the same', () => changed({ image: `${IMAGE}-worker:v41` })],
    ['a tag that begins like a known good one', () => changed({ image: `${IMAGE}:v411` })],
    ['a commit that is too short', () => changed({ image: `${IMAGE}:9a8b7c` })],
    ['an image without a tag', () => changed({ image: IMAGE })],
    ['an image without a tag from a registry with a port', () => changed({ image: 'registry.test:5000/checkout' })],
    [
      'another change while the known good version runs',
      () => withOld({ image: `${IMAGE}:v41` }, { image: `${IMAGE}:v41`, labels: { app: 'checkout', tier: '1' } }),
    ],
    [
      'a new version under an old label of the version',
      () => {
        const labels = { app: 'checkout', 'app.kubernetes.io/version': 'v41' };
        return withOld({ labels }, { labels, image: `${IMAGE}:v43` });
      },
    ],
    [
      'a known good version only of a sidecar',
      () =>
        withOld(
          { containers: [{ name: 'app', image: `${IMAGE}:v42` }, SIDECAR] },
          {
            containers: [
              { name: 'app', image: `${IMAGE}:v43` },
              { ...SIDECAR, image: 'proxy:v41' },
            ],
          },
        ),
    ],
    [
      'the removal of the named container',
      () => ({
        ...withOld({ containers: [SIDECAR, { name: 'app', image: `${IMAGE}:v42` }] }, { containers: [SIDECAR] }),
        data: { [KEY]: `${ENTRY}\ncontainer: app` },
      }),
    ],
    [
      'a new version in an entry that never expires',
      () => changed({ image: `${IMAGE}:v43` }, { data: { [KEY]: ENTRY.replace(/^expires.*\n/m, '') } }),
    ],
    [
      'a new version without the times of the managed fields',
      () => {
        const request = changed({ image: `${IMAGE}:v43` });
        return { ...request, object: { ...request.object, metadata: { namespace: 'shop', name: 'checkout' } } };
      },
    ],
    [
      'a Rollout that gets a template of its own',
      () => {
        const old = {
          ...workload({}, { kind: 'Rollout' }),
          spec: { workloadRef: { kind: 'Deployment', name: 'app' } },
        };
        return { ...frozen('Rollout'), oldObject: old };
      },
    ],
  ])('%s', (_, request) => {
    expect(refusal(policy, request())).toBe(ENTRY.split('\n')[0]?.slice('message: '.length));
  });

  test('a deploy in an entry that cannot be read, with a general message', () => {
    expect(refusal(policy, changed({ image: `${IMAGE}:v43` }, { data: { [KEY]: 'x' } }))).toBe(
      'A freeze of Firebreak applies to this workload.',
    );
  });
});

test('the policy uses only functions of Kubernetes 1.30, and variables that come before', () => {
  const { matchConditions, variables, validations } = policy;
  const expressions = [
    ...matchConditions.map(({ expression }) => expression),
    ...variables.map(({ expression }) => expression),
    validations[0].expression,
    validations[0].messageExpression,
  ];
  const used = new Set(
    expressions.flatMap((text) => [...text.matchAll(/([A-Za-z]+)\(/g)].map(([, name = '']) => name)),
  );
  // https://kubernetes.io/docs/reference/using-api/cel/ (read 2026-11)
  const known =
    'all contains exists filter has lastIndexOf map matches size split startsWith substring timestamp'.split(' ');
  expect([...used].filter((name) => !known.includes(name))).toEqual([]);
  for (const [index, { name, expression }] of variables.entries()) {
    const before = variables.slice(0, index).map((one) => one.name);
    for (const [, other = ''] of expression.matchAll(/variables\.(\w+)/g))
      expect(before, `${name} uses ${other}`).toContain(other);
  }
});
