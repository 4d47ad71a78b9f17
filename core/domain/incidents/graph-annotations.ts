import type { Change } from '../../../schemas/changes/change.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { linkedParts, withSlackLinks } from '../changes/text-links.ts';
import { changeTitle } from '../correlation/words.ts';
import type { Annotation } from '../ports/annotations.ts';
import { placedTitle } from '../messages/place-names.ts';
import { causeOf } from './cause.ts';

/** Annotations on graphs: regions and points, each identified by a tag. */

/** Returns the tag that identifies an annotation. */
export const annotationTag = (subject: string): string => `firebreak:${subject}`;

/** @param url of the incident's page in the console; absent: not known */
export function incidentAnnotation(incident: IncidentRecord, url?: string): Annotation {
  const { id, service, environment, severity, opened_at, resolved_at } = incident;
  const cause = causeOf(incident);
  return {
    from: opened_at,
    until: resolved_at,
    tags: [
      'incident',
      annotationTag(id),
      service,
      environment,
      severity,
      ...(cause.kind === 'change' ? [cause.suspect.version] : []),
    ],
    text: `Incident: ${placedTitle(incident)}`,
    ...(url !== undefined && { url }),
  };
}

/** @param url of the service's page in the console; absent: not known */
export function changeAnnotation(change: Change, url?: string): Annotation {
  const { id, kind, service, environment, version, status, started_at, finished_at, previous_version } = change;
  const { author, commit, note, tags = [] } = change;
  // Hotfixes get the tag that people search for; the text names the kind.
  const tag = kind === 'hotfix' ? 'deploy' : kind;
  return {
    from: started_at,
    until: finished_at !== null && finished_at > started_at ? finished_at : null,
    // Panels search for the tags that a pipeline has sent.
    tags: [...new Set([tag, annotationTag(id), service, environment, version, ...tags])],
    text: [
      `${changeTitle(kind)}: ${service} ${environment} ${version}`,
      previous_version === null ? '' : ` (was ${previous_version})`,
      status === 'succeeded' ? '' : ` ${status}`,
      author === null ? '' : ` by ${author}`,
      commit === null ? '' : `, commit ${commit}`,
    ].join(''),
    ...(note !== undefined && { note: linkedParts(withSlackLinks(note)) }),
    ...(change.url !== null && { sourceUrl: change.url }),
    ...(url !== undefined && { url }),
  };
}
