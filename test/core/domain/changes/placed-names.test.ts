import { expect, test } from 'vitest';
import { mapSubject } from '../../../../core/domain/changes/map-subject.ts';
import type { ReadChanges } from '../../../../core/domain/changes/read-changes.ts';
import type { ReportSource, ReportSubject } from '../../../../schemas/changes/change-report.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { readArgoCdNotification } from '../../../../vendors/argo-cd/notification.ts';
import { readAwsEvent } from '../../../../vendors/aws/deployment-events.ts';
import { readLaunchDarklyEntry } from '../../../../vendors/launchdarkly/webhook.ts';
import { received } from '../../../support/webhooks.ts';

const [EU, US] = ['eu-west-1:111111111111', 'us-east-1:222222222222'];
const [WORKLOAD, FLAG] = ['shop/Deployment/web', 'shop/new-cart'];

/** What the environment `production` of `shop` lists. */
type Listed = { sources?: object; deployer?: object; flags?: object };
type Row = [what: string, listed: Listed, source: ReportSource, own: ReportSubject, others: ReportSubject[]];

/** Each of the others differs from the own name in one part of its place only. */
const ROWS: Row[] = [
  [
    'an Argo CD application of a deployer',
    { deployer: { kind: 'argo-cd', application: 'web', appNamespace: 'team-a' } },
    'argo-cd',
    { argoApplication: 'argocd.example.com/team-a/web' },
    [{ argoApplication: 'argocd.example.com/team-b/web' }, { argoApplication: 'web' }],
  ],
  [
    'an Argo CD application of a server',
    { sources: { argoApplication: 'argocd.example.com/team-a/web' } },
    'argo-cd',
    { argoApplication: 'argocd.example.com/team-a/web' },
    [{ argoApplication: 'other.example.com/team-a/web' }, { argoApplication: 'argocd.example.com/team-b/web' }],
  ],
  [
    'an Argo CD application anywhere',
    { sources: { argoApplication: 'web' } },
    'argo-cd',
    { argoApplication: 'argocd.example.com/team-a/web' },
    [{ argoApplication: 'argocd.example.com/team-a/other-web' }],
  ],
  [
    'an ECS service',
    { sources: { ecsService: `arn:aws:ecs:${EU}:service/prod/web` } },
    'aws',
    { ecsService: `arn:aws:ecs:${EU}:service/prod/web` },
    [`${US}:service/prod/web`, 'eu-west-1:222222222222:service/prod/web', `${EU}:service/test/web`].map((name) => ({
      ecsService: `arn:aws:ecs:${name}`,
    })),
  ],
  [
    'an ECS service of a cluster with an ARN',
    { deployer: { kind: 'ecs', cluster: `arn:aws:ecs:${EU}:cluster/prod`, service: 'web' } },
    'aws',
    { ecsService: `arn:aws:ecs:${EU}:service/prod/web` },
    [{ ecsService: `arn:aws:ecs:${US}:service/prod/web` }],
  ],
  [
    'an ECS service in any account',
    { deployer: { kind: 'ecs', cluster: 'prod', service: 'web' } },
    'aws',
    { ecsService: `arn:aws:ecs:${US}:service/prod/web` },
    [{ ecsService: `arn:aws:ecs:${US}:service/prod/other-web` }],
  ],
  [
    'an alias of Lambda',
    { sources: { lambdaFunction: `arn:aws:lambda:${EU}:function:web:live` } },
    'aws',
    { lambdaFunction: `arn:aws:lambda:${EU}:function:web:live` },
    [
      { lambdaFunction: `arn:aws:lambda:${US}:function:web:live` },
      { lambdaFunction: `arn:aws:lambda:${EU}:function:web:test` },
    ],
  ],
  [
    'a group of CodeDeploy',
    { sources: { codedeployGroup: `arn:aws:codedeploy:${EU}:deploymentgroup:web/live` } },
    'aws',
    { codedeployGroup: `arn:aws:codedeploy:${EU}:deploymentgroup:web/live` },
    [{ codedeployGroup: `arn:aws:codedeploy:${US}:deploymentgroup:web/live` }],
  ],
  [
    'a workload of a cluster',
    { sources: { kubernetesWorkload: `eu/${WORKLOAD}` } },
    'kubernetes',
    { kubernetesWorkload: `eu/${WORKLOAD}` },
    [{ kubernetesWorkload: `us/${WORKLOAD}` }, { kubernetesWorkload: 'eu/other/Deployment/web' }],
  ],
  [
    'a flag',
    { sources: { flag: FLAG } },
    'launchdarkly',
    { flag: FLAG, environment: 'production' },
    [
      { flag: FLAG, environment: 'test' },
      { flag: 'other/new-cart', environment: 'production' },
    ],
  ],
  [
    'a flag whose environment has another name',
    { sources: { flag: FLAG, launchdarkly: { environment: 'live' } } },
    'launchdarkly',
    { flag: FLAG, environment: 'live' },
    [{ flag: FLAG, environment: 'production' }],
  ],
  [
    'a flag whose environment is that of its target',
    { sources: { flag: FLAG }, flags: { kind: 'launchdarkly', environment: 'live' } },
    'launchdarkly',
    { flag: FLAG, environment: 'live' },
    [{ flag: FLAG, environment: 'production' }],
  ],
  [
    'a flag of GO Feature Flag',
    { sources: { flag: FLAG, goFeatureFlag: { environment: 'live' } } },
    'flags',
    { flag: FLAG, environment: 'live' },
    [{ flag: FLAG, environment: 'test' }],
  ],
  [
    'an image that GitHub deploys',
    { sources: { image: 'ghcr.io/acme/web' } },
    'github',
    { repository: 'acme/web', image: 'ghcr.io/acme/web', environment: 'production' },
    [{ repository: 'acme/web', image: 'ghcr.io/acme/web', environment: 'staging' }],
  ],
  [
    'an object of Flux',
    { sources: { fluxObject: 'Kustomization/flux/web', flux: { environment: 'eu' } } },
    'flux',
    { fluxObject: 'Kustomization/flux/web', environment: 'eu' },
    [
      { fluxObject: 'Kustomization/flux/web', environment: 'us' },
      { fluxObject: 'Kustomization/other/web', environment: 'eu' },
    ],
  ],
  [
    'a service of CDEvents',
    { sources: { cdevents: { environment: 'eu' } } },
    'cdevents',
    { service: 'shop', environment: 'eu' },
    [{ service: 'shop', environment: 'us' }],
  ],
];

