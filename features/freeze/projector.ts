import { freezesUrl } from '../../core/domain/incidents/console-link.ts';
import { annotationTag } from '../../core/domain/incidents/graph-annotations.ts';
import { idOf, type Projections } from '../../core/domain/incidents/projections.ts';
import type { Annotation, Annotations } from '../../core/domain/ports/annotations.ts';
import type { Projector } from '../../core/projectors/sync.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { annotationProjector } from '../../vendors/grafana/projector/grafana.ts';
import type { FreezePorts } from './ports.ts';
import type { Freeze } from './schemas/freeze.ts';

type Deps = Pick<FreezePorts, 'freezes'> & {
  annotations: Annotations;
  projections: Projections;
  publicUrl?: string | undefined;
};

/** Returns the projector that shows freezes as annotations in Grafana. */
export const freezeProjector = (deps: Deps): Projector =>
  annotationProjector(deps, async (subject) => {
    const freeze = await deps.freezes.get(idOf(subject));
    return freeze && freezeAnnotation(freeze, freezesUrl(deps.publicUrl));
  });

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
