import { nameKey } from '../../domain/actor-names.ts';
import type { Deps } from '../../domain/ports.ts';
import { nearest } from '../../domain/runbooks/nearest.ts';
import type { Person } from '../../schemas/people.ts';
import { Declined } from './outcome.ts';

type Meant = { user: string | null; called?: string };

/**
 * The user of Slack whom somebody means: mentioned, or, where Slack hands on what they have typed, by a name that
 * people.yaml has, and one person alone.
 *
 * @param brief what stands behind a mention; behind a name it is what remains
 * @throws Declined where it is not clear who that is
 */
export async function whomMeant<B extends string | null>(
  deps: Pick<Deps, 'config' | 'directory'>,
  { user, called = '' }: Meant,
  brief: B,
): Promise<{ user: string; brief: B | string | null }> {
  if (user !== null) return { user, brief };
  const { people } = (await deps.config.current()).people;
  const named = Object.entries(people).flatMap(([id, person]) =>
    [...new Set([id, person.name ?? id])].map((name) => ({ id, name, person })),
  );
  const begun = named.filter(({ name }) => beginsWith(called, name));
  const longest = Math.max(0, ...begun.map(({ name }) => name.length));
  const found = begun.filter(({ name }) => name.length === longest);
  const [one] = found;
  if (one === undefined || new Set(found.map(({ id }) => id)).size > 1)
    throw nobodyCalled(
      called,
      found.length > 1,
      named.map(({ name }) => name),
    );
  return { user: await slackOf(deps, one), brief: called.slice(longest).trim() || brief || null };
}

const beginsWith = (text: string, name: string): boolean =>
  nameKey(text.slice(0, name.length)) === nameKey(name) && /^(?:[\s,:]|$)/.test(text.slice(name.length));

function nobodyCalled(called: string, several: boolean, names: readonly string[]): Declined {
  const words = called.split(/\s+/);
  const near = nearest(words.slice(0, 2).join(' '), names) ?? nearest(words[0] ?? '', names);
  return new Declined(
    several
      ? `Several people of people.yaml are called as "@${called}" begins. `
      : `Whom "@${called.slice(0, 80).toWellFormed()}" means is not clear: nobody of people.yaml is called so. `,
    ...(near === null || several ? [] : [`Did you mean @${near}? `]),
    'Choose them from the list that Slack offers behind an @; where that does not help, ',
    'escaping of users has to be switched on for the command in the settings of the app. Nothing was done.',
  );
}

async function slackOf(
  { directory }: Pick<Deps, 'directory'>,
  { name, person }: { name: string; person: Person },
): Promise<string> {
  if (person.slack !== undefined) return person.slack;
  const told = person.email === undefined ? undefined : await directory.userByEmail(person.email);
  if (told?.kind === 'done' && told.value !== null) return told.value;
  const why = told !== undefined && told.kind !== 'done' ? ` (${told.detail})` : '';
  throw new Declined(`Who ${name} is in Slack is not known now${why}: mention them. Nothing was done.`);
}
