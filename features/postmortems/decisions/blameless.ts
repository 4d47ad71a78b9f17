import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { IncidentRole } from '../../../schemas/people/response-roles.ts';
import { wholeWordPattern } from './lint.ts';
import type { DraftInput } from './record.ts';

const ROLE_WORDS: Record<IncidentRole, string> = {
  commander: 'the incident commander',
  communications: 'the communications lead',
  scribe: 'the scribe',
};

/** Actors of timelines that are systems. */
const SYSTEMS = new Set(['firebreak', 'alerts', 'slack', 'pagerduty', 'statuspage', 'github', 'sandbox']);

export const isSystem = (actor: string): boolean => SYSTEMS.has(actor) || actor.startsWith('firebreak:');

/** How a text names people: by their roles, or by their names if the policy says so. */
export type Naming = {
  /** Returns how an actor is named within a sentence. */
  actor: (name: string) => string;
  /** Returns a text in which people are named in the same way. */
  text: (text: string) => string;
  /** Names that the text must not contain. Empty: all are permitted. */
  hidden: readonly string[];
};

type NamingInput = Pick<DraftInput, 'incident' | 'timeline' | 'decisions' | 'people' | 'names'>;

/** Returns how the post-mortem of an incident names people. */
export function namingOf({ incident, timeline, decisions, people, names }: NamingInput): Naming {
  const displayName = (name: string): string => people.get(name) ?? holderOf(incident, name)?.[1].shown ?? name;
  if (names === 'people') return { actor: displayName, text: (text) => text, hidden: [] };
  const role = (name: string): string => {
    const [heldRole] = holderOf(incident, name) ?? [];
    return heldRole === undefined ? 'a responder' : ROLE_WORDS[heldRole];
  };
  const actors = [
    ...timeline.map(({ entry }) => entry.actor),
    ...decisions.flatMap(({ answered_by, approvals }) => [answered_by ?? [], approvals.given].flat()),
    ...Object.values(incident.roles ?? {}).map(({ name }) => name),
    ...people.keys(),
  ].filter((name) => name !== '' && !isSystem(name));
  const roleByAlias = new Map<string, string>();
  for (const name of new Set(actors)) {
    const displayNames = [displayName(name), holderOf(incident, name)?.[1].shown ?? name];
    for (const alias of [name, ...displayNames].filter((word) => isDistinct(word, incident)))
      roleByAlias.set(alias, role(name));
  }
  // A display name can contain a shorter alias, so longer ones are replaced first.
  const longestFirst = [...roleByAlias].toSorted(([a], [b]) => b.length - a.length || (a < b ? -1 : 1));
  return {
    actor: role,
    text: (text) => longestFirst.reduce((all, [name, word]) => all.replaceAll(wholeWordPattern(name), word), text),
    hidden: longestFirst.map(([name]) => name),
  };
}

/** Returns the incident role that a person holds, with its holder. Undefined: none. */
const holderOf = ({ roles = {} }: IncidentRecord, name: string) =>
  IncidentRole.options
    .flatMap((role) => (roles[role] === undefined ? [] : [[role, roles[role]] as const]))
    .find(([, holder]) => holder.name === name);

/** Returns whether a name can only mean the person: a token may have the name of the service, or be called "ci". */
const isDistinct = (name: string, { service, environment }: IncidentRecord): boolean =>
  name.length > 2 && name !== service && name !== environment;
