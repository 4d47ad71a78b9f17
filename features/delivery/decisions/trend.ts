import { plusSeconds, type Timestamp, timestamp, millisOf } from '../../../schemas/time/time.ts';
import type { DeliveryConfig } from '../config.ts';
import type { DoraDeploy, DoraFigures, DoraIncident } from '../dora.ts';
import { ENOUGH_RECORDS, figuresOf } from './figures.ts';

const DAY_SECONDS = 24 * 3600;
const WEEK_DAYS = 7;

type Records = { deploys: readonly DoraDeploy[]; incidents: readonly DoraIncident[] };

/** The figures of seven days. Null: too few records, so that one more would change the figure. */
export type Week = {
  until: Timestamp;
  figures: DoraFigures;
  lead_s: number | null;
  fail_rate: number | null;
  recovery_s: number | null;
};

/** Computes the figures of each of the last weeks, oldest first. The newest ends at `until`. */
export const weeksOf = (
  { deploys, incidents }: Records,
  { until, count }: { until: Timestamp; count: number },
  config: DeliveryConfig,
): Week[] =>
  Array.from({ length: count }, (_, n) => {
    const end = plusSeconds(until, -(count - 1 - n) * WEEK_DAYS * DAY_SECONDS);
    const start = plusSeconds(end, -WEEK_DAYS * DAY_SECONDS);
    const isIn = (at: Timestamp): boolean => at > start && at <= end;
    const figures = figuresOf(
      deploys.filter(({ started_at: at }) => isIn(at)),
      incidents.filter(({ opened_at: at }) => isIn(at)),
      WEEK_DAYS,
      config,
    );
    const { lead_time: lead, change_failure_rate: failed, failed_deployment_recovery: recovery } = figures;
    const ifEnough = (value: number | null, records: number): number | null =>
      records < ENOUGH_RECORDS ? null : value;
    return {
      until: end,
      figures,
      lead_s: ifEnough(lead.median_s, lead.commits),
      fail_rate: ifEnough(failed.value, failed.deploys),
      recovery_s: ifEnough(recovery.median_s, recovery.recovered),
    };
  });

/** What happened on a day (UTC). `until`: its end, also of the current day. */
export type Day = { until: Timestamp; deploys: number; failed: number; rollbacks: number; incidents: number };

/** Counts deploys, rollbacks, and incidents of the last days, oldest first. The newest is the day of `now`. */
export function daysOf({ deploys, incidents }: Records, { now, count }: { now: Timestamp; count: number }): Day[] {
  const dayOf = (at: Timestamp): number => Math.floor(millisOf(at) / (DAY_SECONDS * 1000));
  const deploysOn = Map.groupBy(deploys, ({ started_at: at }) => dayOf(at));
  const incidentsOn = Map.groupBy(incidents, ({ opened_at: at }) => dayOf(at));
  return Array.from({ length: count }, (_, n) => {
    const day = dayOf(now) - (count - 1 - n);
    const onDay = deploysOn.get(day) ?? [];
    const brought = onDay.filter(({ kind }) => kind !== 'rollback');
    return {
      until: timestamp((day + 1) * DAY_SECONDS * 1000),
      deploys: brought.filter(({ status }) => status === 'succeeded').length,
      failed: brought.filter(({ failures }) => failures.length > 0).length,
      rollbacks: onDay.filter(isRollback).length,
      incidents: incidentsOn.get(day)?.length ?? 0,
    };
  });
}

/** Returns whether a record is a rollback that succeeded. */
export const isRollback = ({ kind, status }: DoraDeploy): boolean => kind === 'rollback' && status === 'succeeded';
