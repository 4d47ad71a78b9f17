import type { Config } from '../../../../schemas/config/config.ts';
import type { PagerDutyReference } from '../../../../schemas/messages/pagerduty.ts';
import { type Person, PersonId } from '../../../../schemas/people/people.ts';

/** A PagerDuty user, with the user ID in PagerDuty. */
export type PagerUser = { id: string | null; name: string };

/**
 * The person behind a PagerDuty user. `name` is used in decisions and on timelines. `isUnidentified`: PagerDuty could not be
 * queried.
 */
export type Agent = { name: string; shown: string; slack: string | null; isUnidentified?: true };

/** Returns the user who caused an event; null: an integration, a service, or an unnamed agent. */
export function userOf(agent: PagerDutyReference | null | undefined): PagerUser | null {
  if (agent === null || agent === undefined || !/^user(_reference)?$/.test(agent.type ?? '')) return null;
  const id = agent.id || null;
  const name = agent.summary?.trim() || id;
  return name === null ? null : { id, name };
}

/** Maximum length of displayed names. */
const NAME_MAX_CHARS = 100;

/**
 * Maps a PagerDuty user to a person: by the ID in people.yaml, else by the email address, which PagerDuty's
 * administrators assign. A user who is not listed keeps the name from PagerDuty.
 *
 * @param email null: unknown
 */
export function agentOf({ people }: Pick<Config, 'people'>, user: PagerUser, email: string | null): Agent {
  const all = Object.entries(people.people).map(([id, person]): [PersonId, Person] => [PersonId.parse(id), person]);
  const found =
    all.find(([, { pagerduty }]) => pagerduty !== undefined && pagerduty === user.id) ??
    all.find(
      ([, person]) =>
        email !== null && person.pagerduty === undefined && person.email?.toLowerCase() === email.toLowerCase(),
    );
  const shown = [...user.name].slice(0, NAME_MAX_CHARS).join('');
  if (found === undefined) return { name: `pagerduty:${user.id ?? shown}`, shown, slack: null };
  const [id, { name, slack }] = found;
  return { name: id, shown: name ?? shown, slack: slack ?? null };
}
