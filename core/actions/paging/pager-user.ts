import { type Agent, agentOf, type PagerUser } from '../../domain/paging/pagerduty/users.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Config } from '../../../schemas/config/config.ts';

/**
 * Returns the person in people.yaml who corresponds to a PagerDuty user. Webhooks have no email addresses, so if people.yaml
 * identifies people only by email, the address is read from PagerDuty. If that fails, the user keeps PagerDuty's name,
 * marked `isUnidentified`.
 */
export async function resolvePagerUser(
  { config, onCall }: Pick<Deps, 'config' | 'onCall'>,
  user: PagerUser,
): Promise<Agent> {
  const current = await config.current();
  const known = agentOf(current, user, null);
  if (Object.hasOwn(current.people.people, known.name) || user.id === null || !identifiesByEmail(current)) return known;
  const response = await onCall.email(user.id);
  switch (response.kind) {
    case 'done':
      return agentOf(current, user, response.value);
    case 'off':
      return known;
    case 'refused':
    case 'later':
    case 'unclear':
      return { ...known, isUnidentified: true };
  }
}

/** Returns whether people.yaml identifies a person only by email address, without a PagerDuty ID. */
const identifiesByEmail = ({ people }: Config): boolean =>
  Object.values(people.people).some(({ email, pagerduty }) => email !== undefined && pagerduty === undefined);
