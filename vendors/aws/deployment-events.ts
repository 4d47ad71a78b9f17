import * as z from 'zod';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import { AUTHOR_MAX_CHARS, type ChangeStatus } from '../../schemas/changes/change.ts';
import { truncated } from '../../schemas/parsing/text.ts';
import { InstantIn } from '../../schemas/time/time.ts';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import { COMMIT, type ReceivedWebhook, unreadable, versionOf } from '../shared/change-webhook.ts';
import { targetsOf } from './codedeploy-appspec.ts';

const Name = z.string().min(1).max(1024);
const optionalName = Name.nullish().transform((value) => value ?? undefined);

/**
 * An event of EventBridge, as an API destination sends it.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
 */
const AwsEvent = z.object({
  'detail-type': z.string().max(256),
  source: z.string().max(256),
  time: InstantIn,
  account: optionalName,
  region: optionalName,
  resources: z.array(Name).max(100).default([]),
  detail: z.record(z.string(), z.unknown()),
});
type AwsEvent = z.infer<typeof AwsEvent>;

/** @see https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-cloudwatch-events.html */
const CodeDeployDetail = z.object({
  application: Name,
  deploymentGroup: Name,
  deploymentId: Name,
  state: z.string().max(64),
});

/** @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html */
const EcsDetail = z.object({
  eventName: z.string().max(128),
  deploymentId: Name,
  reason: z.string().max(4096).default(''),
});

/** A call of an API, as CloudTrail records it. @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
const ApiCall = z.object({
  eventSource: Name,
  eventName: Name,
  eventID: Name,
  eventTime: InstantIn,
  errorCode: optionalName,
  userIdentity: z
    .object({
      arn: optionalName,
      userName: optionalName,
      /** A service of AWS that calls on behalf of others. */ invokedBy: optionalName,
    })
    .optional(),
  requestParameters: z.record(z.string(), z.unknown()).nullish(),
  responseElements: z.record(z.string(), z.unknown()).nullish(),
});
type ApiCall = z.infer<typeof ApiCall>;

/** Reads an event of EventBridge: state changes of deployments, and the API calls that say what is deployed. */
export function readAwsEvent({ payload }: Pick<ReceivedWebhook, 'payload'>): ReadChanges {
  const parsed = AwsEvent.safeParse(payload);
  if (!parsed.success) return unreadable('event of EventBridge', parsed.error);
  const event = parsed.data;
  switch (event['detail-type']) {
    case 'CodeDeploy Deployment State-change Notification':
      return readCodeDeploy(event);
    case 'ECS Deployment State Change':
      return readEcs(event);
    case 'AWS API Call via CloudTrail':
      return readApiCall(event);
    default:
      return { ignored: `events of the type ${event['detail-type']} are no changes` };
  }
}

const CODEDEPLOY_STATUS: Partial<Record<string, ChangeStatus>> = {
  START: 'started',
  SUCCESS: 'succeeded',
  FAILURE: 'failed',
  STOP: 'cancelled',
};

/** Returns the ARN of a resource of the event's account and Region, or only its name if the event names none. */
const placed = ({ account, region }: AwsEvent, service: string, type: string, name: string): string =>
  account === undefined || region === undefined ? name : `arn:aws:${service}:${region}:${account}:${type}:${name}`;

const codeDeployGroup = (event: AwsEvent, application: string, group: string): string =>
  placed(event, 'codedeploy', 'deploymentgroup', `${application}/${group}`);

function readCodeDeploy(event: AwsEvent): ReadChanges {
  const { detail, time } = event;
  const parsed = CodeDeployDetail.safeParse(detail);
  if (!parsed.success) return unreadable('deployment of CodeDeploy', parsed.error);
  const { application, deploymentGroup, deploymentId, state } = parsed.data;
  const status = CODEDEPLOY_STATUS[state];
  if (status === undefined) return { ignored: `${state} of a deployment neither starts nor ends it` };
  const subject = { codedeployGroup: codeDeployGroup(event, application, deploymentGroup) };
  return { reports: [{ source: 'aws', key: deploymentId, at: time, subject, status, ...startOf(status, time) }] };
}

