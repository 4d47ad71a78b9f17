import type { Deps } from '../../domain/ports/deps.ts';
import type { UserCache } from '../../domain/ports/messages.ts';
import { withoutWhy } from '../../domain/incidents/closing.ts';
import { textWithDisplayNames } from '../../domain/people/display-names.ts';

export type TextNamer = (text: string) => Promise<string>;

/**
 * Returns functions that replace Slack IDs with names, from people.yaml or from the cache, without calls to Slack.
 * `actor` also replaces the ID of a person in people.yaml, and leaves out why Firebreak did something.
 */
export async function namer({
  userCache,
  config,
}: Pick<Deps, 'config'> & { userCache: UserCache }): Promise<{ text: TextNamer; actor: TextNamer }> {
  const { people } = (await config.current()).people;
  const known = new Map<string, Promise<string | undefined>>();
  const read = async (id: string): Promise<string | undefined> => {
    const listed = Object.values(people).find(({ slack }) => slack === id);
    return listed?.name ?? (await userCache.user(id))?.user.name ?? undefined;
  };
  const nameOf = (id: string): Promise<string | undefined> => {
    const name = known.get(id) ?? read(id);
    known.set(id, name);
    return name;
  };
  const text: TextNamer = (original) => textWithDisplayNames(original, nameOf);
  const actor: TextNamer = async (name) =>
    (Object.hasOwn(people, name) && people[name as keyof typeof people]?.name) || text(withoutWhy(name));
  return { text, actor };
}
