import * as z from 'zod';
import { Action } from './access.ts';
import { EnvironmentName, ServiceName } from './names.ts';

/** By which a person is known everywhere: in decisions, on timelines, as the name of their tokens. */
export const PersonId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'a person is called by lower-case letters, digits, ".", "_" and "-"')
  .brand<'PersonId'>();
export type PersonId = z.infer<typeof PersonId>;

const RoleName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'a role is called by lower-case letters, digits and "-"');
export type RoleName = z.infer<typeof RoleName>;

const SlackUserId = z.string().regex(/^[UW][A-Z0-9]{2,30}$/, 'an id of a user of Slack looks like U012AB3CD');
const SlackTeamId = z.string().regex(/^[TE][A-Z0-9]{2,30}$/, 'an id of a workspace of Slack looks like T012AB3CD');
const SlackGroupId = z.string().regex(/^S[A-Z0-9]{2,30}$/, 'an id of a user group of Slack looks like S012AB3CD');
const PagerDutyId = z.string().regex(/^[A-Z0-9]{4,32}$/, 'an id of PagerDuty looks like PABC123');

const Team = z.string().min(1).max(128);

/** What whoever has the role may do, and where. Absent: everywhere. `own`: services of their teams. */
export const Role = z.strictObject({
  actions: z.array(z.union([Action, z.literal('*')])).min(1),
  services: z.union([z.literal('own'), z.array(ServiceName)]).optional(),
  environments: z.array(EnvironmentName).optional(),
});
export type Role = z.infer<typeof Role>;

export const Person = z.strictObject({
  /** As others see it. Absent: the id. */
  name: z.string().min(1).max(128).optional(),
  /** By which they are found in Slack and PagerDuty, where no id is given. */
  email: z.email().optional(),
  slack: SlackUserId.optional(),
  pagerduty: PagerDutyId.optional(),
  teams: z.array(Team).default([]),
  roles: z.array(RoleName).default(['responder']),
});
export type Person = z.infer<typeof Person>;

/** Who is on call for a team, as PagerDuty knows. */
const OnCall = z
  .strictObject({ escalationPolicy: PagerDutyId.optional(), schedule: PagerDutyId.optional() })
  .refine(({ escalationPolicy, schedule }) => (escalationPolicy === undefined) !== (schedule === undefined), {
    message: 'one of "escalationPolicy" and "schedule"',
  });
export type OnCall = z.infer<typeof OnCall>;

const Written = z.strictObject({
  people: z.record(PersonId, Person).default({}),
  /** Besides, or instead of, `viewer`, `responder` and `admin`. */
  roles: z.record(RoleName, Role).default({}),
  /** Full members of the workspace who are not listed. `nobody` refuses them. */
  everyone: z.union([z.literal('nobody'), RoleName]).default('responder'),
  /** Where people of other workspaces share a channel: those whose members count. Empty: the one of the app. */
  workspaces: z.array(SlackTeamId).default([]),
  /** Roles and teams that members of a user group of Slack have besides their own. */
  userGroups: z
    .record(SlackGroupId, z.strictObject({ roles: z.array(RoleName).default([]), teams: z.array(Team).default([]) }))
    .default({}),
  /** By team. */
  onCall: z.record(Team, OnCall).default({}),
});

/** `config/people.yaml`: who works here, and what they may do. */
export const PeopleFile = Written.superRefine((file, context) => {
  for (const { path, message } of peopleProblems(file)) context.addIssue({ code: 'custom', path, message });
});
export type PeopleFile = z.infer<typeof PeopleFile>;

const WATCHES: Action[] = [
  'incidents:read',
  'deployments:read',
  'versions:read',
  'slos:read',
  'freezes:check',
  'freezes:read',
  'automation:read',
  'drills:read',
  'health:read',
  'metrics:read',
];

/** What is there without being written down. */
export const ROLES: Readonly<Record<'viewer' | 'responder' | 'admin', Role>> = {
  viewer: { actions: WATCHES },
  responder: {
    actions: [
      ...WATCHES,
      'incidents:write',
      'incidents:act',
      'automation:write',
      'versions:write',
      'freezes:write',
      'freezes:override',
    ],
  },
  admin: { actions: ['*'] },
};

type Problem = { path: string[]; message: string };

/** Roles that there are not, and two people who are one. */
function peopleProblems(file: z.infer<typeof Written>): Problem[] {
  const known = new Set([...Object.keys(ROLES), ...Object.keys(file.roles)]);
  const missing = (path: string[], roles: readonly RoleName[]): Problem[] =>
    roles
      .filter((role) => !known.has(role))
      .map((role) => ({ path, message: `there is no role "${role}"; there are ${[...known].join(', ')}` }));
  return [
    ...Object.entries(file.people).flatMap(([id, { roles }]) => missing(['people', id, 'roles'], roles)),
    ...Object.entries(file.userGroups).flatMap(([id, { roles }]) => missing(['userGroups', id, 'roles'], roles)),
    ...(file.everyone === 'nobody' ? [] : missing(['everyone'], [file.everyone])),
    ...(['slack', 'pagerduty', 'email'] as const).flatMap((key) => twice(file, key)),
  ];
}

function twice({ people }: z.infer<typeof Written>, key: 'slack' | 'pagerduty' | 'email'): Problem[] {
  const given = Object.entries(people).filter(([, person]) => person[key] !== undefined);
  return [...Map.groupBy(given, ([, person]) => String(person[key]).toLowerCase()).values()].flatMap((same) => {
    const [first, second] = same;
    if (first === undefined || second === undefined) return [];
    return [{ path: ['people', second[0], key], message: `${first[0]} and ${second[0]} have the same ${key}` }];
  });
}