const ECS_STATUS: Partial<Record<string, ChangeStatus>> = {
  SERVICE_DEPLOYMENT_IN_PROGRESS: 'started',
  SERVICE_DEPLOYMENT_COMPLETED: 'succeeded',
  SERVICE_DEPLOYMENT_FAILED: 'failed',
};

function readEcs({ detail, resources, time }: AwsEvent): ReadChanges {
  const parsed = EcsDetail.safeParse(detail);
  if (!parsed.success) return unreadable('deployment of ECS', parsed.error);
  const { eventName, deploymentId, reason } = parsed.data;
  const status = ECS_STATUS[eventName];
  if (status === undefined) return { ignored: `${eventName} neither starts nor ends a deployment` };
  const [ecsService] = resources;
  if (ecsService === undefined) return { unreadable: 'deployment of ECS: resources names no service' };
  const isRollback = /rolling back to deploymentId/.test(reason);
  return {
    reports: [
      {
        source: 'aws',
        key: deploymentId,
        at: time,
        subject: { ecsService },
        status,
        ...startOf(status, time),
        ...(isRollback && { kind: 'rollback' }),
      },
    ],
  };
}

const startOf = (status: ChangeStatus, time: ChangeReport['at']) => (status === 'started' ? { started_at: time } : {});

function readApiCall(event: AwsEvent): ReadChanges {
  const parsed = ApiCall.safeParse(event.detail);
  if (!parsed.success) return unreadable('API call of CloudTrail', parsed.error);
  const call = parsed.data;
  const operation = `${call.eventSource} ${call.eventName}`;
  if (call.errorCode !== undefined) return { ignored: `${operation} failed with ${call.errorCode}` };
  switch (operation) {
    case 'lambda.amazonaws.com UpdateAlias20150331':
      return readAlias(call, event);
    case 'codedeploy.amazonaws.com CreateDeployment':
      return readCreatedDeployment(call, event);
    case 'ecs.amazonaws.com UpdateService':
    case 'ecs.amazonaws.com CreateService':
      return readService(call);
    default:
      return { ignored: `${operation} is no change of a version` };
  }
}

const Alias = z.object({ functionName: Name, name: Name, functionVersion: optionalName });
const Routing = z.object({
  routingConfig: z.object({ additionalVersionWeights: z.record(z.string(), z.number()).nullish() }).nullish(),
});

function readAlias(call: ApiCall, event: AwsEvent): ReadChanges {
  const parsed = Alias.safeParse(call.requestParameters);
  if (!parsed.success) return unreadable('UpdateAlias', parsed.error);
  const { functionName, name: alias, functionVersion } = parsed.data;
  if (call.userIdentity?.invokedBy === 'codedeploy.amazonaws.com')
    return { ignored: 'CodeDeploy reports its deployment itself' };
  if (functionVersion === undefined) return { ignored: 'UpdateAlias keeps the version of the alias' };
  const weights = Routing.safeParse(call.requestParameters).data?.routingConfig?.additionalVersionWeights ?? {};
  if (Object.keys(weights).length > 0)
    return { ignored: 'UpdateAlias shifts traffic; the call that ends the shift is reported' };
  return {
    reports: [
      {
        ...reportFields(call, call.eventID),
        subject: { lambdaFunction: placed(event, 'lambda', 'function', `${functionNameOf(functionName)}:${alias}`) },
        status: 'succeeded',
        version: versionOf(functionVersion),
        started_at: call.eventTime,
      },
    ],
  };
}

/** Returns the name in a name, an ARN, or a partial ARN such as `123456789012:function:checkout`. */
const functionNameOf = (text: string): string => /(?:^|:)function:([^:]+)/.exec(text)?.[1] ?? text;

