import { describe, expect, test } from 'vitest';
import { readAwsEvent } from '../../../vendors/aws/deployment-events.ts';
import { received } from '../../support/webhooks.ts';

const read = (name: string, changed?: (payload: any) => unknown) =>
  readAwsEvent(received(`eventbridge/${name}`, changed));
const inDetail = (more: object) => (payload: any) => ({ ...payload, detail: { ...payload.detail, ...more } });
const inRequest = (more: object) => (payload: any) =>
  inDetail({ requestParameters: { ...payload.detail.requestParameters, ...more } })(payload);

describe('a deployment of CodeDeploy', () => {
  const about = {
    source: 'aws',
    key: 'd-123456789',
    subject: { codedeployGroup: expect.stringMatching(/:deploymentgroup:myApplication\/myDeploymentGroup$/) },
  };

  test('starts and ends by its state changes, and has its version from the call that created it', () => {
    expect(read('codedeploy-start')).toEqual({
      reports: [
        { ...about, at: '2016-06-30T22:01:02.000Z', status: 'started', started_at: '2016-06-30T22:01:02.000Z' },
      ],
    });
    expect(read('codedeploy-success')).toEqual({
      reports: [{ ...about, at: '2016-06-30T22:06:31.000Z', status: 'succeeded' }],
    });
    expect(read('codedeploy-success', inDetail({ state: 'FAILURE' }))).toMatchObject({
      reports: [{ status: 'failed' }],
    });
    expect(read('codedeploy-success', inDetail({ state: 'STOP' }))).toMatchObject({
      reports: [{ status: 'cancelled' }],
    });
    expect(read('codedeploy-created')).toEqual({
      reports: [{ ...about, at: '2016-06-30T22:01:00.000Z', version: 'checkout-1.4.0', author: 'deploy-42' }],
    });
  });

  test('has a commit at GitHub, or the task definition of its AppSpec, as its version', () => {
    const commit = 'f3937462080c6946ff5ec4b5fa393e7c22388e4c';
    const github = {
      revision: { revisionType: 'GitHub', gitHubLocation: { repository: 'acme/checkout', commitId: commit } },
    };
    expect(read('codedeploy-created', inRequest(github))).toMatchObject({ reports: [{ version: commit, commit }] });
    expect(read('codedeploy-created-appspec')).toMatchObject({ reports: [{ version: 'checkout:29' }] });
    expect(read('codedeploy-created', inRequest({ revision: null }))).toEqual({
      ignored: 'CreateDeployment names no revision that is a version',
    });
  });
});

describe('a deployment of ECS', () => {
  const about = {
    source: 'aws',
    key: 'ecs-svc/123',
    subject: { ecsService: 'arn:aws:ecs:us-west-2:111122223333:service/default/servicetest' },
  };

  test('starts and ends by its state changes, and has its version from the call that started it', () => {
    expect(read('ecs-in-progress')).toMatchObject({ reports: [{ ...about, status: 'started' }] });
    expect(read('ecs-completed')).toEqual({
      reports: [{ ...about, at: '2020-05-23T12:31:14.000Z', status: 'succeeded' }],
    });
    expect(read('ecs-failed')).toMatchObject({ reports: [{ ...about, status: 'failed' }] });
    expect(read('ecs-rolling-back')).toMatchObject({ reports: [{ ...about, status: 'started', kind: 'rollback' }] });
    expect(read('ecs-update-service')).toEqual({
      reports: [
        {
          ...about,
          at: '2020-05-23T12:31:10.000Z',
          status: 'started',
          started_at: '2020-05-23T12:31:10.000Z',
          version: 'servicetest:17',
          author: 'deploy-42',
        },
      ],
    });
  });

  test('is none if only the number of tasks changes', () => {
    const scaled = inDetail({ requestParameters: { cluster: 'default', service: 'servicetest', desiredCount: 4 } });
    expect(read('ecs-update-service', scaled)).toEqual({ ignored: 'UpdateService keeps the task definition' });
  });
});

describe('an alias of Lambda', () => {
  test('that points to another version is a change', () => {
    expect(read('lambda-update-alias')).toEqual({
      reports: [
        {
          source: 'aws',
          key: '5a0c1f52-0000-4000-8000-000000000004',
          at: '2026-11-22T10:00:00.000Z',
          subject: { lambdaFunction: 'arn:aws:lambda:us-west-2:111122223333:function:checkout:live' },
          status: 'succeeded',
          version: '42',
          started_at: '2026-11-22T10:00:00.000Z',
          author: 'deploy-42',
        },
      ],
    });
    expect(read('lambda-update-alias', inRequest({ functionName: 'checkout' }))).toMatchObject({
      reports: [{ subject: { lambdaFunction: expect.stringMatching(/:function:checkout:live$/) } }],
    });
  });

  test.each([
    ['a description', inRequest({ functionVersion: undefined }), 'UpdateAlias keeps the version of the alias'],
    [
      'shifted traffic',
      inRequest({ routingConfig: { additionalVersionWeights: { 43: 0.1 } } }),
      'UpdateAlias shifts traffic; the call that ends the shift is reported',
    ],
    [
      'CodeDeploy',
      inDetail({ userIdentity: { invokedBy: 'codedeploy.amazonaws.com' } }),
      'CodeDeploy reports its deployment itself',
    ],
    [
      'a refused call',
      inDetail({ errorCode: 'AccessDenied' }),
      'lambda.amazonaws.com UpdateAlias20150331 failed with AccessDenied',
    ],
  ])('with %s is none', (_, changed, ignored) => {
    expect(read('lambda-update-alias', changed)).toEqual({ ignored });
  });
});

test('a long author is cut between two characters', () => {
  const author = `${'a'.repeat(511)}😀`;
  const called = read(
    'lambda-update-alias',
    inDetail({ userIdentity: { arn: `arn:aws:iam::111122223333:user/${author}` } }),
  );
  expect(called).toMatchObject({ reports: [{ author: `${'a'.repeat(511)}…` }] });
});

test('other events are ignored, with the reason', () => {
  expect(read('codedeploy-ready')).toEqual({ ignored: 'READY of a deployment neither starts nor ends it' });
  expect(read('lambda-update-alias', inDetail({ eventName: 'PublishVersion20150331' }))).toEqual({
    ignored: 'lambda.amazonaws.com PublishVersion20150331 is no change of a version',
  });
  expect(read('codedeploy-ready', (payload) => ({ ...payload, 'detail-type': 'Scheduled Event' }))).toEqual({
    ignored: 'events of the type Scheduled Event are no changes',
  });
});

test('an event without its fields cannot be read', () => {
  expect(read('codedeploy-ready', () => ({ Message: 'hello' }))).toEqual({
    unreadable: expect.stringMatching(/^event of EventBridge: /),
  });
  expect(read('codedeploy-ready', (payload) => ({ ...payload, detail: {} }))).toEqual({
    unreadable: expect.stringMatching(/^deployment of CodeDeploy: .*deploymentId/s),
  });
  expect(read('ecs-completed', (payload) => ({ ...payload, resources: [] }))).toEqual({
    unreadable: 'deployment of ECS: resources names no service',
  });
});
