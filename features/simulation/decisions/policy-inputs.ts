import type { Config } from '../../../schemas/config/config.ts';
import type { Asked } from '../recording.ts';
import { environmentEntry, serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { callersOf, dependenciesOf } from '../../../core/domain/catalogue/dependencies.ts';
import { healthOf } from '../../../core/domain/catalogue/health.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { DecisionInputs } from '../../../core/domain/rollback/judgement.ts';
import { policyOfTarget } from '../../../core/domain/rollback/target-policy.ts';

/** Returns what a configuration makes Firebreak ask about an incident of a service. */
export function askedOf(config: Pick<Config, 'services' | 'slos'>, at: ServiceEnvironment): Asked {
  const { called: _called, ...health } = healthOf(config, at) ?? { called: null };
  const neighbours = [...dependenciesOf(config.services, at.service), ...callersOf(config.services, at.service)];
  return {
    health: 'promql' in health ? health : null,
    around: [...new Set(neighbours.map(({ service, relation }) => `${relation} ${service}`))].toSorted(),
    team: serviceEntry(config.services, at.service)?.team ?? null,
  };
}

/** What a policy changes about a stored decision, besides the rules for its targets. */
export type ChangedInputs = {
  request: DecisionInputs['request'];
  matched: boolean;
  /** Automatic rollbacks of the last hour that the policy adds to those recorded, or removes. */
  pace: (target: ServiceEnvironment | null) => number;
  /** Many incidents opened at once. Null: as recorded. */
  oneOfMany: boolean | null;
};

/** Returns the inputs of a stored decision as they would have been under a policy. */
export function inputsUnder(
  inputs: DecisionInputs,
  policy: Config,
  { request, matched, pace, oneOfMany }: ChangedInputs,
): DecisionInputs {
  const { strangers_ignored: _ignored, health, ...evidence } = inputs.evidence;
  const max = healthOf(policy, {
    service: evidence.service,
    environment: evidence.environment,
  } as ServiceEnvironment)?.max;
  const sender = inputs.sender_rollbacks_last_hour;
  const all = pace(null);
  return {
    ...inputs,
    request,
    matched,
    evidence: {
      ...evidence,
      health: health === null || max === undefined ? health : { ...health, max },
      ...(policy.routes.failTogether === 'ignore' && { strangers_ignored: true as const }),
    },
    targets: inputs.targets.map(({ has_flags: _flags, ...target }) => ({
      ...target,
      ...policyOfTarget(environmentEntry(policy.services, target)),
      rollbacks_last_hour: Math.max(0, target.rollbacks_last_hour + pace(target)),
    })),
    one_of_many: oneOfMany ?? inputs.one_of_many,
    organisation_rollbacks_last_hour: Math.max(0, inputs.organisation_rollbacks_last_hour + all),
    ...(sender !== undefined && { sender_rollbacks_last_hour: Math.max(0, sender + all) }),
  };
}

/** Returns what a policy would have asked that nobody asked at the time. */
export function neverAsked(asked: Asked, policy: Config, at: ServiceEnvironment): string[] {
  const now = askedOf(policy, at);
  const query = (health: Asked['health']): string => {
    const { max: _max, ...queries } = health ?? {};
    return JSON.stringify(Object.entries(queries).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  };
  const added = now.around.filter((neighbour) => !asked.around.includes(neighbour));
  return [
    ...(query(now.health) === query(asked.health)
      ? []
      : [
          `cannot be known: the health query of ${at.service} is another one, and it was not asked then. The recorded values were used`,
        ]),
    ...(added.length === 0
      ? []
      : [`cannot be known: the changes of ${added.join(', ')} were not read then. They were left out`]),
  ];
}
