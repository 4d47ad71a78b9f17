import { reminderFor } from '../../domain/paging/reminders.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';

type ReminderDeps = Pick<Deps, 'incidents' | 'config' | 'clock' | 'log' | 'timeScale'>;

/**
 * Reminds people of open tasks in incidents whose reminder is due. An entry of the timeline, which the Slack projector
 * posts to the incident's channel.
 */
export async function remind(deps: ReminderDeps, open: readonly IncidentRecord[]): Promise<{ reminded: number }> {
  const { response, people } = await deps.config.current();
  const policy = { triage: response.triage, people: Object.keys(people.people).length, timeScale: deps.timeScale };
  let reminded = 0;
  for (const { id } of open.filter((incident) => reminderFor(incident, policy, deps.clock.now()) !== undefined)) {
    try {
      // Check again with the current state, because the task may be done by now.
      const amended = await deps.incidents.amend(id, (incident) => {
        const due = reminderFor(incident, policy, deps.clock.now());
        if (due === undefined) return undefined;
        const { kind, text, mention, to, remedies } = due;
        return {
          handling: { reminded: due.reminded },
          timeline: {
            actor: 'firebreak',
            kind: `reminder.${kind}`,
            text,
            detail: { mention, incident: id, remedies, ...(to !== null && { to: to.name }) },
          },
        };
      });
      if (amended === 'done') reminded += 1;
    } catch (error) {
      deps.log.error('a reminder could not be added to an incident', { incident: id, error: String(error) });
    }
  }
  return { reminded };
}
