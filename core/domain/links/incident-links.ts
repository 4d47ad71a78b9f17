import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { UNMATCHED } from '../../../schemas/config/names.ts';
import { millisOf, plusSeconds, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
import { type Link, linksOf, type Story } from '../messages/story.ts';
import { linkUrl, type LinkValues } from './link-url.ts';

/** What links lead to: a service and environment with its alerts, and a time range. */
type LinkSubject = Pick<LinkValues, 'from' | 'to'> & {
  service: string;
  environment: string;
  severity: string;
  /** Null: alerts without an incident. */
  incident: string | null;
  signals: readonly Signal[];
};

/** Seconds before the onset and after the end. */
const BEFORE_SECONDS = 15 * 60;
const AFTER_SECONDS = 5 * 60;

/** Limit of the seconds before the incident: some alerts claim to have started long ago. */
const BEFORE_INCIDENT_MAX_SECONDS = 6 * 3600;

/** While an incident is open, its links end at the next full quarter of an hour, so that they rarely change. */
const STEP_SECONDS = 15 * 60;

type LinkConfig = Pick<Config, 'links' | 'services'>;

/**
 * Returns links for further investigation: those of the alerts, then those of the templates for the service, then those
 * of the templates for all services; the first of each title. A parent incident, and one of which no service is named, has only
 * those of its alerts.
 *
 * @param onset when the problem began at the earliest, if it was measured
 */
export function incidentLinks(
  { incident, signals }: Pick<Story, 'incident' | 'signals'>,
  config: LinkConfig,
  now: Timestamp,
  onset: Timestamp | null = null,
): Link[] {
  if (incident.group_reason !== undefined || isNameless(incident)) return linksOf(signals);
  const { id, service, unmatched, environment, severity, opened_at, resolved_at } = incident;
  const starts = [opened_at, ...signals.map(({ startsAt }) => startsAt), ...(onset === null ? [] : [onset])];
  return withTemplates(
    {
      service: unmatched || service,
      environment,
      severity,
      incident: id,
      signals,
      from: rangeStart(starts, opened_at),
      to: rangeEnd(resolved_at, now),
    },
    config,
  );
}

/** Returns whether neither the catalogue nor an alert names the service, so that a query would search for `unmatched`. */
const isNameless = ({ service, unmatched }: { service: string; unmatched: string | null }): boolean =>
  service === UNMATCHED && !unmatched;

/** Returns links for alerts without an incident. @param endedAt null: some of them fire */
export function alertLinks(
  { service, environment }: { service: string; environment: string },
  signals: readonly Signal[],
  { firstAt, endedAt, now }: { firstAt: Timestamp; endedAt: Timestamp | null; now: Timestamp },
  config: LinkConfig,
): Link[] {
  const [first] = signals;
  if (first === undefined) return [];
  if (isNameless({ service, unmatched: first.unmatched })) return linksOf(signals);
  return withTemplates(
    {
      service: first.unmatched || service,
      environment,
      severity: first.severity,
      incident: null,
      signals,
      from: rangeStart([firstAt, ...signals.map(({ startsAt }) => startsAt)], firstAt),
      to: rangeEnd(endedAt, now),
    },
    config,
  );
}

/** @param recordedAt when Firebreak recorded the incident or the first alert, by its own clock */
const rangeStart = (starts: readonly Timestamp[], recordedAt: Timestamp): Timestamp => {
  const [first = recordedAt] = starts.toSorted();
  const limit = plusSeconds(recordedAt, -BEFORE_INCIDENT_MAX_SECONDS);
  return plusSeconds(first < limit ? limit : first, -BEFORE_SECONDS);
};

const rangeEnd = (endedAt: Timestamp | null, now: Timestamp): Timestamp =>
  endedAt === null
    ? timestamp(Math.ceil(millisOf(now) / (STEP_SECONDS * 1000)) * STEP_SECONDS * 1000)
    : plusSeconds(endedAt, AFTER_SECONDS);

function withTemplates(subject: LinkSubject, config: LinkConfig): Link[] {
  const { service, environment, signals, from, to } = subject;
  const entry = serviceEntry(config.services, service);
  const values: LinkValues = { from, to, of: (name) => valueOf(name, subject, entry?.team) };
  const fromTemplates = [...(entry?.links ?? []), ...config.links.links]
    .filter(({ environments }) => environments?.some((name) => name === environment) ?? true)
    .flatMap((template) => {
      const url = linkUrl(template, values);
      return url === null ? [] : [{ title: template.title, url }];
    });
  return firstOfEachTitle([...linksOf(signals), ...fromTemplates]);
}

function valueOf(name: string, subject: LinkSubject, team: string | undefined): string | undefined {
  switch (name) {
    case 'service':
      return subject.service;
    case 'environment':
      return subject.environment;
    case 'team':
      return team;
    case 'severity':
      return subject.severity;
    case 'incident':
      return subject.incident ?? undefined;
    default: {
      const label = /^labels\.(.+)$/s.exec(name)?.[1];
      return subject.signals
        .flatMap(({ labels }) => labels.filter(([labelName]) => labelName === label))
        .map(([, value]) => value)
        .find((value) => value !== '');
    }
  }
}

const firstOfEachTitle = (links: readonly Link[]): Link[] =>
  Map.groupBy(links, ({ title }) => title.toLowerCase())
    .values()
    .flatMap(([first]) => (first === undefined ? [] : [first]))
    .toArray();
