import type { IncidentDetails } from '../../../schemas/incidents/incident-details.ts';
import { incidentName } from '../incidents/incident-number.ts';
import { laterStart } from '../incidents/new-onset.ts';
import { statusWords } from '../incidents/status-words.ts';
import { linesOf } from './decision-lines.ts';
import { answerable, decidingFor } from './incident-buttons.ts';
import { incidentLines } from './incident-lines.ts';
import type { Overview } from './story.ts';

type Details = 'next_step' | 'problem_since' | 'answer_in' | 'part_of' | 'grouped_because' | 'members';

/** Returns what the API adds to one incident: the sentences of its page in the console, and its group. */
export function incidentDetails(story: Overview): Pick<IncidentDetails, Details> {
  const { incident, parent, children, group } = story;
  const asking = decidingFor(story);
  const isAskedElsewhere = asking.incident.id !== incident.id && answerable(asking).length > 0;
  return {
    next_step: linesOf(incidentLines(story)),
    problem_since: laterStart(incident) ?? null,
    answer_in: isAskedElsewhere ? incidentName(asking.incident) : null,
    part_of: parent === null ? null : incidentName(parent),
    grouped_because: incident.group_reason === undefined ? null : (group?.words ?? incident.group_reason.text),
    members: children.map((child) => {
      const { id, number = null, service, environment, title, severity, status } = child;
      return {
        id,
        number,
        service,
        environment,
        title,
        severity,
        status,
        status_text: statusWords(child),
        asks: child.asks === true,
      };
    }),
  };
}
