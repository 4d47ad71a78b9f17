import type { Told } from '../../domain/outlets.ts';
import { actorOf, type Found, type SlackUser } from '../../domain/people.ts';
import type { ChatUser, Deps } from '../../domain/ports.ts';
import type { Config } from '../../schemas/config.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time.ts';

export type AcquaintedDeps = Pick<Deps, 'acquaintances' | 'directory' | 'config' | 'clock' | 'log'>;

/** So long it is believed without asking again. */
const USER_SECONDS = 3600;
const GROUP_SECONDS = 300;

/** Of a user whom nobody has met, and of whom Slack says nothing. */
const unknown = (id: string, kind: ChatUser['kind']): ChatUser => ({ id, team: '', email: null, name: null, kind });

/**
 * Who a user of Slack is here. While Slack does not answer, that is whoever they were within the last day. Whom nobody
 * has met since is known by an id in people.yaml, or not at all; where nobody is listed there, so that who may act is
 * left to Slack, its signature has to do: a rollback at night does not wait for a directory.
 */
export async function actorFor(deps: AcquaintedDeps, id: string): Promise<Found> {
  const config = await deps.config.current();
  const met = await userOf(deps, id, config);
  const groups = await groupsOf(deps, id, config);
  const kind = met.why !== null && listsNobody(config) ? 'member' : 'outsider';
  const found = actorOf(config, { ...(met.user ?? unknown(id, kind)), groups });
  if (found.ok || met.why === null) return found;
  return {
    ok: false,
    because: `Slack could not be asked who you are (${met.why}), and your id of Slack (${id}) is not in people.yaml`,
  };
}

const listsNobody = ({ people: { people, userGroups, workspaces } }: Config): boolean =>
  [people, userGroups, workspaces].every((listed) => Object.keys(listed).length === 0);

/** `why`: Slack did not say, and nobody has asked lately. */
async function userOf(
  { acquaintances, directory, clock, log }: AcquaintedDeps,
  id: string,
  { people }: Config,
): Promise<{ user: ChatUser | undefined; why: string | null }> {
  const kept = await acquaintances.user(id);
  if (kept !== undefined && isFresh(kept, clock.now(), USER_SECONDS)) return { user: kept.user, why: null };
  const told = await directory.user(id, people.workspaces);
  if (told.kind === 'done') {
    if (told.value !== null) await acquaintances.keepUser(told.value);
    return { user: told.value ?? undefined, why: null };
  }
  log.warn('Slack does not say who somebody is', { user: id, detail: told.detail, known_since: kept?.at ?? null });
  return kept === undefined ? { user: undefined, why: told.detail } : { user: kept.user, why: null };
}

/** Those of the groups that people.yaml names that they are in. One that nobody can be asked about gives nothing. */
async function groupsOf(deps: AcquaintedDeps, user: string, { people }: Config): Promise<SlackUser['groups']> {
  const ids = Object.keys(people.userGroups);
  const members = await Promise.all(ids.map((id) => membersOf(deps, id)));
  return ids.filter((_, index) => members[index]?.includes(user));
}

async function membersOf(
  { acquaintances, directory, clock, log }: AcquaintedDeps,
  id: string,
): Promise<readonly string[]> {
  const kept = await acquaintances.group(id);
  if (kept !== undefined && isFresh(kept, clock.now(), GROUP_SECONDS)) return kept.members;
  const told: Told<string[]> = await directory.groupMembers(id);
  if (told.kind === 'done') {
    await acquaintances.keepGroup(id, told.value);
    return told.value;
  }
  log.warn('Slack does not say who is in a group', { group: id, detail: told.detail, known_since: kept?.at ?? null });
  return kept?.members ?? [];
}

const isFresh = ({ at }: { at: Timestamp }, now: Timestamp, seconds: number): boolean =>
  secondsBetween(at, now) < seconds;
