import type { Chat, ChatChannel } from '../../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import { incidentName, type Named } from '../../../core/domain/incidents/incident-number.ts';
import type { Projections } from '../../../core/domain/incidents/projections.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { SlackFile } from '../../../schemas/messages/presentation.ts';
import { localTime } from '../../../schemas/time/time-zone.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { SyncSession } from '../../../core/projectors/session.ts';
import { METHODS } from './methods.ts';
import type { SlackState } from './state.ts';

type Deps = { chat: Chat; projections: Projections };

/**
 * Returns the channel purpose, which identifies the incident's channel even if Firebreak's record is lost. It ends with the whole ID:
 * numbers repeat in another installation of one workspace.
 */
export const purposeOf = (incident: Named): string =>
  incident.number == null ? purposeById(incident) : `${incidentName(incident)} · ${purposeById(incident)}`;

/** Returns the purpose that earlier versions set. */
const purposeById = ({ id }: Named): string => `Firebreak incident ${id}`;

/** The channel exists, or Slack refused it. Null: not yet; another session is scheduled. */
export type EnsuredChannel = { kind: 'present'; id: string } | { kind: 'refused'; detail: string } | null;

/**
 * Returns the incident's channel, or creates one, numbered by day. The name is stored before the creation, so that a
 * channel is recognized even if the response was lost. The result of each call is stored, because the next one may have
 * to wait for Slack's rate limit. `naming` says whether a channel has the name: `chosen`: unknown. `taken`: one has.
 * `foreign`: one of someone else has.
 */
export async function ensureChannel(
  deps: Deps,
  incident: IncidentRecord,
  policy: SlackFile,
  state: SlackState,
  save: (change: Partial<SlackState>) => Promise<void>,
  session: SyncSession,
): Promise<EnsuredChannel> {
  if (state.channel !== null) return { kind: 'present', id: state.channel };
  const prefix = `${policy.channelPrefix}${yymmdd(incident.opened_at, policy.timeZone)}`;
  let { name, naming } = state;
  if (name !== null && naming === 'foreign') {
    // The name may belong to an earlier installation. Continue after the highest number of the day.
    const taken = await session.attempt(METHODS.list, () => deps.chat.channelNames(prefix));
    if (taken?.kind !== 'done') return refusalOf(taken);
    name = await nextName(deps, prefix, highestNumber(taken.value, prefix));
    naming = 'chosen';
    await save({ name, naming });
  }
  if (naming === 'chosen') {
    // Choose the name last: an incident that joins a group while it waits for the rate limit needs no channel.
    const created = await session.attempt(METHODS.create, async () => {
      name ??= await nextName(deps, prefix);
      if (state.name === null) await save({ name });
      return deps.chat.createChannel(name);
    });
    if (created?.kind === 'done') return ensured(created.value.id, save);
    if (created?.kind !== 'refused' || created.code !== 'name_taken') return refusalOf(created);
    await save({ naming: 'taken' });
  }
  return name === null ? null : ownChannel(deps, incident, name, save, session);
}

/** Looks up the channel with this name, and uses it if it belongs to the incident. */
async function ownChannel(
  { chat }: Deps,
  incident: IncidentRecord,
  name: string,
  save: (change: Partial<SlackState>) => Promise<void>,
  session: SyncSession,
): Promise<EnsuredChannel> {
  const found = await session.attempt(METHODS.list, () => chat.findChannel(name));
  if (found?.kind !== 'done') return refusalOf(found);
  if (found.value !== null && belongsTo(incident, found.value)) return ensured(found.value.id, save);
  await save({ naming: 'foreign' });
  session.scheduleNext(session.now());
  return null;
}

async function ensured(id: string, save: (change: Partial<SlackState>) => Promise<void>): Promise<EnsuredChannel> {
  await save({ channel: id });
  return { kind: 'present', id };
}

const refusalOf = (response: VendorResponse<unknown> | undefined): EnsuredChannel =>
  response?.kind === 'refused' ? response : null;

const belongsTo = (incident: IncidentRecord, channel: ChatChannel): boolean =>
  channel.isOwn && ['', purposeOf(incident), purposeById(incident)].includes(channel.purpose);

const highestNumber = (names: readonly string[], prefix: string): number =>
  Math.max(0, ...names.map((name) => Number(/^\d+$/.exec(name.slice(prefix.length))?.[0] ?? 0)));

const nextName = async ({ projections }: Pick<Deps, 'projections'>, prefix: string, above?: number): Promise<string> =>
  `${prefix}${await projections.nextNumber(`channel ${prefix}`, above)}`;

/** Formats a time as its date in a time zone, such as `261122`. */
function yymmdd(at: Timestamp, timeZone: string): string {
  const { year, month, day } = localTime(at, timeZone);
  return [year % 100, month, day].map((part) => String(part).padStart(2, '0')).join('');
}
