import type { Chat, ChatChannel, Told } from '../../domain/outlets.ts';
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
 * that a channel which was made although its answer was lost is recognised. What each call tells is kept: the next one
 * may have to wait for Slack's limit, and would else never come to its turn.
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
  let { name, naming } = state;
  if (name !== null && naming === 'foreign') {
    // Perhaps of a Firebreak whose records are gone: go on behind the last one of the day.
    const taken = await turn.attempt(METHODS.list, () => deps.chat.channelNames(prefix));
    if (taken?.kind !== 'done') return refusalOf(taken);
    name = await nextName(deps, prefix, highest(taken.value, prefix));
    naming = 'chosen';
    await save({ name, naming });
  }
  if (naming === 'chosen') {
    // Its name only now: what becomes a part of another incident while Slack's limit holds it up needs no channel.
    const created = await turn.attempt(METHODS.create, async () => {
      name ??= await nextName(deps, prefix);
      if (state.name === null) await save({ name });
      return deps.chat.createChannel(name);
    });
    if (created?.kind === 'done') return there(created.value.id, save);
    if (created?.kind !== 'refused' || created.code !== 'name_taken') return refusalOf(created);
    await save({ naming: 'taken' });
  }
  return name === null ? null : ours(deps, incident, name, save, turn);
}

/** The channel of this name, should it be the incident's. */
async function ours(
  { chat }: Deps,
  incident: IncidentRecord,
  name: string,
  save: (change: Partial<SlackState>) => Promise<void>,
  turn: Turn,
): Promise<Ensured> {
  const found = await turn.attempt(METHODS.list, () => chat.findChannel(name));
  if (found?.kind !== 'done') return refusalOf(found);
  if (found.value !== null && isOf(incident, found.value)) return there(found.value.id, save);
  await save({ naming: 'foreign' });
  turn.comeAgain(turn.now());
  return null;
}

async function there(id: string, save: (change: Partial<SlackState>) => Promise<void>): Promise<Ensured> {
  await save({ channel: id });
  return { kind: 'there', id };
}

const refusalOf = (told: Told<unknown> | undefined): Ensured => (told?.kind === 'refused' ? told : null);

const isOf = (incident: IncidentRecord, channel: ChatChannel): boolean =>
  channel.ours && (channel.purpose === '' || channel.purpose === purposeOf(incident));

const highest = (names: readonly string[], prefix: string): number =>
  Math.max(0, ...names.map((one) => Number(/^\d+$/.exec(one.slice(prefix.length))?.[0] ?? 0)));

const nextName = async ({ projections }: Pick<Deps, 'projections'>, prefix: string, above?: number): Promise<string> =>
  `${prefix}${await projections.nextNumber(`channel ${prefix}`, above)}`;
