import { type ComponentStatus, PublicStatus } from '../../schemas/status/states.ts';
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

/** Changes of an incident. Undefined fields stay unchanged. */
export type IncidentChange = {
  name: string | undefined;
  status: PublicStatus | undefined;
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
  return judge(
    { unknown: [oneOf('Status', component.status, COMPONENT_STATUSES)], wrong: [blankName(component, isNew)] },
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
    oneOf('Status', incident.status, PublicStatus.options),
    oneOf('Impact override', incident.impact_override, IMPACTS),
    ...Object.values(components).map((status) => oneOf('Component status', status, COMPONENT_STATUSES)),
  ];
  return judge(
    { unknown, wrong: [blankName(incident, isNew), longBody(incident), flatMetadata(incident)] },
    {
      name: text(incident.name),
      status: incident.status as PublicStatus | undefined,
      body: text(incident.body),
      components: components as Record<string, ComponentStatus>,
      componentIds: Array.isArray(incident.component_ids) ? incident.component_ids.map(String) : undefined,
      metadata: isFields(incident.metadata) ? incident.metadata : undefined,
      deliverNotifications: ![false, 'false'].includes(incident.deliver_notifications as string | boolean),
      impactOverride: incident.impact_override as Impact | undefined,
    },
  );
}

type Complaint = string | undefined;

function judge<T>(complaints: { unknown: Complaint[]; wrong: Complaint[] }, value: T): Reading<T> {
  const unknown = complaints.unknown.filter((complaint) => complaint !== undefined);
  if (unknown.length > 0) return { status: 400, errors: [...new Set(unknown)] };
  const wrong = complaints.wrong.filter((complaint) => complaint !== undefined);
  return wrong.length > 0 ? { status: 422, errors: wrong } : { value };
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): Complaint {
  if (value === undefined || (typeof value === 'string' && allowed.includes(value))) return undefined;
  return `${name} must be one of ${allowed.join(', ')}`;
}

function blankName({ name }: Fields, isNew: boolean): Complaint {
  const blank = name === undefined ? isNew : (text(name) ?? '').trim() === '';
  return blank ? "Name can't be blank" : undefined;
}

const longBody = ({ body }: Fields): Complaint =>
  [...(text(body) ?? '')].length > UPDATE_BODY_MAX_CHARS
    ? `Body is too long (maximum is ${UPDATE_BODY_MAX_CHARS} characters)`
    : undefined;

/**
 * Checks the metadata. "All top-level values in the object must also be objects." The error message is the stand-in's
 * own.
 */
const flatMetadata = ({ metadata }: Fields): Complaint =>
  metadata === undefined || (isFields(metadata) && Object.values(metadata).every(isFields))
    ? undefined
    : 'Metadata must be an object whose values are objects';

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
