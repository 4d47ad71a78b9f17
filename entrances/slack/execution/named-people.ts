import { nameKey } from '../../../core/domain/access/actor-identity.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Directory } from '../../../core/domain/ports/chat.ts';
import { nearest } from '../../../schemas/parsing/similar-names.ts';
import type { Person } from '../../../schemas/people/people.ts';
import { Declined } from '../outcome.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** `called`: the text after an `@` that is not a mention; it begins with a name. */
type NamedPerson = { user: string | null; called?: string };

/**
 * Finds the Slack user that a command refers to: by a mention, or, if Slack sends the typed text, by a unique name in
 * people.yaml.
 *
 * @param brief text after a mention; after a name, it is the remaining text
 * @throws Declined if the user is not clear
 */
export async function namedPerson<B extends string | null>(
  deps: Pick<Deps, 'config'> & { directory: Directory },
  { user, called = '' }: NamedPerson,
  brief: B,
): Promise<{ user: string; brief: B | string | null }> {
  if (user !== null) return { user, brief };
  const { people } = (await deps.config.current()).people;
  const named = Object.entries(people).flatMap(([id, person]) =>
    [...new Set([id, person.name ?? id])].map((name) => ({ id, name, person })),
  );
  const matching = named.filter(({ name }) => beginsWithName(called, name));
  const longest = Math.max(0, ...matching.map(({ name }) => name.length));
  const longestMatches = matching.filter(({ name }) => name.length === longest);
  const [match] = longestMatches;
  if (match === undefined || new Set(longestMatches.map(({ id }) => id)).size > 1)
    throw noSinglePerson(
      called,
      longestMatches.length > 1,
      named.map(({ name }) => name),
    );
  return { user: await slackIdOf(deps, match), brief: called.slice(longest).trim() || brief || null };
}

const beginsWithName = (text: string, name: string): boolean =>
  nameKey(text.slice(0, name.length)) === nameKey(name) && /^(?:[\s,:]|$)/.test(text.slice(name.length));

/** Returns the error for a text that matches no person, or several. */
function noSinglePerson(called: string, several: boolean, names: readonly string[]): Declined {
  const words = called.split(/\s+/);
  const near = nearest(words.slice(0, 2).join(' '), names) ?? nearest(words[0] ?? '', names);
  return new Declined(
    several
      ? `"@${called}" matches several people in people.yaml. `
      : `"@${truncated(called, 80)}" matches no person in people.yaml. `,
    ...(near === null || several ? [] : [`Did you mean @${near}? `]),
    'Select the person from the list that Slack shows after an @. If that does not help, ',
    'turn on the escaping of users for this command in the settings of the Slack app. Nothing was done.',
  );
}

/** @throws Declined if the Slack user of the person is unknown */
async function slackIdOf(
  { directory }: { directory: Directory },
  { name, person }: { name: string; person: Person },
): Promise<string> {
  if (person.slack !== undefined) return person.slack;
  const response = person.email === undefined ? undefined : await directory.userByEmail(person.email);
  if (response?.kind === 'done' && response.value !== null) return response.value;
  const why = response !== undefined && response.kind !== 'done' ? ` (${response.detail})` : '';
  throw new Declined(`The Slack user of ${name} is unknown${why}. Mention the person instead. Nothing was done.`);
}
