import { isDue } from '../decisions/digest.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { StoredNotification, Digests } from '../../../core/domain/ports/messages.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Stakeholder } from '../stakeholder.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { pooled } from '../../../core/domain/concurrency.ts';
import { type Receiver, receiversOf } from '../../../core/jobs/digest/receivers.ts';

/**
 * How long after the resolution stakeholders are still notified of it. Covers a mail server that is down overnight.
 */
const RESOLVED_SECONDS = 24 * 3600;
const RESOLVED_MAX = 50;

const READ_AT_ONCE = 8;

/** A notification that may be due. `before`: the last notification to the receiver. */
export type Due = {
  id: IncidentRecord['id'];
  receiver: Receiver;
  stakeholder: Stakeholder;
  before: StoredNotification | undefined;
  /** The incident's children, and whether the receiver was notified of its parent. */
  childIncidents: readonly IncidentRecord[];
  notifiedOfParent: boolean;
};

type DueDeps = Pick<Deps, 'incidents' | 'incidentGroups' | 'clock' | 'timeScale' | 'log'> & { digests: Digests };

/** Returns the notifications that are due, open incidents first. Skips incidents that cannot be read. */
export async function dueNotifications(deps: DueDeps, config: Config): Promise<Due[]> {
  const { incidents, log } = deps;
  const [open, resolved] = await Promise.all([incidents.open(), justResolved(deps)]);
  const all = [...open, ...resolved];
  const due = new Map<string, Due[]>();
  await pooled(all, READ_AT_ONCE, async (incident) => {
    try {
      due.set(incident.id, await dueOfIncident(deps, incident, config));
    } catch (error) {
      log.error('the notifications of stakeholders could not be read', { incident: incident.id, error: String(error) });
    }
  });
  return [...new Set(all.map(({ id }) => id))].flatMap((id) => due.get(id) ?? []);
}

async function justResolved({ incidents, clock }: DueDeps): Promise<IncidentRecord[]> {
  const since = plusSeconds(clock.now(), -RESOLVED_SECONDS);
  const { items } = await incidents.list({ status: 'resolved', limit: RESOLVED_MAX });
  const recent = items.filter(({ resolved_at: at }) => at !== null && at > since);
  const records = await Promise.all(recent.map(({ id }) => incidents.read(id)));
  return records.flatMap((record) => record ?? []);
}

/** Returns the due notifications of an incident, one per receiver, so that a refusal affects only one receiver. */
async function dueOfIncident(
  deps: DueDeps,
  incident: IncidentRecord,
  { services, response: { stakeholders } }: Config,
): Promise<Due[]> {
  const { digests, clock, timeScale } = deps;
  const { id } = incident;
  const [notified, { children, parentNotifications }] = await Promise.all([digests.read(id), groupOf(deps, incident)]);
  const dueContext = { services, now: clock.now(), timeScale };
  const due = stakeholders.flatMap((stakeholder) =>
    receiversOf(stakeholder)
      .map((receiver): Due => {
        const { name } = receiver;
        const notifiedOfParent = parentNotifications[name]?.notified === true;
        return { id, receiver, stakeholder, before: notified[name], childIncidents: children, notifiedOfParent };
      })
      .filter(({ before, notifiedOfParent }) =>
        isDue(incident, stakeholder, before, { ...dueContext, children, notifiedOfParent }),
      ),
  );
  return [...new Map(due.map((notification) => [notification.receiver.name, notification])).values()];
}

/** Returns the children of an open incident, and the notifications about the parent of a resolved one. */
async function groupOf(
  { incidentGroups, digests }: Pick<DueDeps, 'incidentGroups' | 'digests'>,
  { id, group_reason, status, parent_id }: IncidentRecord,
): Promise<{ children: IncidentRecord[]; parentNotifications: Record<string, StoredNotification> }> {
  const isOver = status === 'resolved';
  const children = group_reason === undefined || isOver ? [] : await incidentGroups.children(id);
  const parentNotifications = parent_id === undefined || !isOver ? {} : await digests.read(parent_id);
  return { children: children.map(({ incident }) => incident), parentNotifications };
}
