import * as z from 'zod';
import { featureActionsOf } from '../../features/names.ts';
import { type Action, GrantedAction } from '../access/access.ts';
import { isLoopbackHostname } from '../config/endpoint.ts';
import { EnvironmentName, ServiceName } from '../config/names.ts';

/** Identifies a person everywhere: in decisions, on timelines, and as the name of their tokens. */
export const PersonId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must consist of lowercase letters, digits, ".", "_", and "-"')
  .brand<'PersonId'>();
export type PersonId = z.infer<typeof PersonId>;

const RoleName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must consist of lowercase letters, digits, and "-"');
export type RoleName = z.infer<typeof RoleName>;

const SlackUserId = z.string().regex(/^[UW][A-Z0-9]{2,30}$/, 'must be a Slack user ID, such as U012AB3CD');
const SlackTeamId = z.string().regex(/^[TE][A-Z0-9]{2,30}$/, 'must be a Slack workspace ID, such as T012AB3CD');
const SlackGroupId = z.string().regex(/^S[A-Z0-9]{2,30}$/, 'must be a Slack user group ID, such as S012AB3CD');
const PagerDutyId = z.string().regex(/^[A-Z0-9]{4,32}$/, 'must be a PagerDuty ID, such as PABC123');

const GithubLogin = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$/, 'must be a GitHub user name');
const AtlassianAccountId = z
  .string()
  .regex(/^[A-Za-z0-9:_-]{1,128}$/, 'must be an Atlassian account ID, such as 5b10ac8d82e05b22cc7d4ef5');

const Team = z.string().min(1).max(128);

/** Actions of a role, and where they are allowed. Absent: everywhere. `own`: services of the person's teams. */
export const Role = z.strictObject({
  actions: z.array(GrantedAction).min(1),
  services: z.union([z.literal('own'), z.array(ServiceName)]).optional(),
  environments: z.array(EnvironmentName).optional(),
});
export type Role = z.infer<typeof Role>;

export const Person = z.strictObject({
  /** Display name. Absent: the id. */
  name: z.string().min(1).max(128).optional(),
  /** Identifies the person in Slack and PagerDuty if no id is given. */
  email: z.email().optional(),
  slack: SlackUserId.optional(),
  pagerduty: PagerDutyId.optional(),
  /** Assignee of issues for the person's action items. */
  github: GithubLogin.optional(),
  jira: AtlassianAccountId.optional(),
  teams: z.array(Team).default([]),
  roles: z.array(RoleName).default(['responder']),
});
export type Person = z.infer<typeof Person>;

/** The PagerDuty source of who is on call for a team. */
const OnCall = z
  .strictObject({ escalationPolicy: PagerDutyId.optional(), schedule: PagerDutyId.optional() })
  .refine(({ escalationPolicy, schedule }) => (escalationPolicy === undefined) !== (schedule === undefined), {
    message: 'set either "escalationPolicy" or "schedule"',
  });
export type OnCall = z.infer<typeof OnCall>;

