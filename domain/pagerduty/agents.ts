import type { Config } from '../../schemas/config.ts';
import type { PagerDutyReference } from '../../schemas/pagerduty.ts';
import { type Person, PersonId } from '../../schemas/people.ts';

/** Somebody at PagerDuty, by the id of the user there. */
export type PagerUser = { id: string | null; name: string };

/** Whoever that is here. `name` stands in decisions and on timelines. `unsure`: the pager could not be asked. */
export type Agent = { name: string; shown: string; slack: string | null; unsure?: true };

/** The person who did it; null: an integration, a service, or nobody whom PagerDuty names. */
export function userOf(agent: PagerDutyReference | null | undefined): PagerUser | null {
  if (agent === null || agent === undefined || !/^user(_reference)?$/.test(agent.type ?? '')) return null;
  const id = agent.id || null;
  const name = agent.summary?.trim() || id;
  return name === null ? null : { id, name };
}

/** Names are shown to people; nobody's is longer. */
const NAME_MAX_CHARS = 100;

/**
 * Who a user of PagerDuty is here: by the id in people.yaml, else by the address, which PagerDuty's administrators give.
 * Whoever is not listed goes by what PagerDuty says.
 *
 * @param email null: not known
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
