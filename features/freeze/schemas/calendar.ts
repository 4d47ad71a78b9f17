import * as z from 'zod';
import { CheckedChange } from './checked-change.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { valueOfAliases } from '../../../schemas/parsing/aliases.ts';
import { readSpan, SPAN_KEYS, type TimeSpan, addProblem } from '../../../schemas/time/time-span.ts';
import { requiredText } from '../../../schemas/parsing/free-text.ts';

/** Accepts one value or a list of values. */
export const oneOrMore = <T extends z.ZodType>(single: T) =>
  z.union([
    single.transform((value): z.output<T>[] => [value]),
    z.array(single).min(1, 'must not be empty; omit it to include all'),
  ]);

/** Changes that a freeze allows, in addition to rollbacks to a known good version, which are always allowed. */
export const PassingChange = CheckedChange.exclude(['deploy'], {
  error: ({ input }) =>
    input === 'deploy'
      ? 'a freeze must not allow deploys; remove "deploy"'
      : `${JSON.stringify(input)} is not one of the changes that a freeze can allow: rollback, hotfix, security, flag`,
});

/** A planned freeze. Absent services, teams, or environments mean all of them. */
export type CalendarEntry = {
  /** Identifies the entry. */
  name: string;
  services?: ServiceName[];
  teams?: string[];
  environments?: EnvironmentName[];
  /** Shown to callers whose deployment is refused. */
  reason?: string;
  /** Replaces what the policy allows. */
  passes?: z.infer<typeof PassingChange>[];
} & TimeSpan;

const Team = z.string().min(1).max(256);

const EntryMap = z.strictObject({
  name: requiredText(128, 'must not be empty: it identifies the entry'),
  service: oneOrMore(ServiceName).optional(),
  services: oneOrMore(ServiceName).optional(),
  team: oneOrMore(Team).optional(),
  teams: oneOrMore(Team).optional(),
  environment: oneOrMore(EnvironmentName).optional(),
  environments: oneOrMore(EnvironmentName).optional(),
  reason: requiredText(2000).optional(),
  passes: z.union([z.array(PassingChange), PassingChange.transform((kind) => [kind])]).optional(),
  ...SPAN_KEYS,
});

/** An entry of `calendar`, once or recurring. */
export const CalendarEntry = EntryMap.transform((entry, context): CalendarEntry => {
  const services = valueOfAliases({ service: entry.service, services: entry.services }, context);
  const teams = valueOfAliases({ team: entry.team, teams: entry.teams }, context);
  const environments = valueOfAliases({ environment: entry.environment, environments: entry.environments }, context);
  if (services !== undefined && teams !== undefined)
    addProblem(context, 'an entry cannot have both services and teams; split it into two entries');
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
