import type { MaintenanceWindow } from '../schemas/maintenance.ts';
import type { Matcher } from '../schemas/matcher-syntax.ts';
import type { Timestamp } from '../schemas/time.ts';
import { spansAt } from './time-spans.ts';

/** A window of maintenance as it stands open: `from` is in it, `until` is not. */
export type OpenWindow = {
  name: string;
  matchers: readonly Matcher[];
  from: Timestamp;
  until: Timestamp;
  reason: string | null;
  by: string | null;
};

/** The windows that are open at this instant. One that recurs before it has ended is there more than once. */
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
