import type { FakeWorld } from '../../support/fake-deps.ts';
import { ends, fires, type Moment, play, theIncident } from '../play.ts';
import { follows, names } from './runbooks.ts';

/** Returns the timeline entries of these kinds, by default those of the runbook and its actions. */
export const told = (world: FakeWorld, kind: RegExp = /^(runbook|flag|http|scale|restart)\./): string[] =>
  world.store
    .dossier(theIncident(world))
    .timeline.filter((entry) => kind.test(entry.kind))
    .map((entry) => `${entry.kind}: ${entry.text}`);

/** Prevents incidents from closing automatically during a story. */
const LIVELY = { autoResolveHours: 14 * 24 };

/** Plays a story with one runbook, whose alert ends after the given time. */
export const story = (head: string, given: Moment[], timeline: Record<string, Moment> = {}, after = '3 h') =>
  play({
    given: [follows({ one: head }, {}, LIVELY), ...given],
    timeline: { '0 s': fires(names('one')), ...timeline, [after]: ends(names('one')) },
  });

/** Returns the steps of a runbook as YAML. */
export const step = (more: string): string => `steps:\n${more}`;
