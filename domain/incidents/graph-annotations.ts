import type { Change } from '../../schemas/changes/change.ts';
import type { Freeze } from '../../schemas/freeze/freeze.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { changeTitle } from '../correlation/words.ts';
import type { Annotation } from '../messages/channels.ts';
import { serviceEnvironmentText } from '../messages/story.ts';

/** Annotations on graphs: regions and points, each identified by a tag. */

/** Returns the tag that identifies an annotation. */
export const annotationTag = (subject: string): string => `firebreak:${subject}`;

/** @param url of the incident's page in the console; absent: not known */
export function incidentAnnotation(incident: IncidentRecord, url?: string): Annotation {
  const { id, service, environment, severity, opened_at, resolved_at, suspects, title } = incident;
  const suspect = suspects[0]?.version;
  return {
    from: opened_at,
    until: resolved_at,
    tags: ['incident', annotationTag(id), service, environment, severity, ...(suspect === undefined ? [] : [suspect])],
    text: `Incident: ${serviceEnvironmentText(incident)}: ${title}`,
    ...(url !== undefined && { url }),
  };
}

export function changeAnnotation(change: Change): Annotation {
  const { id, kind, service, environment, version, status, started_at, finished_at, previous_version, author } = change;
  // Hotfixes get the tag that people search for; the text names the kind.
  const tag = kind === 'hotfix' ? 'deploy' : kind;
  return {
    from: started_at,
    until: finished_at !== null && finished_at > started_at ? finished_at : null,
    tags: [tag, annotationTag(id), service, environment, version],
    text: [
      `${changeTitle(kind)}: ${service} ${environment} ${version}`,
      previous_version === null ? '' : ` (was ${previous_version})`,
      status === 'succeeded' ? '' : ` ${status}`,
      author === null ? '' : ` by ${author}`,
    ].join(''),
  };
}

/**
 * Returns the annotation of a freeze: a region from its start to its end, or to its planned end while it is in force.
 *
 * @param url of the freezes in the console; absent: not known
 */
export function freezeAnnotation(freeze: Freeze, url?: string): Annotation {
  const { id, cause, service, environment, team, reason, starts_at, until, ended_at, ended_by } = freeze;
  const covered = [service ?? (team === null ? 'all services' : `team ${team}`), environment ?? 'all environments'];
  const end = earlier(ended_at, until);
  const isWithdrawn = ended_at !== null && ended_at <= starts_at;
  return {
    from: starts_at,
    until: end !== null && end > starts_at ? end : null,
    tags: ['freeze', annotationTag(id), ...[service, environment, team].filter((part) => part !== null), cause],
    text: [
      `${isWithdrawn ? 'Freeze withdrawn before its start' : 'Freeze'}: ${covered.join(' ')}: ${reason}`,
      ended_by === null ? '' : ` (ended by ${ended_by})`,
    ].join(''),
    ...(url !== undefined && { url }),
  };
}

const earlier = (time: Timestamp | null, otherTime: Timestamp | null): Timestamp | null =>
  time === null || (otherTime !== null && otherTime < time) ? otherTime : time;