const Created = z.object({
  request: z.object({ applicationName: Name, deploymentGroupName: Name, revision: z.looseObject({}).nullish() }),
  response: z.object({ deploymentId: Name }),
});
const AppSpecContent = z.object({ content: z.string().max(256 * 1024) }).optional();
const Revision = z.object({
  gitHubLocation: z.object({ repository: optionalName, commitId: optionalName }).optional(),
  s3Location: z.object({ key: optionalName, version: optionalName, eTag: optionalName }).optional(),
  appSpecContent: AppSpecContent,
  string: AppSpecContent,
});

/** The state changes of a deployment don't name its revision, only the call that created it does. */
function readCreatedDeployment(call: ApiCall, event: AwsEvent): ReadChanges {
  const parsed = Created.safeParse({ request: call.requestParameters, response: call.responseElements });
  if (!parsed.success) return unreadable('CreateDeployment', parsed.error);
  const { request, response } = parsed.data;
  const { version, commit } = revisionOf(Revision.safeParse(request.revision).data ?? {});
  if (version === undefined) return { ignored: 'CreateDeployment names no revision that is a version' };
  return {
    reports: [
      {
        ...reportFields(call, response.deploymentId),
        subject: { codedeployGroup: codeDeployGroup(event, request.applicationName, request.deploymentGroupName) },
        version: versionOf(version),
        ...(commit !== undefined && { commit }),
      },
    ],
  };
}

function revisionOf({ gitHubLocation, s3Location, appSpecContent, string }: z.infer<typeof Revision>): {
  version: string | undefined;
  commit?: string;
} {
  const commit = gitHubLocation?.commitId;
  if (commit !== undefined) return { version: commit, ...(COMMIT.test(commit) && { commit }) };
  const target = targetsOf((appSpecContent ?? string)?.content ?? '').at(0);
  const bundle = s3Location?.key?.replace(/^.*\/|\.(?:zip|tar|tgz|tar\.gz|ya?ml|json)$/gi, '');
  return { version: (target && taskDefinitionOf(target)) ?? bundle ?? s3Location?.version ?? s3Location?.eTag };
}

const Service = z.object({
  service: z.object({
    serviceArn: Name,
    deployments: z.array(z.object({ id: Name, status: z.string().max(64), taskDefinition: Name })).max(100),
  }),
});

/** The state changes of a deployment don't name its task definition, only the call that started it does. */
function readService(call: ApiCall): ReadChanges {
  const request = z
    .object({ taskDefinition: optionalName, forceNewDeployment: z.boolean().nullish() })
    .safeParse(call.requestParameters);
  if (call.eventName === 'UpdateService' && request.data?.taskDefinition === undefined)
    return { ignored: 'UpdateService keeps the task definition' };
  const parsed = Service.safeParse(call.responseElements);
  if (!parsed.success) return unreadable(call.eventName, parsed.error);
  const { serviceArn, deployments } = parsed.data.service;
  const primary = deployments.find(({ status }) => status === 'PRIMARY');
  if (primary === undefined) return { ignored: `${call.eventName} starts no deployment of ECS itself` };
  return {
    reports: [
      {
        ...reportFields(call, primary.id),
        subject: { ecsService: serviceArn },
        status: 'started',
        version: versionOf(taskDefinitionOf(primary.taskDefinition)),
        started_at: call.eventTime,
      },
    ],
  };
}

/** Returns `family:revision` of an ARN. */
const taskDefinitionOf = (arn: string): string => arn.replace(/^arn:[^/]*:task-definition\//, '');

function reportFields({ eventTime, userIdentity }: ApiCall, key: string) {
  const author = userIdentity?.arn?.split('/').at(-1) ?? userIdentity?.userName;
  return { source: 'aws', key, at: eventTime, ...(author && { author: truncated(author, AUTHOR_MAX_CHARS) }) } as const;
}
