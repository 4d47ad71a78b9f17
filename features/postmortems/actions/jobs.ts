import { objectivesFor } from '../../../core/domain/catalogue/catalogue.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { alertName, type DraftDeps, draftPostmortem } from './postmortem.ts';
import { openItemText, isReminderDue, reminderText } from '../decisions/reminders.ts';
import { loaded, readBudgets } from '../../../core/domain/ports/extensions.ts';
import type { Deps } from '../ports.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { needOf } from '../decisions/need.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

export type PostmortemJobDeps = DraftDeps & Pick<Deps, 'timeScale'>;

/** How long a draft waits for the evaluation that counts the last minutes of the incident. */
const COUNTS_WITHIN_SECONDS = 5 * 60;

/**
 * Drafts the post-mortems of resolved incidents that need one. The mark of an incident is written with its resolution and
 * removed after the draft, so that a draft is made exactly once, even if a process ends in between.
 */
export async function draftDuePostmortems(deps: PostmortemJobDeps): Promise<{ drafted: number }> {
  let drafted = 0;
  for (const { id, since } of await deps.postmortems.due()) {
    try {
      if (await isTooEarly(deps, id, since)) continue;
      const incident = await deps.incidents.read(id);
      const { postmortems } = await deps.config.current();
      const isRequired = incident !== undefined && needOf(postmortems, incident) === 'required';
      // What was drafted for an earlier end must tell this one, also if the incident is a part of a group now.
      const isDrafted = isRequired || (await deps.postmortems.read(id)) !== undefined;
      if (isDrafted && !(await draftPostmortem(deps, id))) continue;
      await deps.postmortems.settle(id);
      if (isDrafted) drafted += 1;
    } catch (error) {
      deps.log.error('a post-mortem could not be drafted', { incident: id, error: String(error) });
    }
  }
  return { drafted };
}

/** Returns whether the service has objectives that are not evaluated up to the end of the incident yet. */
async function isTooEarly(
  { incidents, config, clock, extensions }: PostmortemJobDeps,
  id: IncidentId,
  since: Timestamp,
): Promise<boolean> {
  if (plusSeconds(since, COUNTS_WITHIN_SECONDS) <= clock.now()) return false;
  const incident = await incidents.read(id);
  if (incident === undefined || objectivesFor(await config.current(), incident).length === 0) return false;
  const { evaluatedAt } = await readBudgets(await loaded(extensions.errorBudgets), []);
  return (evaluatedAt ?? '') < since;
}

/** Reminds people of post-mortems that are not published, on the timelines of their incidents. */
export async function remindOfPostmortems(deps: PostmortemJobDeps): Promise<{ reminded: number }> {
  const { reminders } = (await deps.config.current()).postmortems;
  let reminded = 0;
  if (reminders.times === 0) return { reminded };
  for (const record of await deps.postmortems.unpublished()) {
    const now = deps.clock.now();
    if (!isReminderDue(record, reminders, now, deps.timeScale)) continue;
    const { incident_id: id, revision } = record;
    const times = (record.reminded?.times ?? 0) + 1;
    try {
      // The entry comes first: its key makes a repetition harmless, and a lost reminder would be missed.
      await deps.incidents.note(id, `postmortem-reminder-${revision}-${times}`, {
        at: now,
        actor: 'firebreak',
        kind: 'postmortem.reminder',
        text: reminderText(record, now),
        detail: { revision, times },
      });
      if (await deps.postmortems.remind(record, { times, at: now })) reminded += 1;
    } catch (error) {
      deps.log.error('a reminder of a post-mortem could not be added', { incident: id, error: String(error) });
    }
  }
  return { reminded };
}

/** How long after its opening an incident is compared with action items. The sweeper looks each minute. */
const COMPARED_SECONDS = 5 * 60;

/** Notes on a new incident that the same alert opened one before, and that its action items are still open. */
export async function recallActionItems(
  deps: Pick<Deps, 'incidents' | 'postmortems' | 'clock' | 'log'>,
  open: readonly IncidentRecord[],
): Promise<{ recalled: number }> {
  let recalled = 0;
  const since = plusSeconds(deps.clock.now(), -COMPARED_SECONDS);
  for (const incident of open.filter(({ opened_at }) => opened_at >= since)) {
    try {
      const items = await deps.postmortems.openItemsOf(incident.service);
      if (items.length === 0) continue;
      const { items: signals } = await deps.incidents.signals(incident.id, { limit: 50 });
      const same = items.filter(
        ({ alert, environment, incident_id }) =>
          alert === alertName({ incident, signals }) &&
          environment === incident.environment &&
          incident_id !== null &&
          incident_id !== incident.id,
      );
      const [newest] = same.toSorted((a, b) => ((a.incident_id ?? '') < (b.incident_id ?? '') ? 1 : -1));
      const before = newest?.incident_id == null ? undefined : await deps.incidents.read(newest.incident_id);
      if (newest === undefined || before === undefined) continue;
      await deps.incidents.note(incident.id, 'action-items-open', {
        at: deps.clock.now(),
        actor: 'firebreak',
        kind: 'action_item.still_open',
        text: openItemText(newest, same.length, incidentName(before)),
        detail: { incident: newest.incident_id, items: same.map(({ id }) => id) },
      });
      recalled += 1;
    } catch (error) {
      deps.log.error('action items could not be compared with an incident', {
        incident: incident.id,
        error: String(error),
      });
    }
  }
  return { recalled };
}
