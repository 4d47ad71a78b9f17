import type { Named } from '../../core/domain/incidents/incident-number.ts';
import type { Page } from '../../core/domain/ports/common.ts';
import { reportKind } from '../../core/domain/ports/reports.ts';
import type { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { RecentDecision } from './actions/refusals.ts';
import type { Freeze, FreezeView } from './schemas/freeze.ts';

/** Absent fields: all. */
export type ListQuery = {
  limit: number;
  cursor?: string | undefined;
  service?: ServiceName | undefined;
  environment?: EnvironmentName | undefined;
  state?: FreezeView['state'] | undefined;
};

/** A freeze with a known start, for the list by day. */
export type Planned = {
  /** Null: until it is lifted. */
  until: Timestamp | null;
  from: Timestamp;
  scope: string;
  reason: string;
  /** Null: a person declared it. */
  calendar: string | null;
};

/** What the page shows that a viewer may see. */
export type ShownFreezes = {
  at: Timestamp;
  active: readonly Freeze[];
  /** Those that brought the freezes in force. */
  incidents: readonly Named[];
  /** Those of a person that have not started yet. */
  scheduled: readonly Freeze[];
  /** Freezes of the next days, by day: `2026-11-20`. Days without a change are left out. */
  days: readonly { day: string; freezes: readonly Planned[] }[];
  /** Refused deployments, newest first. */
  refused: readonly RecentDecision[];
  /** Ended freezes, newest first. `older`: where the next page starts. */
  ended: { items: readonly Freeze[]; from: string | null; older: string | null };
  /** Versions that the form of an override offers: refused ones, then recorded ones, newest first. */
  versions: readonly { service: string; environment: string; version: string }[];
  /** Names that the form of a new freeze offers, in which the viewer may freeze. */
  scopes: { services: readonly string[]; teams: readonly string[]; environments: readonly string[] };
};

/** A page of the freezes that a reader may see, newest first. */
export const FREEZES = reportKind<ListQuery, Page<FreezeView>>('freeze.list', 'live');

/** What the page of freezes in the console shows. `from`: where its page of ended ones starts. */
export const FREEZES_PAGE = reportKind<{ from: string | null }, ShownFreezes>('freeze.page', 'live');

/** The freezes that a reader may see and that are scheduled or in force. */
export const CURRENT_FREEZES = reportKind<null, Freeze[]>('freeze.current', 'live');

/** The freeze with this ID that the calendar or an open incident requires. Null: they require none. */
export const REQUIRED_FREEZE = reportKind<{ id: string }, Freeze | null>('freeze.required', 'live');
