import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ApiDeps } from './deps.ts';
import { QuarantineFull } from '../../core/domain/alerts/quarantine.ts';
import { argoRolloutsJudgementRoute } from './webhooks/argo-rollouts-judgement.ts';
import { flaggerRoutes } from './webhooks/flagger.ts';
import { changeSenderRoutes } from './webhooks/change-senders.ts';
import { forgeRoutes } from './webhooks/forges.ts';
import { pagerDutyRoutes } from './webhooks/pagerduty.ts';
import { incidentActionRoutes } from './routes/incidents/incident-actions.ts';
import { incidentRoleRoutes } from './routes/incidents/incident-roles.ts';
import { alertRoutes, noteRefusedAlerts } from './webhooks/alerts.ts';
import { automationRoutes } from './routes/automation.ts';
import { connectionRoutes } from './routes/connections.ts';
import { credentials } from './middleware/credentials.ts';
import type { Env } from './context.ts';
import { annotationRoutes } from './routes/changes/annotations.ts';
import { deploymentRoutes } from './routes/changes/deployments.ts';
import { FEATURE_MIDDLEWARE, FEATURE_ROUTES, OUTER_MIDDLEWARE } from './features.ts';
import { drillRoutes } from './routes/drills.ts';
import type { Api } from './endpoint.ts';
import { auditRoutes } from './routes/audit.ts';
import { healthRoutes } from './routes/health.ts';
import { idempotency } from './middleware/idempotency.ts';
import { evidenceRoutes } from './routes/incidents/evidence.ts';
import { incidentRoutes } from './routes/incidents/incidents.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { judgementRoutes } from './routes/judge/judgements.ts';
import { openApiRoute } from './openapi.ts';
import { detailOf, problem } from './problem.ts';
import { Refusal } from '../../core/domain/refusal.ts';
import { quarantineRoutes } from './routes/alerts/quarantine.ts';
import { queueRoutes } from './routes/queues.ts';
import { countRefusals } from './middleware/refusals.ts';
import { rateLimit } from './middleware/rate-limit.ts';
import { reportRoutes } from './routes/reports.ts';
import { runbookRoutes } from './routes/runbooks.ts';
import { signalRoutes } from './routes/alerts/signals.ts';
import { describeSlackEndpoints } from './routes/slack-description.ts';
import { watchRoutes } from './routes/judge/watches.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { identifyRequest } from './middleware/request.ts';
import { pinnedVersionRoutes } from './routes/changes/pinned-versions.ts';
import { inputProblemText } from '../../schemas/parsing/input-problems.ts';

/** Returns the HTTP API of Firebreak: all routes with their middleware. */
export function api(deps: ApiDeps): Api {
  const app = new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return;
      // An ID with an invalid format cannot exist.
      if (result.target === 'param') throw new Refusal(404, 'not-found', inputProblemText(result.error));
      throw new Refusal(422, 'invalid', `${result.target}: ${inputProblemText(result.error)}`);
    },
  });

  app.use(identifyRequest(deps));
  noteRefusedAlerts(app, deps);
  app.use(countRefusals(deps));
  app.use(credentials(deps));
  for (const add of OUTER_MIDDLEWARE) add(app, deps);
  app.use(rateLimit(deps));
  app.on('POST', '*', idempotency(deps));
  for (const add of FEATURE_MIDDLEWARE) add(app, deps);

  alertRoutes(app, deps);
  deploymentRoutes(app, deps);
  annotationRoutes(app, deps);
  incidentRoutes(app, deps);
  signalRoutes(app, deps);
  incidentActionRoutes(app, deps);
  incidentRoleRoutes(app, deps);
  evidenceRoutes(app, deps);
  runbookRoutes(app, deps);
  automationRoutes(app, deps);
  pinnedVersionRoutes(app, deps);
  reportRoutes(app, deps);
  auditRoutes(app, deps);
  drillRoutes(app, deps);
  for (const register of FEATURE_ROUTES) register(app, deps);
  quarantineRoutes(app, deps);
  queueRoutes(app, deps);
  flaggerRoutes(app, deps);
  argoRolloutsJudgementRoute(app, deps);
  judgementRoutes(app, deps);
  watchRoutes(app, deps);
  forgeRoutes(app, deps);
  changeSenderRoutes(app, deps);
  pagerDutyRoutes(app, deps);
  tokenRoutes(app, deps);
  healthRoutes(app, deps);
  connectionRoutes(app, deps);
  metricsRoutes(app, deps);
  describeSlackEndpoints(app);
  openApiRoute(app, deps);
  // The console is another function at the same address.
  app.get('/', (c) => c.redirect('/console', 302));

  app.notFound((c) => problem(c, 404, 'not-found', `no endpoint ${c.req.method} ${c.req.path}`));
  app.onError((error, c) => {
    if (error instanceof Refusal) {
      const challenge: Record<string, string> = error.status === 401 ? { 'www-authenticate': 'Bearer' } : {};
      return problem(c, error.status, error.code, error.detail, { ...challenge, ...error.headers });
    }
    if (error instanceof HTTPException && error.status === 415) {
      const type = c.req.header('content-type');
      const found = type === undefined ? 'there is no Content-Type' : `Content-Type is ${type.slice(0, 64)}`;
      return problem(c, 415, 'unsupported-media-type', `${found}; send the body with Content-Type: application/json`);
    }
    if (error instanceof HTTPException)
      return problem(
        c,
        error.status,
        error.status === 400 ? 'not-json' : 'http',
        error.message || 'the request could not be read',
      );
    if (error instanceof QuarantineFull) return quarantineFull(c, deps, error);
    const log = c.get('log') ?? deps.log;
    log.error('a request failed', { error: error.stack ?? String(error) });
    const detail = detailOf(error, 'the request failed because of an internal error; try again');
    return problem(c, 503, 'unavailable', detail, { 'retry-after': '5' });
  });
  return app;
}

/**
 * Responds with 503, so that the sender retries: the quarantine has room again tomorrow, or the payload is fixed by
 * then.
 */
async function quarantineFull(
  c: Context<Env>,
  { counters }: ApiDeps,
  { source, message }: QuarantineFull,
): Promise<Response> {
  await counters.add([{ name: 'firebreak_quarantine_refused_total', labels: [source], by: 1 }]);
  c.var.log.warn('a body was dropped: it could not be parsed, and the quarantine is full', { source, detail: message });
  const detail = `the body could not be parsed, and was not kept: ${message}; fix the payload, or send it again later`;
  return problem(c, 503, 'quarantine-full', detail, { 'retry-after': '300' });
}
