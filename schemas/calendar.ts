import * as z from 'zod';
import { CheckedChange } from './freeze-check.ts';
import { EnvironmentName, ServiceName } from './names.ts';
import { oneOf } from './synonyms.ts';
import { readSpan, SPAN_KEYS, type TimeSpan, wrong } from './time-span.ts';

/** One, or a list of them. */
export const oneOrMore = <T extends z.ZodType>(one: T) =>
  z.union([
    one.transform((value): z.output<T>[] => [value]),
    z.array(one).min(1, 'an empty list is nobody; leave it out for all'),
  ]);

/** What a freeze lets pass besides rollbacks to a version known good, which always pass. */
export const PassingChange = CheckedChange.exclude(['deploy'], {
  error: ({ input }) =>
    input === 'deploy'
      ? 'a freeze that lets deploys pass holds nothing; leave it out'
      : `${JSON.stringify(input)} is no kind of change that can pass: rollback, hotfix, security or flag`,
});

/** A freeze that is planned. What is absent of services, teams and environments is all of them. */
export type CalendarEntry = {
  /** What it is known by. */
  name: string;
  services?: ServiceName[];
  teams?: string[];
  environments?: EnvironmentName[];
  /** For whoever is refused. */
  reason?: string;
  /** In place of what the policy lets pass. */
  passes?: z.infer<typeof PassingChange>[];
} & TimeSpan;

const Team = z.string().min(1).max(256);

const EntryMap = z.strictObject({
  name: z.string().trim().min(1, 'an entry is known by its name').max(128),
  service: oneOrMore(ServiceName).optional(),
  services: oneOrMore(ServiceName).optional(),
  team: oneOrMore(Team).optional(),
  teams: oneOrMore(Team).optional(),
  environment: oneOrMore(EnvironmentName).optional(),
  environments: oneOrMore(EnvironmentName).optional(),
  reason: z.string().trim().min(1).max(2000).optional(),
  passes: z.union([z.array(PassingChange), PassingChange.transform((kind) => [kind])]).optional(),
  ...SPAN_KEYS,
});

/** An entry of `calendar`: once, or again and again. */
export const CalendarEntry = EntryMap.transform((entry, context): CalendarEntry => {
  const services = oneOf({ service: entry.service, services: entry.services }, context);
  const teams = oneOf({ team: entry.team, teams: entry.teams }, context);
  const environments = oneOf({ environment: entry.environment, environments: entry.environments }, context);
  if (services !== undefined && teams !== undefined)
    wrong(context, 'a freeze is of services or of teams, not of both; make it two entries');
  const span = readSpan(entry, context);
  if (span === undefined) return z.NEVER;
  const { name, reason, passes } = entry;
  return {
    name,
    ...(services !== undefined && { services }),
    ...(teams !== undefined && { teams }),
    ...(environments !== undefined && { environments }),
    ...(reason !== undefined && { reason }),
    ...(passes !== undefined && { passes }),
    ...span,
  };
});
