import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { incidentDetails } from '../../../../core/domain/messages/incident-details.ts';
import { IncidentDetails } from '../../../../schemas/incidents/incident-details.ts';
import { requireSeverity } from '../../../../core/domain/alerts/named-severity.ts';
import { incidentName } from '../../../../core/domain/incidents/incident-number.ts';
import { keepsOpen } from '../../../../core/domain/incidents/keeps-open.ts';
import type { ApiDeps } from '../../deps.ts';
import { SimilarIncident } from '../../../../schemas/incidents/similar.ts';
import { DecisionView, IncidentStatus, IncidentView, TimelineEntry } from '../../../../schemas/incidents/incident.ts';
import { EnvironmentName, IncidentId, NAME_MAX_CHARS, ServiceName } from '../../../../schemas/config/names.ts';
import { declaredScope } from '../../../../core/actions/incidents/declared-environment.ts';
import { triage } from '../../../../core/actions/incidents/acknowledge.ts';
import { correctIncident, declareIncident, note } from '../../../../core/actions/incidents/declare-incident.ts';
import { similarIncidents } from '../../../../core/actions/incidents/similar-incidents.ts';
import { requireIncident } from '../../../../core/actions/incidents/require-incident.ts';
import { namer } from '../../../../core/actions/people/names.ts';
import { newUlid } from '../../new-id.ts';
import {
  type Api,
  answers,
  body,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  problems,
  readable,
  scopeOf,
} from '../../endpoint.ts';
import { incidentParams } from '../../incident-param.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { READ_MAX_BYTES } from '../../list-bytes.ts';
import { ShownSignal, shownSignal, snakeCased } from '../alerts/signal-view.ts';
import { requiredText } from '../../../../schemas/parsing/free-text.ts';

export const Incident = IncidentView.meta({ id: 'Incident' });
const SingleIncident = IncidentDetails.meta({ id: 'IncidentDetails' });
const Similar = SimilarIncident.meta({ id: 'SimilarIncident' });
const ShownEntry = TimelineEntry.extend({
  actor_name: z.string().meta({ description: "The actor's display name, if it is known" }),
}).meta({ id: 'TimelineEntry' });
const StoredDecision = z.object({
  decision: DecisionView,
  inputs: z.unknown(),
  inputs_json: z.string().meta({ description: 'The inputs as the exact JSON text from which `digest` is computed' }),
});
const SeverityWord = z.string().max(NAME_MAX_CHARS).meta({
  description:
    'critical, warning, or info; or another name, such as SEV1, P2, and the words of severities in routes.yaml',
});
const pageQuery = z.object(listQuery);

