import type { Chat, ChatChannel } from '../../domain/outlets.ts';
import type { Projections } from '../../domain/projections.ts';
import { dayIn, type SlackPolicy } from '../../domain/slack-policy.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { SlackState } from '../../schemas/projection.ts';
import type { Turn } from '../turn.ts';
import { METHODS } from './methods.ts';

type Deps = { chat: Chat; projections: Projections };

/** By which a channel is known to belong to an incident, also when our own record of it is lost. */
export const purposeOf = ({ id }: Pick<IncidentRecord, 'id'>): string => `Firebreak incident ${id}`;

/** It is there; Slack refuses it; or not yet, and the turn comes again. */
export type Ensured = { kind: 'there'; id: string } | { kind: 'refused'; detail: string } | null;

/**
 * The incident's channel: the one that it has, or a new one, numbered by day. The name is ours before it is made, so
 * that a channel which was made although its answer was lost is recognised.
 */
export async function ensureChannel(
  deps: Deps,
  incident: IncidentRecord,
  policy: SlackPolicy,
  state: SlackState,
  save: (change: Partial<SlackState>) => Promise<void>,
  turn: Turn,
): Promise<Ensured> {
  if (state.channel !== null) return { kind: 'there', id: state.channel };
  const prefix = `${policy.channelPrefix}${dayIn(incident.opened_at, policy.timeZone)}`;
  let { name } = state;
  // Only now: what becomes a part of another incident while Slack's limit holds it up needs no channel.
  const created = await turn.attempt(METHODS.create, async () => {
    if (name === null) {
      name = await nextName(deps, prefix);
      await save({ name });
    }
    return deps.chat.createChannel(name);
  });
  const there = async (id: string): Promise<Ensured> => {
    await save({ channel: id });
    return { kind: 'there', id };
  };
  if (created?.kind === 'done') return there(created.value.id);
  if (created?.kind !== 'refused' || name === null) return null;
  if (created.code !== 'name_taken') return created;

  const wanted = name;
  const found = await turn.attempt(METHODS.list, () => deps.chat.findChannel(wanted));
  if (found?.kind !== 'done') return found?.kind === 'refused' ? found : null;
  if (found.value !== null && isOf(incident, found.value)) return there(found.value.id);
  // Somebody else's, perhaps of a Firebreak whose records are gone: go on behind the last one of the day.
  const taken = await turn.attempt(METHODS.list, () => deps.chat.channelNames(prefix));
  if (taken?.kind !== 'done') return taken?.kind === 'refused' ? taken : null;
  const highest = Math.max(0, ...taken.value.map((one) => Number(/^\d+$/.exec(one.slice(prefix.length))?.[0] ?? 0)));
  await save({ name: await nextName(deps, prefix, highest) });
  turn.comeAgain(turn.now());
  return null;
}

const isOf = (incident: IncidentRecord, { ours, purpose }: ChatChannel): boolean =>
  ours && (purpose === '' || purpose === purposeOf(incident));

const nextName = async ({ projections }: Pick<Deps, 'projections'>, prefix: string, above?: number): Promise<string> =>
  `${prefix}${await projections.nextNumber(`channel ${prefix}`, above)}`;
