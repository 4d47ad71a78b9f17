import type { Chat } from '../../domain/outlets.ts';
import type { Projections } from '../../domain/projections.ts';
import { dayIn, type SlackPolicy } from '../../domain/slack-policy.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { SlackState } from '../../schemas/projection.ts';
import type { Turn } from '../turn.ts';
import { METHODS } from './methods.ts';

type Deps = { chat: Chat; projections: Projections };

/** By which a channel is known to belong to an incident, also when our own record of it is lost. */
export const purposeOf = ({ id }: Pick<IncidentRecord, 'id'>): string => `Firebreak incident ${id}`;

/**
 * The incident's channel: the one that it has, or a new one, numbered by day. The name is ours before it is made, so
 * that a channel which was made although its answer was lost is recognised. Undefined: not yet.
 */
export async function ensureChannel(
  deps: Deps,
  incident: IncidentRecord,
  policy: SlackPolicy,
  state: SlackState,
  save: (change: Partial<SlackState>) => Promise<void>,
  turn: Turn,
): Promise<string | undefined> {
  if (state.channel !== null) return state.channel;
  const prefix = `${policy.channelPrefix}${dayIn(incident.opened_at, policy.timeZone)}`;
  const name = state.name ?? (await nextName(deps, prefix));
  if (state.name === null) await save({ name });

  const created = await turn.attempt(METHODS.create, () => deps.chat.createChannel(name));
  if (created?.kind === 'done') {
    await save({ channel: created.value.id });
    return created.value.id;
  }
  if (created?.kind !== 'refused') return undefined;
  if (created.code !== 'name_taken') {
    await save({ problems: { ...state.problems, channel: created.detail } });
    return undefined;
  }
  const found = await turn.attempt(METHODS.list, () => deps.chat.findChannel(name));
  if (found?.kind !== 'done') return undefined;
  const mine =
    found.value !== null && found.value.ours && (found.value.purpose === '' || found.value.purpose === purposeOf(incident));
  if (mine && found.value !== null) {
    await save({ channel: found.value.id });
    return found.value.id;
  }
  // Somebody else's, perhaps of a Firebreak whose records are gone: go on behind the last one of the day.
  const taken = await turn.attempt(METHODS.list, () => deps.chat.channelNames(prefix));
  if (taken?.kind !== 'done') return undefined;
  const highest = Math.max(0, ...taken.value.map((one) => Number(/^\d+$/.exec(one.slice(prefix.length))?.[0] ?? 0)));
  await save({ name: await nextName(deps, prefix, highest) });
  turn.comeAgain(turn.now());
  return undefined;
}

const nextName = async ({ projections }: Pick<Deps, 'projections'>, prefix: string, above?: number): Promise<string> =>
  `${prefix}${await projections.nextNumber(`channel ${prefix}`, above)}`;
