import type { Change } from '../schemas/change.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import type { Annotation } from './outlets.ts';
import { placeOf } from './story.ts';

/** What is marked on graphs: regions and points, each found again by a tag of its own. */

/** By which a mark is known. */
export const markTag = (subject: string): string => `firebreak:${subject}`;

export function incidentMark(incident: IncidentRecord): Annotation {
  const { id, service, environment, severity, opened_at, resolved_at, suspects, title } = incident;
  const suspect = suspects[0]?.version;
  return {
    from: opened_at,
    until: resolved_at,
    tags: ['incident', markTag(id), service, environment, severity, ...(suspect === undefined ? [] : [suspect])],
    text: `Incident: ${placeOf(incident)}: ${title}`,
  };
}

const WORDS: Partial<Record<Change['kind'], string>> = { deploy: 'Deploy', rollback: 'Rollback', hotfix: 'Hotfix' };

export function changeMark(change: Change): Annotation {
  const { id, kind, service, environment, version, status, started_at, finished_at, previous_version, author } = change;
  // People look for deploys; a hotfix is one, and says so in its text.
  const tag = kind === 'hotfix' ? 'deploy' : kind;
  return {
    from: started_at,
    until: finished_at !== null && finished_at > started_at ? finished_at : null,
    tags: [tag, markTag(id), service, environment, version],
    text: [
      `${WORDS[kind] ?? kind}: ${service} ${environment} ${version}`,
      previous_version === null ? '' : ` (was ${previous_version})`,
      status === 'succeeded' ? '' : ` ${status}`,
      author === null ? '' : ` by ${author}`,
    ].join(''),
  };
}
