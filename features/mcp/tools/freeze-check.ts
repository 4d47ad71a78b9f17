import type { Scope } from '../../../core/domain/access/access.ts';
import * as z from 'zod';
import { contactsFor } from '../../../core/domain/people/people.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { check } from '../../freeze/actions/check.ts';
import { policyOf } from '../../freeze/decisions/policy.ts';
import { checkQuery, questionOf } from '../../freeze/routes/freeze-query.ts';
import { CheckReasonCode, Verdict } from '../../freeze/schemas/freeze-check.ts';
import { nameIn, READS, tool, untrusted, UNTRUSTED_NOTE } from '../tool.ts';

const { service, environment, version, commit, deployment_id, change } = checkQuery.shape;

export const freezeCheck = tool({
  name: 'freeze_check',
  title: 'Check whether a deployment is allowed now',
  description: `Call this before you deploy, roll back, or start a pipeline that does: it answers whether a version of a service may be deployed to an environment now. If \`allowed\` is false, do not deploy: say who can override the freeze, and when the answer can change. The check uses up no override. ${UNTRUSTED_NOTE}`,
  permission: 'freezes:check',
  annotations: READS,
  input: z.strictObject({
    service: service.describe('Name of the service in the catalogue'),
    environment: environment.describe('Name of the environment, such as production'),
    version: version.describe('Version to deploy'),
    commit: commit.describe('Commit to deploy'),
    deployment_id: deployment_id.describe('ID of this deployment in the CD system, the same in each retry'),
    change: change.describe(
      'Kind of change. Absent: rollback if the version ran before and is known good, else deploy',
    ),
  }),
  output: z.object({
    ...Verdict.omit({ reasons: true, clears_when: true, override: true }).shape,
    evaluated_at: Timestamp,
    decision_id: z.string().describe('ID of the recorded decision'),
    token: z
      .string()
      .nullable()
      .describe('Proves the answer for this deployment_id. Null: not allowed, or no deployment_id'),
    reason_codes: z.array(CheckReasonCode),
    override: Verdict.shape.override.unwrap().omit({ reason: true, by: true }).nullable(),
    who_can_override: z
      .object({
        permission: z.string(),
        people_needed: z.number().describe('How many people must agree'),
        max_hours: z.number().describe('Longest duration of an override'),
      })
      .nullable()
      .describe('Null: nothing to override'),
    untrusted: untrusted({
      reasons: Verdict.shape.reasons,
      clears_when: Verdict.shape.clears_when.describe('What must happen for a refusal to end'),
      override: z.object({ reason: z.string(), by: z.string() }).nullable(),
      people_who_can_override: z.array(z.string()).describe('Names of people, or IDs of their Slack groups'),
    }),
  }),
  async run(deps, { caller, may: mayDo }, input) {
    const allow = (scope: { service: string; environment: string }): void => caller.allow('freezes:check', scope);
    const may = (scope: Scope): boolean => mayDo('freezes:check', scope);
    allow(input);
    const question = questionOf(input);
    const answer = await check(deps, { ...question, by: caller.name, allow, may, consume: false, identityToken: null });
    const { reasons, clears_when, override, signed_state: _, ...verdict } = answer;
    const config = await deps.config.current();
    const frozen = !answer.allowed;
    const { people, maxSeconds } = policyOf(config, input).overrides;
    return {
      text: textOf(answer, input),
      result: {
        ...verdict,
        reason_codes: reasons.map(({ code }) => code),
        override,
        who_can_override: frozen
          ? { permission: 'freezes:override', people_needed: people, max_hours: maxSeconds / 3600 }
          : null,
        untrusted: {
          reasons,
          clears_when,
          override: override && { reason: override.reason, by: override.by },
          people_who_can_override: frozen
            ? contactsFor(config, 'freezes:override', input, deps.clock.now()).map((one) => contactName(config, one))
            : [],
        },
      },
    };
  },
});

function textOf(
  { allowed, verdict, reasons, next_transition_at: next }: z.infer<typeof Verdict>,
  {
    service: of,
    environment: to,
    version: named,
  }: { service: string; environment: string; version?: string | undefined },
): string {
  const what = `${nameIn(of)}${named === undefined ? '' : ` ${nameIn(named)}`} to ${nameIn(to)}`;
  const codes = reasons.map(({ code }) => code).join(', ');
  const until = next === null ? '' : ` The answer can change at ${next}.`;
  if (!allowed) return `Not allowed: a freeze applies to the deployment of ${what} (${codes}).${until}`;
  return `Allowed${verdict === 'warn' ? ', with a warning' : ''}: the deployment of ${what} (${codes}).${until}`;
}

function contactName({ people: { people } }: Config, contact: ReturnType<typeof contactsFor>[number]): string {
  if (typeof contact === 'string') return contact;
  if ('group' in contact) return contact.group;
  const [id, person] = Object.entries(people).find(([, { slack }]) => slack === contact.user) ?? [];
  return person?.name ?? id ?? contact.user;
}