/** Sign-in to the console with the organization's identity provider. */
export const SignInSettings = z.strictObject({
  /** Issuer whose address plus `/.well-known/openid-configuration` is its discovery document. */
  issuer: z.url({ protocol: /^https?$/ }).refine(isSecure, 'must be https, except on this machine'),
  clientId: z.string().min(1).max(256),
  scopes: z
    .array(z.string().regex(/^[!#-[\]-~]+$/, 'must be a scope, such as profile'))
    .default(['openid', 'email', 'profile'])
    .refine((scopes) => scopes.includes('openid'), 'must contain "openid"'),
  /** Claim with the names or IDs of the person's groups. */
  groupsClaim: z.string().min(1).max(128).default('groups'),
  /** Roles and teams that members of a group have in addition to their own. */
  groups: z
    .record(
      z.string().min(1),
      z.strictObject({ roles: z.array(RoleName).default([]), teams: z.array(Team).default([]) }),
    )
    .default({}),
  /** `accept`: an email address identifies a person even if the provider does not say that it verified it. */
  unverifiedEmails: z.enum(['refuse', 'accept']).default('refuse'),
});
export type SignInSettings = z.infer<typeof SignInSettings>;

/** Returns whether the issuer's address is safe: plain HTTP would show tokens to the network. */
function isSecure(issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'https:' || isLoopbackHostname(hostname);
}

const PeopleSettings = z.strictObject({
  people: z.record(PersonId, Person).default({}),
  /** In addition to, or replacing, `viewer`, `responder`, `approver`, and `admin`. */
  roles: z.record(RoleName, Role).default({}),
  /** Role of full members of the workspace who are not listed. `nobody` refuses them. */
  everyone: z.union([z.literal('nobody'), RoleName]).default('responder'),
  /** With shared channels: workspaces whose members count. Empty: only the app's workspace. */
  workspaces: z.array(SlackTeamId).default([]),
  /** Roles and teams that members of a Slack user group have in addition to their own. */
  userGroups: z
    .record(SlackGroupId, z.strictObject({ roles: z.array(RoleName).default([]), teams: z.array(Team).default([]) }))
    .default({}),
  signIn: SignInSettings.optional(),
  /** By team. */
  onCall: z.record(Team, OnCall).default({}),
});

/** `config/people.yaml`: people, and their permissions. */
export const PeopleFile = PeopleSettings.superRefine((file, context) => {
  for (const { path, message } of peopleProblems(file)) context.addIssue({ code: 'custom', path, message });
});
export type PeopleFile = z.infer<typeof PeopleFile>;

const READ_ACTIONS: Action[] = [
  'incidents:read',
  'deployments:read',
  'versions:read',
  'slos:read',
  'freezes:check',
  'freezes:read',
  'automation:read',
  'drills:read',
  'canary:judge',
  ...featureActionsOf('viewer'),
  'health:read',
  'metrics:read',
];

/** Built-in roles. */
export const ROLES: Readonly<Record<'viewer' | 'responder' | 'approver' | 'admin', Role>> = {
  viewer: { actions: READ_ACTIONS },
  responder: {
    actions: [
      ...READ_ACTIONS,
      'incidents:write',
      'incidents:act',
      'automation:write',
      'versions:write',
      'slos:write',
      'freezes:write',
      'freezes:override',
      ...featureActionsOf('responder'),
    ],
  },
  approver: { actions: [...READ_ACTIONS, 'incidents:act'] },
  admin: { actions: ['*'] },
};

type Problem = { path: string[]; message: string };

/** Finds unknown roles, and people with the same id. */
function peopleProblems(file: z.infer<typeof PeopleSettings>): Problem[] {
  const known = new Set([...Object.keys(ROLES), ...Object.keys(file.roles)]);
  const unknownRoles = (path: string[], roles: readonly RoleName[]): Problem[] =>
    roles
      .filter((role) => !known.has(role))
      .map((role) => ({ path, message: `unknown role "${role}"; known roles: ${[...known].join(', ')}` }));
  return [
    ...Object.entries(file.people).flatMap(([id, { roles }]) => unknownRoles(['people', id, 'roles'], roles)),
    ...Object.entries(file.userGroups).flatMap(([id, { roles }]) => unknownRoles(['userGroups', id, 'roles'], roles)),
    ...Object.entries(file.signIn?.groups ?? {}).flatMap(([name, { roles }]) =>
      unknownRoles(['signIn', 'groups', name, 'roles'], roles),
    ),
    ...(file.everyone === 'nobody' ? [] : unknownRoles(['everyone'], [file.everyone])),
    ...(['slack', 'pagerduty', 'email'] as const).flatMap((key) => duplicates(file, key)),
  ];
}

function duplicates({ people }: z.infer<typeof PeopleSettings>, key: 'slack' | 'pagerduty' | 'email'): Problem[] {
  const given = Object.entries(people).filter(([, person]) => person[key] !== undefined);
  return [...Map.groupBy(given, ([, person]) => String(person[key]).toLowerCase()).values()].flatMap((same) => {
    const [first, second] = same;
    if (first === undefined || second === undefined) return [];
    return [{ path: ['people', second[0], key], message: `${first[0]} and ${second[0]} have the same ${key}` }];
  });
}
