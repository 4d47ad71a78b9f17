import { PROJECTION_TARGET_NAMES } from '../../schemas/incidents/projection.ts';

/** An accepted finding with its reason. `id` is the resource. An unused exception fails the check. */
export type Exception = { rule: string; id: string; reason: string };

const WAKES_ONLY =
  'Its messages have no content: a lease in the table prevents concurrent syncs of a target, so a message that becomes ' +
  'visible early costs one read.';

export const EXCEPTIONS: readonly Exception[] = [
  // In a small stage, all targets share one queue.
  ...[...PROJECTION_TARGET_NAMES, 'projections'].map((name) => ({
    rule: 'visibility>=6x',
    id: name.replace(/^./, (first) => first.toUpperCase()),
    reason: WAKES_ONLY,
  })),
  {
    rule: 'recursion',
    id: 'Inbound',
    reason:
      'A declared incident sends one message to its own queue, to look up who is on call. That message sends no further one, ' +
      'so a chain has two calls.',
  },
  {
    rule: 'recursion',
    id: 'Route',
    reason:
      'A watch of a deploy sends a few signals, and ends. A rollback that they cause is not watched, so a chain calls the ' +
      'router a few times.',
  },
];
