import type { Deps } from '../../domain/ports/deps.ts';
import type { Overview } from '../../domain/messages/story.ts';
import type { Caller } from '../people/caller.ts';

/**
 * Records that a person has opened a page that shows the waiting questions of an incident, so that no further page is sent for
 * them. An error is only logged: the page matters more.
 */
export async function recordSeen(
  { incidents, clock, log }: Pick<Deps, 'incidents' | 'clock' | 'log'>,
  { name: by }: Caller,
  { incident, decisions }: Pick<Overview, 'incident' | 'decisions'>,
): Promise<void> {
  const newest = decisions.findLast(({ state }) => state === 'waiting');
  if (newest === undefined) return;
  try {
    await incidents.amend(incident.id, ({ handling }) =>
      handling?.seen !== undefined && handling.seen.at >= newest.at
        ? undefined
        : { handling: { seen: { by, at: clock.now() } } },
    );
  } catch (error) {
    log.warn('cannot record that a question was seen', { incident: incident.id, error: String(error) });
  }
}
