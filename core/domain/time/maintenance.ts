import type { MaintenanceWindow } from '../../../schemas/time/maintenance.ts';
import type { Matcher } from '../../../schemas/alerts/matcher-syntax.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { spansAt } from './time-spans.ts';

/** An open maintenance window: `from` is inclusive, `until` exclusive. */
export type OpenWindow = {
  name: string;
  matchers: readonly Matcher[];
  from: Timestamp;
  until: Timestamp;
  reason: string | null;
  by: string | null;
};

/**
 * Returns the windows that are open at this instant. A window that recurs before it ends is included more than once.
 */
export const windowsAt = (windows: readonly MaintenanceWindow[], at: Timestamp): OpenWindow[] =>
  windows.flatMap((window) =>
    spansAt(window, at).map((span) => ({
      name: window.name,
      matchers: window.matchers,
      ...span,
      reason: window.reason ?? null,
      by: window.by ?? null,
    })),
  );
