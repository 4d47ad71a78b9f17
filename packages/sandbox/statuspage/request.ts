import { type ComponentStatus, PublicStatus } from './states.ts';
import { type Fields, isFields } from './body.ts';

/**
 * Maximum characters of the text of an update.
 *
 * @see https://developer.statuspage.io/ (Incidents, "Create an incident", `body`; read 2026-11)
 */
const UPDATE_BODY_MAX_CHARS = 25_000;

const IMPACTS = ['none', 'maintenance', 'minor', 'major', 'critical'] as const;
export type Impact = (typeof IMPACTS)[number];

/** In the order of error messages. */
const COMPONENT_STATUSES: readonly ComponentStatus[] = [
  'operational',
  'under_maintenance',
  'degraded_performance',
  'partial_outage',
  'major_outage',
];

/** Changes of a component. Undefined fields stay unchanged. */
export type ComponentChange = {
  name: string | undefined;
  description: string | undefined;
  status: ComponentStatus | undefined;
};

/** Statuses of a scheduled maintenance, which the API manages as an incident. */
const MAINTENANCE_STATUSES = ['scheduled', 'in_progress', 'verifying', 'completed'] as const;

/** Statuses of an incident or of a maintenance. */
const INCIDENT_STATUSES = [...PublicStatus.options, ...MAINTENANCE_STATUSES] as const;
export type IncidentStatus = (typeof INCIDENT_STATUSES)[number];

export const isMaintenance = (status: IncidentStatus): boolean =>
  (MAINTENANCE_STATUSES as readonly IncidentStatus[]).includes(status);

/** Settings by which Statuspage changes a maintenance by itself. The stand-in keeps them, and changes nothing by itself. */
export const AUTOMATIC = [
  'scheduled_remind_prior',
  'scheduled_auto_in_progress',
  'scheduled_auto_completed',
  'auto_transition_to_maintenance_state',
  'auto_transition_to_operational_state',
] as const;
export type Automatic = (typeof AUTOMATIC)[number];

/** Changes of an incident. Undefined fields stay unchanged. */
export type IncidentChange = {
  name: string | undefined;
  status: IncidentStatus | undefined;
  /** Milliseconds since the Unix epoch. */
  scheduledFor: number | undefined;
  scheduledUntil: number | undefined;
  automatic: Readonly<Partial<Record<Automatic, boolean>>>;
  body: string | undefined;
  /** Statuses by component ID. */
  components: Readonly<Record<string, ComponentStatus>>;
  componentIds: readonly string[] | undefined;
  metadata: Fields | undefined;
  deliverNotifications: boolean;
  impactOverride: Impact | undefined;
};

/** The value, or all errors: 400 for a value that does not exist, 422 for other errors. */
export type Reading<T> = { value: T } | { status: 400 | 422; errors: string[] };

/** @param isNew whether the component is new, and needs a name */
export function readComponent(component: Fields, isNew: boolean): Reading<ComponentChange> {
  return valueOrErrors(
    { unknown: [oneOf('Status', component.status, COMPONENT_STATUSES)], invalid: [nameError(component, isNew)] },
    {
      name: text(component.name),
      description: text(component.description),
      status: component.status as ComponentStatus | undefined,
    },
  );
}

/** @param isNew whether the incident is new, and needs a name */
export function readIncident(incident: Fields, isNew: boolean): Reading<IncidentChange> {
  const components = isFields(incident.components) ? incident.components : {};
  const unknown = [
    oneOf('Status', incident.status, INCIDENT_STATUSES),
    oneOf('Impact override', incident.impact_override, IMPACTS),
    ...Object.values(components).map((status) => oneOf('Component status', status, COMPONENT_STATUSES)),
  ];
  return valueOrErrors(
    {
      unknown,
      invalid: [
        nameError(incident, isNew),
        bodyError(incident),
        metadataError(incident),
        ...scheduleErrors(incident, isNew),
      ],
    },
    {
      name: text(incident.name),
      status: incident.status as IncidentStatus | undefined,
      scheduledFor: instant(incident.scheduled_for),
      scheduledUntil: instant(incident.scheduled_until),
      automatic: Object.fromEntries(
        AUTOMATIC.filter((name) => incident[name] !== undefined).map((name) => [
          name,
          [true, 'true', 't'].includes(incident[name] as string | boolean),
        ]),
      ),
      body: text(incident.body),
      components: components as Record<string, ComponentStatus>,
      componentIds: Array.isArray(incident.component_ids) ? incident.component_ids.map(String) : undefined,
      metadata: isFields(incident.metadata) ? incident.metadata : undefined,
      deliverNotifications: ![false, 'false'].includes(incident.deliver_notifications as string | boolean),
      impactOverride: incident.impact_override as Impact | undefined,
    },
  );
}

type ErrorText = string | undefined;

function valueOrErrors<T>(errors: { unknown: ErrorText[]; invalid: ErrorText[] }, value: T): Reading<T> {
  const unknown = errors.unknown.filter((error) => error !== undefined);
  if (unknown.length > 0) return { status: 400, errors: [...new Set(unknown)] };
  const invalid = errors.invalid.filter((error) => error !== undefined);
  return invalid.length > 0 ? { status: 422, errors: invalid } : { value };
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): ErrorText {
  if (value === undefined || (typeof value === 'string' && allowed.includes(value))) return undefined;
  return `${name} must be one of ${allowed.join(', ')}`;
}

function nameError({ name }: Fields, isNew: boolean): ErrorText {
  const blank = name === undefined ? isNew : (text(name) ?? '').trim() === '';
  return blank ? "Name can't be blank" : undefined;
}

/**
 * Checks the times of a maintenance: a new one needs both, in order. The error messages are the stand-in's own.
 */
function scheduleErrors(incident: Fields, isNew: boolean): ErrorText[] {
  const given = [incident.scheduled_for, incident.scheduled_until];
  const [from, until] = given.map(instant);
  const isPlanned = isNew && incident.status !== undefined && isMaintenance(incident.status as IncidentStatus);
  if (isPlanned && given.includes(undefined)) return ['Scheduled for and scheduled until are required'];
  if (given.some((time) => time !== undefined && instant(time) === undefined)) return ['Scheduled times are invalid'];
  return from !== undefined && until !== undefined && from >= until
    ? ['Scheduled until must be after scheduled for']
    : [];
}

/** Returns the milliseconds of an ISO 8601 time with its offset. */
function instant(value: unknown): number | undefined {
  const millis =
    typeof value === 'string' && /^[^T]*T.*(?:Z|[+-]\d\d:?\d\d)$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(millis) ? undefined : millis;
}

const bodyError = ({ body }: Fields): ErrorText =>
  [...(text(body) ?? '')].length > UPDATE_BODY_MAX_CHARS
    ? `Body is too long (maximum is ${UPDATE_BODY_MAX_CHARS} characters)`
    : undefined;

/**
 * Checks the metadata. "All top-level values in the object must also be objects." The error message is the stand-in's
 * own.
 */
const metadataError = ({ metadata }: Fields): ErrorText =>
  metadata === undefined || (isFields(metadata) && Object.values(metadata).every(isFields))
    ? undefined
    : 'Metadata must be an object whose values are objects';

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
