import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type AwsTargets, permissionsFor } from '../../../vendors/aws/permissions.ts';
import { describeSystem, STAGE_FILE } from './platform.ts';

const DOCS = readFileSync(join(import.meta.dirname, '../../../docs/how-to/aws-targets.md'), 'utf8');
const ROLE = 'arn:aws:iam::210987654321:role/firebreak-checkout';

/** One target of each kind, with the names in the examples of the docs. */
const ALL = {
  roles: [],
  functions: ['arn:aws:lambda:eu-central-1:123456789012:function:checkout'],
  services: ['arn:aws:ecs:eu-central-1:123456789012:service/production/checkout'],
  taskRoles: ['arn:aws:iam::123456789012:role/task', 'arn:aws:iam::123456789012:role/execution'],
  deploymentGroups: ['arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:shop/live'],
  hostedZones: ['arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ'],
} satisfies Required<AwsTargets>;
const NAMES: readonly (readonly [string, string])[] = [
  ['TASK-ROLE', ALL.taskRoles[0] ?? ''],
  ['EXECUTION-ROLE', ALL.taskRoles[1] ?? ''],
  ['REGION', 'eu-central-1'],
  ['ACCOUNT', '123456789012'],
  ['CLUSTER/SERVICE', 'production/checkout'],
  ['APPLICATION/GROUP', 'shop/live'],
  ['APPLICATION', 'shop'],
  ['NAME', 'checkout'],
  ['hostedzone/ZONE', 'hostedzone/Z0123456789ABCDEFGHIJ'],
];

type PolicyStatement = {
  Action: string | string[];
  Resource: string | string[];
  Condition?: { StringEquals: Record<string, string[]> };
};

const listOf = (value: string | string[]): string[] => (Array.isArray(value) ? value : [value]);

/** Returns the policy in docs/how-to/aws-targets.md as statements of a function. */
function documented() {
  const [, json = ''] = /```json\n([\s\S]+?)```/.exec(DOCS) ?? [];
  const named = NAMES.reduce((text, [placeholder, name]) => text.replaceAll(placeholder, name), json);
  const { Statement } = JSON.parse(named) as { Statement: PolicyStatement[] };
  return Statement.map(({ Action, Resource, Condition }) => ({
    actions: listOf(Action),
    resources: listOf(Resource),
    ...(Condition && {
      conditions: Object.entries(Condition.StringEquals).map(([variable, values]) => ({
        test: 'StringEquals',
        variable,
        values,
      })),
    }),
  }));
}

describe('permissions for AWS targets', () => {
  test('equal the policy in the docs for each kind', () => {
    expect(permissionsFor(ALL)).toEqual(documented());
  });

  test('are empty without targets', () => {
    expect(permissionsFor({})).toEqual([]);
    expect(permissionsFor({ roles: [ROLE] })).toEqual([{ actions: ['sts:AssumeRole'], resources: [ROLE] }]);
  });

  test.each([
    ['roles', '*'],
    ['roles', 'arn:aws:iam::210987654321:role/*'],
    ['roles', 'arn:aws:iam::*:role/firebreak'],
    ['functions', 'arn:aws:lambda:eu-central-1:123456789012:function:checkout:*'],
    ['functions', ROLE],
    ['services', 'arn:aws:ecs:eu-central-1:123456789012:service/production/*'],
    ['taskRoles', 'arn:aws:iam::123456789012:user/ada'],
    ['deploymentGroups', 'arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:shop'],
    ['hostedZones', 'arn:aws:route53:::hostedzone/*'],
  ] as const)('%s refuses %s', (kind, arn) => {
    expect(() => permissionsFor({ [kind]: [arn] })).toThrow(
      `targets in the file of the stage: ${kind} contains "${arn}"`,
    );
  });
});

describe('a stage', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  /** Returns the roles that each function may assume. */
  const assumedBy = async (stage: string, targets: AwsTargets): Promise<Record<string, string[]>> => {
    const secrets = {
      FIREBREAK_ADMIN_TOKEN: 'an-admin-token-of-some-length',
      FIREBREAK_AUDIT_KEY: 'an-audit-key-of-some-length',
    };
    const { of } = await describeSystem(stage, secrets, { ...STAGE_FILE, targets });
    return Object.fromEntries(
      [...of('sst.aws.Function'), ...of('sst.aws.Workflow')].flatMap(({ name, args }) => {
        const permissions = args['permissions'] as { actions: string[]; resources: string[] }[];
        const roles = permissions.filter(({ actions }) => actions.includes('sts:AssumeRole'));
        return roles.length > 0 ? [[name, roles.flatMap(({ resources }) => resources)]] : [];
      }),
    );
  };

  test('allows only its own workflow to assume the roles of its stage', async () => {
    expect(await assumedBy('production', {})).toEqual({});
    expect(await assumedBy('production', { roles: [ROLE] })).toEqual({ IncidentResponse: [ROLE] });
  });
});