const mapping = (listed: Listed, source: ReportSource, subject: ReportSubject) =>
  mapSubject(
    Config.parse({ version: 'test', services: { shop: { environments: { production: listed } } }, paging: {} }),
    source,
    subject,
  );

test.each(ROWS)('%s is that of its place only', (_, listed, source, own, others) => {
  expect(mapping(listed, source, own)).toEqual({
    kind: 'mapped',
    to: [{ service: 'shop', environment: 'production' }],
  });
  for (const other of others) expect(mapping(listed, source, other)).toMatchObject({ kind: 'unmapped' });
});

test('an object in another environment says which line would map it', () => {
  expect(mapping({ sources: { flag: FLAG } }, 'launchdarkly', { flag: FLAG, environment: 'test' })).toEqual({
    kind: 'unmapped',
    why: '"shop/new-cart" is listed, but no environment of shop is called "test"',
    lines: expect.stringMatching(
      / {2}shop:\n[^]*<production \| test>[^]*flag: shop\/new-cart\n *launchdarkly: \{ environment: test \}$/,
    ),
  });
});

const subjectIn = (read: ReadChanges) => ('reports' in read ? read.reports[0]?.subject : read);

test('senders report the place of an object', () => {
  expect(subjectIn(readArgoCdNotification(received('argo-cd/notification-deployed')))).toEqual({
    argoApplication: 'argocd.example.com/argocd/checkout-prod',
  });
  expect(subjectIn(readArgoCdNotification(received('argo-cd/notification-drift')))).toEqual({
    argoApplication: 'argocd.example.com/argocd/checkout-prod',
  });
  const alias = (change: object) =>
    readAwsEvent(received('eventbridge/lambda-update-alias', (event: any) => ({ ...event, ...change })));
  expect(subjectIn(alias({ account: '222222222222' }))).toMatchObject({
    lambdaFunction: expect.stringContaining(':222222222222:'),
  });
  expect(subjectIn(alias({ account: undefined }))).toEqual({ lambdaFunction: 'checkout:live' });
  const archived = (payload: any) => ({
    ...payload,
    accesses: [{ action: 'updateGlobalArchived', resource: 'proj/shop:env/*:flag/new-checkout' }],
  });
  expect(subjectIn(readLaunchDarklyEntry(received('launchdarkly/flag-turned-on', archived)))).toEqual({
    flag: 'shop/new-checkout',
  });
});
