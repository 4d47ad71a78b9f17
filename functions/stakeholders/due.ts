import { isDue } from '../../domain/digest.ts';
import type { Deps, Remembered } from '../../domain/ports.ts';
import type { Config } from '../../schemas/config.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { Stakeholder } from '../../schemas/stakeholders.ts';
import { plusSeconds } from '../../schemas/time.ts';
import { pooled } from '../evaluation/pool.ts';
import { type Receiver, receiversOf } from './receivers.ts';

/**
 * Incidents that were resolved for so long: whoever has heard of one hears that it is over, also where the mail server was
 * down for a night.
 */
const RESOLVED_SECONDS = 24 * 3600;
const RESOLVED_READ = 50;

const READ_AT_ONCE = 8;

/** Something that a receiver may have to be told. `before`: what they were told last. */
export type Due = {
  id: IncidentRecord['id'];
  receiver: Receiver;
  stakeholder: Stakeholder;
  before: Remembered | undefined;
  /** What belongs to it, and what they have heard of what it belongs to. */
  parts: readonly IncidentRecord[];
  heardOfParent: boolean;
};

type DueDeps = Pick<Deps, 'incidents' | 'crowds' | 'digests' | 'clock' | 'timeScale' | 'log'>;

/** What is to be told now, those that are open first. An incident that cannot be read keeps nothing from the others. */
export async function allDue(deps: DueDeps, config: Config): Promise<Due[]> {
  const { incidents, log } = deps;
  const [open, resolved] = await Promise.all([incidents.open(), justResolved(deps)]);
  const all = [...open, ...resolved];
  const due = new Map<string, Due[]>();
  await pooled(all, READ_AT_ONCE, async (incident) => {
    try {
      due.set(incident.id, await dueOf(deps, incident, config));
    } catch (error) {
      log.error('what stakeholders were told cannot be read', { incident: incident.id, error: String(error) });
    }
  });
  return [...new Set(all.map(({ id }) => id))].flatMap((id) => due.get(id) ?? []);
}

async function justResolved({ incidents, clock }: DueDeps): Promise<IncidentRecord[]> {
  const since = plusSeconds(clock.now(), -RESOLVED_SECONDS);
  const { items } = await incidents.list({ status: 'resolved', limit: RESOLVED_READ });
  const recent = items.filter(({ resolved_at: at }) => at !== null && at > since);
  const records = await Promise.all(recent.map(({ id }) => incidents.read(id)));
  return records.flatMap((record) => record ?? []);
}

/** Each receiver by itself, and once: one that is refused keeps nothing from the others. */
async function dueOf(
  deps: DueDeps,
  incident: IncidentRecord,
  { services, response: { stakeholders } }: Config,
): Promise<Due[]> {
  const { digests, clock, timeScale } = deps;
  const { id } = incident;
  const [told, { parts, ofParent }] = await Promise.all([digests.read(id), belongingTo(deps, incident)]);
  const asked = { services, now: clock.now(), timeScale };
  const due = stakeholders.flatMap((stakeholder) =>
    receiversOf(stakeholder)
      .map((receiver): Due => {
        const { name } = receiver;
        const heardOfParent = ofParent[name]?.heard === true;
        return { id, receiver, stakeholder, before: told[name], parts, heardOfParent };
      })
      .filter(({ before, heardOfParent }) => isDue(incident, stakeholder, before, { ...asked, parts, heardOfParent })),
  );
  return [...new Map(due.map((one) => [one.receiver.name, one])).values()];
}

/** What is part of an incident that goes on, and what was told of the one that it was a part of, where it is over. */
async function belongingTo(
  { crowds, digests }: Pick<DueDeps, 'crowds' | 'digests'>,
  { id, crowd, status, parent_id }: IncidentRecord,
): Promise<{ parts: IncidentRecord[]; ofParent: Record<string, Remembered> }> {
  const isOver = status === 'resolved';
  const parts = crowd === undefined || isOver ? [] : await crowds.parts(id);
  const ofParent = parent_id === undefined || !isOver ? {} : await digests.read(parent_id);
  return { parts: parts.map(({ incident }) => incident), ofParent };
}
