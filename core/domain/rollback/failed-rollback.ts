import type { EnvironmentName, ServiceName, Version } from '../../../schemas/config/names.ts';
import { numberOf } from './question-names.ts';
import type { Story } from '../messages/story.ts';

/** A failed rollback. `order`: the requested rollback; null: its decision is unknown. */
export type FailedRollback = {
  detail: string;
  order: { service: ServiceName; environment: EnvironmentName; from: Version; to: Version } | null;
};

/** Returns the newest action on an open incident if it is a rollback that failed, was refused, or was withheld. */
export function failedRollback({
  incident,
  decisions,
  effects,
}: Pick<Story, 'incident' | 'decisions' | 'effects'>): FailedRollback | undefined {
  if (incident.status !== 'open') return undefined;
  const newest = effects.findLast(({ kind, resource }) => kind === 'roll-back' || resource !== undefined);
  if (newest?.kind !== 'roll-back' || (newest.state !== 'failed' && newest.state !== 'withheld')) return undefined;
  const decision = decisions.find(
    ({ id, question }) => question === undefined && newest.key.endsWith(`.${numberOf(id)}`),
  );
  const { service, environment } = decision?.target ?? incident;
  const [from, to] = [decision?.from_version ?? null, decision?.to_version ?? null];
  return {
    detail: newest.detail,
    order: from === null || to === null ? null : { service, environment, from, to },
  };
}
