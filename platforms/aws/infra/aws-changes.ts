import { functionName } from './names.ts';
import { createDeadLetters } from './queues.ts';

/** Secret with a token of Firebreak that allows `deployments:write`. */
const TOKEN = 'FIREBREAK_EVENTBRIDGE_TOKEN';

/** Path of the webhook in `vendors/change-senders.ts`, which this does not import: it loads every integration. */
const PATH = '/integrations/eventbridge/webhook';

/** EventBridge keeps an event this long while Firebreak does not accept it. This is its maximum. */
const RETRY_HOURS = 24;
const RETRIES_MAX = 185;

/** Events that `vendors/aws/deployment-events.ts` reads. State changes name no version; API calls do. */
const PATTERNS = {
  'State-changes': {
    source: ['aws.codedeploy', 'aws.ecs'],
    'detail-type': ['CodeDeploy Deployment State-change Notification', 'ECS Deployment State Change'],
  },
  Calls: {
    source: ['aws.codedeploy', 'aws.ecs', 'aws.lambda'],
    'detail-type': ['AWS API Call via CloudTrail'],
    detail: { eventName: ['CreateDeployment', 'CreateService', 'UpdateService', 'UpdateAlias20150331'] },
  },
};

/**
 * Creates rules that report changes of CodeDeploy, ECS, and Lambda aliases in this account and Region to Firebreak's own
 * webhook, where they are checked and recorded like those of other systems.
 *
 * @returns the queue of events that could not be delivered
 */
export function createAwsChanges(stage: string, publicUrl: $util.Input<string>, deadLetterDays: number): sst.aws.Queue {
  const token = new sst.Secret(TOKEN);
  const deadLetters = createDeadLetters('AwsChangesDeadLetters', deadLetterDays);
  const connection = new aws.cloudwatch.EventConnection('AwsChangesConnection', {
    name: functionName(stage, 'changes'),
    authorizationType: 'API_KEY',
    authParameters: {
      apiKey: { key: 'Authorization', value: $util.secret(token.value.apply((text) => `Bearer ${text}`)) },
    },
  });
  const destination = new aws.cloudwatch.EventApiDestination('AwsChangesDestination', {
    name: functionName(stage, 'changes'),
    connectionArn: connection.arn,
    httpMethod: 'POST',
    invocationEndpoint: $interpolate`${publicUrl}${PATH}`,
  });
  const role = new aws.iam.Role('AwsChangesRole', {
    assumeRolePolicy: JSON.stringify(policyOf('sts:AssumeRole', { Principal: { Service: 'events.amazonaws.com' } })),
    inlinePolicies: [
      {
        name: 'send',
        policy: $util.jsonStringify(policyOf('events:InvokeApiDestination', { Resource: destination.arn })),
      },
    ],
  });
  const rules = Object.entries(PATTERNS).map(([name, pattern]) => {
    const rule = new aws.cloudwatch.EventRule(`AwsChanges-${name}`, {
      description: 'Reports changes to Firebreak',
      eventPattern: JSON.stringify(pattern),
    });
    new aws.cloudwatch.EventTarget(`AwsChanges-${name}-target`, {
      rule: rule.name,
      arn: destination.arn,
      roleArn: role.arn,
      retryPolicy: { maximumEventAgeInSeconds: RETRY_HOURS * 3600, maximumRetryAttempts: RETRIES_MAX },
      deadLetterConfig: { arn: deadLetters.arn },
    });
    return rule;
  });
  new aws.sqs.QueuePolicy('AwsChangesDeadLettersPolicy', {
    queueUrl: deadLetters.url,
    policy: $util.jsonStringify(
      policyOf('sqs:SendMessage', {
        Principal: { Service: 'events.amazonaws.com' },
        Resource: deadLetters.arn,
        Condition: { ArnEquals: { 'aws:SourceArn': rules.map(({ arn }) => arn) } },
      }),
    ),
  });
  return deadLetters;
}

const policyOf = (Action: string, more: object) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, ...more }],
});
