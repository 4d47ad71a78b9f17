import * as z from 'zod';
import type { ApiDeps } from '../deps.ts';
import { ShadowReport } from '../../../schemas/automation/shadow-report.ts';
import { AlertRulesReport } from '../../../core/domain/alerts/rule-figures.ts';
import { REVIEW_DAYS } from '../../../core/actions/reports/alert-review.ts';
import { ALERT_REVIEW, SHADOW } from '../../../core/actions/reports/report-kinds.ts';
import { INCIDENTS_MAX } from '../../../core/actions/reports/shadow-report.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { DAY_SECONDS } from '../../../schemas/time/since.ts';
import {
  type Api,
  answers,
  createRoute,
  endpoint,
  isIn,
  problems,
  readerOf,
  sinceQuery,
  scopeOf,
  scopeQuery,
} from '../endpoint.ts';

/** `as_of`: when it was computed. */
const AlertRules = AlertRulesReport.extend({ as_of: Timestamp }).meta({ id: 'AlertRulesReport' });

type ReportsDeps = Pick<ApiDeps, 'clock' | 'config' | 'reports'>;

/** Registers the routes of reports over many incidents. */
export function reportRoutes(app: Api, deps: ReportsDeps): void {
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/reports/shadow',
      tags: ['automation'],
      summary: `Compare what automation would have done in shadow mode with what people did, for the newest ${INCIDENTS_MAX} incidents`,
      request: {
        query: z.object({ since: sinceQuery.default(30 * DAY_SECONDS), ...scopeQuery }),
      },
      responses: {
        200: answers('The report', ShadowReport.meta({ id: 'ShadowReport' })),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { since: seconds, ...query } = c.req.valid('query');
      const scope = await scopeOf(deps, c, query);
      return c.json((await deps.reports.read(SHADOW, { seconds, scope }, readerOf(c))).value, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/reports/alerts',
      tags: ['alerts'],
      summary: `List, for each alert rule, how often it fired in ${REVIEW_DAYS} days, paged, was acted upon, and ended by itself`,
      request: { query: z.object(scopeQuery) },
      responses: { 200: answers('The report', AlertRules) },
    }),
    async (c) => {
      const scope = await scopeOf(deps, c, c.req.valid('query'));
      const { as_of, value } = await deps.reports.read(ALERT_REVIEW, null, readerOf(c));
      const { since, isComplete, rules } = value;
      return c.json({ since, as_of, complete: isComplete, items: rules.filter((rule) => isIn(scope, rule)) }, 200);
    },
  );
}