/** Registers the routes of incidents: declaration, timeline, alerts, similar incidents, and decisions. */
export function incidentRoutes(app: Api, deps: ApiDeps): void {
  const params = incidentParams(deps);
  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'post',
      path: '/v1/incidents',
      tags: ['incidents'],
      summary: 'Declare an incident by hand',
      request: body(
        z.strictObject({
          service: ServiceName.nullish().meta({ description: 'Absent: the service is not known yet' }),
          environment: EnvironmentName.nullish().meta({
            description: "Defaults to the service's default environment, its only environment, or production",
          }),
          title: requiredText(500),
          severity: SeverityWord.default('critical'),
        }),
      ),
      responses: {
        201: answers('Opened', Incident),
        200: answers('The incident that was already open for this service and environment', Incident),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { trace } = c.var;
      const { title, severity, ...scope } = c.req.valid('json');
      const config = await deps.config.current();
      const serviceEnvironment = declaredScope(config, scope);
      const { incident, created } = await declareIncident(deps, c.var.caller, {
        ...serviceEnvironment,
        id: IncidentId.parse(newUlid(c, deps.clock)),
        title,
        severity: requireSeverity(config, severity),
        trace,
      });
      return c.json(incident, created ? 201 : 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/incidents',
      tags: ['incidents'],
      summary: 'List incidents, newest first, including resolved ones',
      request: {
        query: z.object({
          ...listQuery,
          status: IncidentStatus.optional(),
          service: z.string().max(NAME_MAX_CHARS).optional(),
          environment: z.string().max(NAME_MAX_CHARS).optional(),
        }),
      },
      responses: { 200: answers('A page of results', pageOf(Incident)) },
    }),
    async (c) => {
      const { limit, cursor, status, ...query } = c.req.valid('query');
      const scope = await scopeOf(deps, c, query);
      const read = (from?: string) =>
        deps.incidents.list({ limit, ...(from && { cursor: from }), ...(status && { status }), ...scope });
      return c.json(await readable(c.var, read, cursor), 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}',
      tags: ['incidents'],
      summary: 'Get an incident',
      request: { params },
      responses: { 200: answers('The incident', SingleIncident), 404: problems('Not found') },
    }),
    async (c) => {
      const incident = await requireIncident(deps, c.req.valid('param').id);
      c.var.allow(incident);
      const [overview, config] = await Promise.all([deps.incidents.overview(incident.id), deps.config.current()]);
      if (overview === undefined) return c.json(IncidentDetails.parse(incident), 200);
      const open_because = keepsOpen(overview, config, deps.timeScale);
      return c.json({ ...incident, open_because, ...incidentDetails(overview) }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'patch',
      path: '/v1/incidents/{id}',
      tags: ['incidents'],
      summary: 'Correct the title of an incident, and set or confirm its severity',
      request: {
        params,
        ...body(z.strictObject({ title: requiredText(500).optional(), severity: SeverityWord.optional() })),
      },
      responses: {
        200: answers('The updated incident', Incident),
        404: problems('Not found'),
        409: problems('The incident is resolved'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { title, severity: word } = c.req.valid('json');
      const severity = word === undefined ? undefined : requireSeverity(await deps.config.current(), word);
      if (title === undefined && severity !== undefined)
        return c.json(await triage(deps, c.var.caller, { id, severity }), 200);
      const correction = { id, ...(title && { title }), ...(severity && { severity }) };
      return c.json(await correctIncident(deps, c.var.caller, correction), 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/timeline',
      tags: ['incidents'],
      summary: 'List the timeline of an incident, newest first',
      request: { params, query: pageQuery },
      responses: { 200: answers('A page of results', pageOf(ShownEntry)), 404: problems('Not found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      c.var.allow(await requireIncident(deps, id));
      const [page, names] = await Promise.all([deps.incidents.timeline(id, paging(c.req.valid('query'))), namer(deps)]);
      const items = await Promise.all(page.items.map((entry) => shownEntry(names, entry)));
      return c.json({ ...page, items }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/timeline',
      tags: ['incidents'],
      summary: 'Append a note to the timeline',
      request: {
        params,
        ...body(
          z.strictObject({
            text: requiredText(4000),
            kind: z
              .literal('note', 'kind must be "note"; only Firebreak writes the other kinds')
              .optional()
              .meta({ description: 'Optional; always "note"' }),
            detail: z.unknown().optional(),
          }),
        ),
      },
      responses: {
        201: answers('Appended', ShownEntry),
        404: problems('Not found'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { text, detail = null } = c.req.valid('json');
      const entry = await note(deps, c.var.caller, {
        id,
        key: `note-${c.var.requestKey ?? randomUUID()}`,
        text,
        detail,
      });
      return c.json(await shownEntry(await namer(deps), entry), 201);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/signals',
      tags: ['incidents'],
      summary: 'List the alerts of an incident, newest first',
      request: { params, query: pageQuery },
      responses: {
        200: answers('A page of results', pageOf(ShownSignal)),
        404: problems('Not found'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      c.var.allow(await requireIncident(deps, id));
      const { items, next_cursor } = await deps.incidents.signals(id, {
        ...paging(c.req.valid('query')),
        maxBytes: READ_MAX_BYTES,
      });
      const config = await deps.config.current();
      return c.json({ items: items.map((signal) => shownSignal(signal, config)), next_cursor }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/similar',
      tags: ['incidents'],
      summary: 'List earlier incidents that resemble an incident, the most similar first',
      request: { params },
      responses: {
        200: answers('Up to three incidents', z.object({ items: z.array(Similar) })),
        404: problems('Not found'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      c.var.allow(await requireIncident(deps, id));
      const incident = await deps.incidents.read(id);
      return c.json({ items: incident === undefined ? [] : await similarIncidents(deps, incident) }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/decisions/{number}',
      tags: ['incidents'],
      summary: 'Get a decision with all its inputs',
      request: { params: params.extend({ number: z.coerce.number().int().min(1) }) },
      responses: {
        200: answers('The decision', StoredDecision),
        404: problems('Not found'),
      },
    }),
    async (c) => {
      const { id, number } = c.req.valid('param');
      const incident = await requireIncident(deps, id);
      c.var.allow(incident);
      const [decision, inputs] = await Promise.all([deps.decisions.get(id, number), deps.decisions.inputs(id, number)]);
      if (decision === undefined)
        throw new Refusal(404, 'unknown-decision', `${incidentName(incident)} has no decision ${number}`);
      return c.json({ decision, inputs: snakeCased(inputs ?? null), inputs_json: JSON.stringify(inputs ?? null) }, 200);
    },
  );
}

const paging = ({ limit, cursor }: z.infer<typeof pageQuery>) => ({
  limit,
  ...(cursor === undefined ? {} : { cursor }),
});

type Namer = Awaited<ReturnType<typeof namer>>;

const shownEntry = async (names: Namer, entry: TimelineEntry): Promise<z.infer<typeof ShownEntry>> => ({
  ...entry,
  text: await names.text(entry.text),
  actor_name: await names.actor(entry.actor),
});
