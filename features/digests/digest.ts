import { ClosedAs } from '../../schemas/incidents/incident.ts';
import * as z from 'zod';
import type { DigestSection } from '../../core/domain/ports/extensions.ts';
import { EnvironmentName, IncidentId, ServiceName, Severity } from '../../schemas/config/names.ts';
import { FreezeCause } from '../freeze/schemas/freeze.ts';
import { ActionItemId, Priority } from '../../schemas/action-items/action-item.ts';
import { SloId } from '../../schemas/slo/slo.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { ToilTask } from './toil.ts';

const window = z.object({ from: Timestamp, until: Timestamp });

/** How often Firebreak and people did a task, and how many minutes that saved and took. */
const ToilRow = z.object({
  task: ToilTask,
  /** Firebreak began and did it, without a person. */
  automatic: z.number(),
  /** A person did it, requested it, or approved it. Null: Firebreak does not see when people do it themselves. */
  by_people: z.number().nullable(),
  /** `toilMinutes` in response.yaml. Null: not configured, so no minutes are computed. */
  minutes_each: z.number().nullable(),
  saved_minutes: z.number().nullable(),
  spent_minutes: z.number().nullable(),
  /** Incidents in which Firebreak did it, newest first. */
  incidents: z.array(IncidentId),
});
export type ToilRow = z.infer<typeof ToilRow>;

/** A section with numbers that are too low if there are more records than a digest reads. */
export const CountedSection = z.enum(['incidents', 'restore', 'toil', 'noisy']);
export type CountedSection = z.infer<typeof CountedSection>;

/** The figures of the last week for a team, with the records behind them. */
export const TeamDigest = z.object({
  /** Null: all services. */
  team: z.string().nullable(),
  window,
  /** The environments that count: those of production, `environments` in delivery.yaml. */
  environments: z.array(z.string()),
  /** False: there were too many records to read all of them. */
  complete: z.boolean(),
  /** The sections whose numbers are too low, because not all of their records were read. */
  incomplete: z.array(CountedSection).default([]),
  incidents: z.object({
    opened: z.number(),
    by_severity: z.record(Severity, z.number()),
    /** Of these, not resolved. */
    open: z.number(),
    /** Closed, but nothing has shown that the service recovered. */
    unverified: z.number(),
    /** Newest first. */
    items: z.array(
      z.object({
        id: IncidentId,
        number: z.number().nullable(),
        service: ServiceName,
        environment: EnvironmentName,
        title: z.string(),
        severity: Severity,
        opened_at: Timestamp,
        /** How it was closed. Null: it is open. */
        closed_as: ClosedAs.nullable(),
        /** Null: it is open, or nothing has shown that the service recovered. */
        restore_s: z.number().nullable(),
      }),
    ),
  }),
  /** Time to restore in each of the last four weeks, oldest first. */
  restore: z.array(window.extend({ incidents: z.number(), median_s: z.number().nullable() })),
  /** Objectives, the least remaining budget first. */
  budgets: z.array(
    z.object({
      slo: SloId,
      service: ServiceName,
      environment: EnvironmentName,
      /** At the end of the window. 1: whole. 0: spent. Null: unknown. */
      remaining: z.number().nullable(),
      /** The corrections behind `remaining`, and the budget without them. Null: no correction applies. */
      corrected: z.object({ corrections: z.number(), uncorrected_remaining: z.number().nullable() }).nullable(),
      /** Share of the budget that the errors of the week are, also those of corrected periods. Null: unknown, or not a matter of counts. */
      spent: z.number().nullable(),
      /** A burn alert fires. */
      burning: z.boolean(),
    }),
  ),
  freezes: z.object({
    /** Freezes that began in the window. */
    began: z.number(),
    /** Time in the window in which at least one freeze was in force. */
    seconds: z.number(),
    /** Freezes in force at some time of the window, newest first. */
    items: z.array(
      z.object({
        id: z.string(),
        cause: FreezeCause,
        scope: z.string(),
        reason: z.string(),
        starts_at: Timestamp,
        /** Null: still in force. */
        ended_at: Timestamp.nullable(),
        /** Time in force within the window. */
        seconds: z.number(),
      }),
    ),
  }),
  /** Sections that other features add. */
  ofFeatures: z.array(z.custom<DigestSection>()),
  toil: z.object({
    tasks: z.array(ToilRow),
    /** Null: no minutes are configured. */
    saved_minutes: z.number().nullable(),
    spent_minutes: z.number().nullable(),
    /** Tasks that were done in the sandbox, which are in no other number. */
    simulated: z.number(),
  }),
  /** Alerts that fire often, on which nobody acts, of the last `days`. Those that fired most often first. */
  noisy: z.object({
    days: z.number(),
    items: z.array(
      z.object({
        name: z.string(),
        service: z.string(),
        environment: z.string(),
        times: z.number(),
        incidents: z.number(),
        pages: z.number(),
        /** Null: in no incident. */
        newest: IncidentId.nullable(),
      }),
    ),
  }),
  /** Action items past their date, the oldest date first. */
  overdue: z.array(
    z.object({
      id: ActionItemId,
      /** Null: it is from an experiment. */
      incident_id: IncidentId.nullable(),
      experiment_id: z.string().nullable(),
      service: z.string(),
      environment: z.string(),
      title: z.string(),
      owner: z.string().nullable(),
      due: z.string().nullable(),
      priority: Priority.nullable(),
    }),
  ),
});
export type TeamDigest = z.infer<typeof TeamDigest>;
