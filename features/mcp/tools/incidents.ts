import { activeClearings } from '../../../core/domain/changes/cleared-suspects.ts';
import { suspectName } from '../../../core/domain/changes/change-words.ts';
import * as z from 'zod';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { incidentUrl } from '../../../core/domain/incidents/console-link.ts';
import { keepsOpen } from '../../../core/domain/incidents/keeps-open.ts';
import { requireIncident } from '../../../core/actions/incidents/require-incident.ts';
import { namer } from '../../../core/actions/people/names.ts';
import { readable } from '../../../entrances/http/endpoint.ts';
import { incidentReference } from '../../../entrances/http/incident-param.ts';
import { counted } from '../../../core/domain/reports/words.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import {
  DecisionView,
  Effect,
  IncidentStatus,
  IncidentView,
  Suspect,
  TimelineEntry,
} from '../../../schemas/incidents/incident.ts';
import { ReasonCode } from '../../../schemas/incidents/reason.ts';
import { Signal } from '../../../schemas/alerts/signal.ts';
import { type IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { type Deps, nameIn, READS, tool, untrusted, UNTRUSTED_NOTE } from '../tool.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

const Shown = z.object({
  incident: z.string().describe('Number, such as INC-42, or the ID'),
  url: z.string().nullable().describe('Page in the console. Null: its address is not configured'),
  ...IncidentView.pick({
    service: true,
    environment: true,
    severity: true,
    status: true,
    opened_at: true,
    resolved_at: true,
  }).shape,
  alerts: z.number().describe('Number of alerts so far'),
  waits_for_person: z.boolean().describe('A question waits for the answer of a person'),
});

const shown = (incident: IncidentView, { publicUrl }: Pick<Deps, 'publicUrl'>): z.input<typeof Shown> => ({
  incident: incidentName(incident),
  url: incidentUrl(publicUrl, incident) ?? null,
  service: incident.service,
  environment: nameIn(incident.environment),
  severity: incident.severity,
  status: incident.status,
  opened_at: incident.opened_at,
  resolved_at: incident.resolved_at,
  alerts: incident.signal_count,
  waits_for_person: incident.decisions.some(({ state }) => state === 'waiting'),
});

/** An alert that matches no service names its environment itself. */
const Written = {
  title: z.string(),
  environment: z.string().describe('As the alert or the configuration names it'),
};

const written = ({ title, environment }: IncidentView) => ({ title, environment });

/** The parameter that names an incident. */
export const incidentInput = z.string().max(64).describe('Number of the incident, such as INC-42, or its ID');

/** Returns the ID of an incident that a caller names. @throws Refusal 404 */
export async function incidentNamed(deps: Deps, text: string): Promise<IncidentId> {
  const found = await incidentReference(deps).safeParseAsync(text);
  if (found.success) return found.data;
  throw new Refusal(404, 'unknown-incident', `${inputProblemText(found.error)}; list_incidents lists the known ones`);
}

export const listIncidents = tool({
  name: 'list_incidents',
  title: 'List incidents',
  description: `Lists incidents, newest first, including resolved ones: whether a service has a problem now, and what has happened to it lately. ${UNTRUSTED_NOTE}`,
  permission: 'incidents:read',
  annotations: READS,
  input: z.strictObject({
    status: IncidentStatus.optional().describe('Only incidents with this status'),
    service: ServiceName.optional().describe('Only incidents of this service'),
    limit: z.number().int().min(1).max(50).default(10).describe('Maximum number of incidents'),
    cursor: z.string().max(2048).optional().describe('next_cursor of the previous page'),
  }),
  output: z.object({
    items: z.array(Shown.extend({ untrusted: untrusted(Written) })),
    next_cursor: z.string().nullable(),
  }),
  async run(deps, { caller, may }, { limit, cursor, status, service }) {
    const scope = inConfiguredSpelling(await deps.config.current(), { ...(service && { service }) });
    caller.allow('incidents:read', scope);
    const read = (from?: string) =>
      deps.incidents.list({ limit, ...(from && { cursor: from }), ...(status && { status }), ...scope });
    const { items, next_cursor } = await readable({ may: (one) => may('incidents:read', one) }, read, cursor);
    const open = items.filter((one) => one.status !== 'resolved');
    return {
      text: `${counted(items.length, 'incident')}, ${open.length} of them open${open.length === 0 ? '' : `: ${open.map(incidentName).join(', ')}`}.${next_cursor === null ? '' : ' There are more.'}`,
      result: {
        items: items.map((one) => ({ ...shown(one, deps), untrusted: written(one) })),
        next_cursor,
      },
    };
  },
});

/** Newest decisions, alerts, and timeline entries of an explanation, so that it stays short. */
const DECISIONS_MAX = 3;
const ALERTS_MAX = 5;
const ENTRIES_MAX = 15;

const ShownDecision = z.object({
  ...DecisionView.pick({ id: true, kind: true, at: true, state: true, from_version: true, to_version: true }).shape,
  because: ReasonCode.describe('Code of the first reason'),
  answer_until: z.string().nullable().describe('Until when people can answer. Null: it asks nothing'),
  approvals: DecisionView.shape.approvals.unwrap(),
});

export const explainIncident = tool({
  name: 'explain_incident',
  title: 'Explain an incident',
  description: `Explains an incident: what has happened, which deployments are suspected and how probable each one is, what Firebreak decided and why, what it has done, and what is still open. ${UNTRUSTED_NOTE}`,
  permission: 'incidents:read',
  annotations: READS,
  input: z.strictObject({ incident: incidentInput }),
  output: Shown.extend({
    suspects: z
      .array(Suspect.omit({ reasons: true }))
      .describe('Deployments that can be the cause, the most probable first'),
    decisions: z.array(ShownDecision).describe('The newest decisions, newest first'),
    effects: z.array(Effect.pick({ kind: true, state: true, at: true })).describe('What changed the outside world'),
    untrusted: untrusted({
      ...Written,
      open_because: z.array(z.string()).describe('What keeps it open'),
      suspects: z.array(Suspect.pick({ version: true, reasons: true })),
      decisions: z.array(z.object({ id: z.string(), reasons: z.array(z.string()), question: z.string().nullable() })),
      alerts: z.array(Signal.pick({ title: true, status: true, labels: true, annotations: true })),
      timeline: z.array(TimelineEntry.omit({ detail: true })).describe('Newest first'),
    }),
  }),
  async run(deps, { caller }, { incident: named }) {
    const id = await incidentNamed(deps, named);
    const incident = await requireIncident(deps, id);
    caller.allow('incidents:read', incident);
    const [overview, config, signals, timeline, names] = await Promise.all([
      deps.incidents.overview(id),
      deps.config.current(),
      deps.incidents.signals(id, { limit: ALERTS_MAX }),
      deps.incidents.timeline(id, { limit: ENTRIES_MAX }),
      namer(deps),
    ]);
    const decisions = incident.decisions.slice(-DECISIONS_MAX).toReversed();
    return {
      text: explanation(incident),
      result: {
        ...shown(incident, deps),
        suspects: incident.suspects,
        decisions: decisions.map(({ answer_until = null, ...one }) => ({ ...one, answer_until })),
        effects: incident.effects,
        untrusted: {
          ...written(incident),
          open_because: overview === undefined ? [] : keepsOpen(overview, config, deps.timeScale),
          suspects: incident.suspects,
          decisions: decisions.map(({ id: decision, reasons, question = null }) => ({
            id: decision,
            reasons: reasons.flatMap(({ text, more = [] }) => [text, ...more]),
            question,
          })),
          alerts: signals.items,
          timeline: await Promise.all(
            timeline.items.map(async ({ at, actor, kind, text }) => ({
              at,
              actor: await names.actor(actor),
              kind,
              text: await names.text(text),
            })),
          ),
        },
      },
    };
  },
});

const DECIDED: Record<DecisionView['kind'], string> = {
  roll_back: 'decided to roll back',
  approve: 'asked people to approve a rollback of',
  wait: 'waits a minute before it decides about',
  suggest: 'only suggested a rollback of',
  shadow: 'only recorded (shadow mode) what it would do about',
  none: 'decided against a rollback of',
};

/** Describes a decision, to follow "Firebreak". */
function decided({ kind, question, from_version: from, to_version: to }: DecisionView): string {
  if (question !== undefined) return 'asked people about a step of a runbook';
  return `${DECIDED[kind]} ${from === null ? 'a version' : nameIn(from)}${to === null ? '' : ` to ${nameIn(to)}`}`;
}

function explanation(incident: IncidentView): string {
  const { service, environment, severity, status, opened_at: at, decisions, suspects, cleared } = incident;
  const last = decisions.at(-1);
  const [suspect] = suspects;
  return [
    `${incidentName(incident)} of ${nameIn(service)} in ${nameIn(environment)} (${severity}) opened at ${at} and is ${status}.`,
    ...(suspect === undefined
      ? ['No deployment is suspected.']
      : [
          `Suspected most: ${nameIn(suspectName(suspect))}, with a probability of ${Math.round(suspect.confidence * 100)} %.`,
        ]),
    ...activeClearings(cleared).map(({ version }) => `${nameIn(version)} was suspected, and is excluded as the cause.`),
    ...(last === undefined ? [] : [`Firebreak ${decided(last)} (${last.because}; ${last.state}).`]),
    ...(decisions.some(({ state }) => state === 'waiting') ? ['A question waits for a person.'] : []),
  ].join(' ');
}
