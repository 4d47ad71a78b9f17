import { reportKind } from '../../core/domain/ports/reports.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { DeliveryScope } from './actions/report.ts';
import type { FigureRecords } from './decisions/figure-records.ts';
import type { Day, Week } from './decisions/trend.ts';
import type { DoraDeploy, DoraFigure, DoraFigures, DoraIncident } from './dora.ts';

/** Selects what a report covers. `seconds`: length of the window, which ends now. */
export type ReportInput = { seconds: number; scope: DeliveryScope };

type Newest<T> = { total: number; items: T[] };

/** The figures, with the newest records of each kind. */
export type FiguresReport = {
  figures: DoraFigures;
  window: { from: Timestamp; until: Timestamp };
  environments: string[];
  complete: boolean;
  deployments: Newest<DoraDeploy>;
  incidents: Newest<DoraIncident>;
};

/** A page of the records behind a figure. `next`: position of its last one. Null: none follows. */
export type RecordsReport = { records: FigureRecords; next: string | null };

/** Days in the plot of deploys and incidents. */
export const DAYS_SHOWN = 28;

/** What the page of the console shows. */
export type PageReport = {
  figures: DoraFigures;
  /** Those with the most deploys; `serviceCount`: of all. */
  byService: { service: string; figures: DoraFigures }[];
  serviceCount: number;
  days: Day[];
  /** When the rollbacks and the incidents of these days were. */
  events: { rollbacks: Timestamp[]; incidents: Timestamp[] };
  weeks: Week[];
  records: FigureRecords;
  /** Number of records of the figure; `records` are the first of them. */
  total: number;
  complete: boolean;
  /** Deploys that can be named as the cause of an incident, by its ID. */
  offeredDeploys: Map<string, DoraDeploy[]>;
};

export const FIGURES = reportKind<ReportInput, FiguresReport>('delivery.figures');

/** A page after a position, newest first. */
export const RECORDS = reportKind<
  ReportInput & { figure: DoraFigure; limit: number; before: string | null },
  RecordsReport
>('delivery.records');

/** All records of a figure as CSV. */
export const RECORDS_CSV = reportKind<ReportInput & { figure: DoraFigure }, string>('delivery.records-csv');

export const PAGE = reportKind<ReportInput & { figure: DoraFigure; days: number }, PageReport>('delivery.page');
