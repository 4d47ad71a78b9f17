import * as z from 'zod';
import { EVERYWHERE } from '../../core/domain/access/access.ts';
import type { FeatureDeps } from '../manifest.ts';
import { CountedDay, RecordedObjective } from './objective.ts';
import { RecordedAlert, RecordedIncident } from './recording.ts';
import { DAY_SECONDS } from '../../schemas/time/since.ts';
import { countedDays } from './actions/objectives.ts';
import { recordedAlerts, recordingOf } from './actions/recordings.ts';
import { RECORDED_OBJECTIVE, RECORDINGS } from './reports.ts';
import { BadCursor } from '../../core/stores/cursors.ts';
import { configuredSlo } from '../slo/actions/corrections.ts';
import { withPorts } from '../slo/ports.ts';
import {
  type Api,
  answers,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  problems,
  readable,
  readerOf,
  sinceQuery,
} from '../../entrances/http/endpoint.ts';
import { incidentParams } from '../../entrances/http/incident-param.ts';

type RoutesDeps = Pick<
  FeatureDeps,
  'clock' | 'config' | 'decisions' | 'features' | 'incidents' | 'reports' | 'runbooks'
>;

const Recording = RecordedIncident.meta({ id: 'RecordedIncident' });
const Alert = RecordedAlert.meta({ id: 'RecordedAlert' });

const Objective = RecordedObjective.meta({ id: 'RecordedObjective' });
const Day = CountedDay.meta({ id: 'CountedDay' });

const sloId = z.object({ id: z.string().min(1).max(253) });

/** Maximum number of days on a page: a response of AWS Lambda has at most 6 MB. */
const DAYS_MAX = 31;

/** Maximum number of incidents on a page: each is read with all its inputs. */
const LIMIT_MAX = 100;

/** Registers the routes that return the recorded inputs of decisions, and the configuration in force. */
export function recordingRoutes(app: Api, deps: RoutesDeps): void {
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/recordings',
      tags: ['incidents'],
      summary: 'List incidents with all recorded inputs of their decisions, newest first',
      request: {
        query: z.object({
          ...listQuery,
          since: sinceQuery.default(90 * DAY_SECONDS),
          limit: listQuery.limit.pipe(z.number().max(LIMIT_MAX)),
        }),
      },
      responses: { 200: answers('A page of results', pageOf(Recording)), 422: problems('Validation failed') },
    }),
    async (c) => {
      const { since, limit, cursor } = c.req.valid('query');
      c.var.allow(EVERYWHERE); // the evidence names other services
      const input = { seconds: since, limit, ...(cursor && { cursor }) };
      return c.json((await deps.reports.read(RECORDINGS, input, readerOf(c))).value, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/recordings/alerts',
      tags: ['incidents'],
      summary: 'List alerts without an incident with the times at which they began to fire',
      request: { query: z.object({ ...listQuery, muted: z.enum(['true', 'false']).default('false') }) },
      responses: { 200: answers('A page of results', pageOf(Alert)) },
    }),
    async (c) => {
      const { limit, cursor, muted } = c.req.valid('query');
      const read = (at?: string) => recordedAlerts(deps, { limit, muted: muted === 'true', ...(at && { cursor: at }) });
      return c.json(await readable(c.var, read, cursor), 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/recording',
      tags: ['incidents'],
      summary: 'Get all recorded inputs of the decisions about an incident',
      request: { params: incidentParams(deps) },
      responses: { 200: answers('The recording', Recording), 404: problems('Not found') },
    }),
    async (c) => {
      const recorded = await recordingOf(deps, c.req.valid('param').id);
      c.var.allow({ service: recorded.service, environment: recorded.environment });
      return c.json(recorded, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/recordings/objectives/{id}',
      tags: ['slos'],
      summary: 'Get the corrections and freezes of an objective, for the replay of its evaluations',
      request: { params: sloId, query: z.object({ since: sinceQuery.default(90 * DAY_SECONDS) }) },
      responses: { 200: answers('The recording', Objective), 404: problems('Not found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      c.var.allow(await configuredSlo(deps, id));
      const input = { id, seconds: c.req.valid('query').since };
      // Permission for an objective covers all of it, so readers share the result.
      const reader = { ...readerOf(c), grants: [] };
      return c.json((await deps.reports.read(RECORDED_OBJECTIVE, input, reader)).value, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/recordings/objectives/{id}/counts',
      tags: ['slos'],
      summary: 'List the counts of an objective in intervals of five minutes, one item for each day, oldest first',
      request: {
        params: sloId,
        query: z.object({
          from: z.iso.date().meta({ description: 'First day (UTC); counts are kept for 800 days' }),
          limit: listQuery.limit.pipe(z.number().max(DAYS_MAX)).default(DAYS_MAX),
          cursor: listQuery.cursor,
        }),
      },
      responses: {
        200: answers('A page of results', pageOf(Day)),
        404: problems('Not found'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const slo = await configuredSlo(deps, c.req.valid('param').id);
      c.var.allow(slo);
      const { from, limit, cursor } = c.req.valid('query');
      if (cursor !== undefined && !z.iso.date().safeParse(cursor).success) throw new BadCursor();
      const until = deps.clock.now().slice(0, 10);
      return c.json(await countedDays(withPorts(deps), slo, { from: cursor ?? from, until, limit }), 200);
    },
  );

  endpoint(
    app,
    deps,
    'audit:read',
    createRoute({
      method: 'get',
      path: '/v1/configuration',
      tags: ['system'],
      summary: 'Get the configuration in force, without people',
      responses: { 200: answers('The configuration', z.record(z.string(), z.unknown())) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const { people: _people, ...config } = await deps.config.current();
      return c.json(config as Record<string, unknown>, 200);
    },
  );
}
