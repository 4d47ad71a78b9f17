import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Deps } from '../domain/ports/deps.ts';
import { QuarantineFull } from '../domain/alerts/quarantine.ts';
import { answeringWaitingDeployments } from './webhooks/answer-waiting-deployments.ts';
import { argoRolloutsRoutes } from './webhooks/argo-rollouts.ts';
import { argoRolloutsJudgementRoute } from './webhooks/argo-rollouts-judgement.ts';
import { deployGateRoute } from './webhooks/deploy-gate.ts';
import { flaggerRoutes } from './webhooks/flagger.ts';
import { changeSenderRoutes } from './webhooks/change-senders.ts';
import { githubRoutes } from './webhooks/github.ts';
import { gitlabRoutes } from './webhooks/gitlab.ts';
import { pagerDutyRoutes } from './webhooks/pagerduty.ts';
import { incidentActionRoutes } from './routes/incidents/incident-actions.ts';
import { incidentRoleRoutes } from './routes/incidents/incident-roles.ts';
import { alertRoutes } from './webhooks/alerts.ts';
import { automationRoutes } from './routes/automation.ts';
import { connectionRoutes } from './routes/connections.ts';
import { credentials } from './middleware/credentials.ts';
import type { Env } from './context.ts';
import { deploymentRoutes } from './routes/changes/deployments.ts';
import { doraRoutes } from './routes/delivery/dora.ts';
import { FEATURE_ROUTES } from './features.ts';
import { canaryRoutes } from './routes/canary/canaries.ts';
import { drillRoutes } from './routes/drills.ts';
import type { Api } from './endpoint.ts';
import { freezeCheckRoutes } from './routes/freeze/freeze-check.ts';
import { freezeRoutes } from './routes/freeze/freezes.ts';
import { auditRoutes } from './routes/audit.ts';
import { healthRoutes } from './routes/health.ts';
import { idempotency } from './middleware/idempotency.ts';
import { evidenceRoutes } from './routes/incidents/evidence.ts';
import { incidentRoutes } from './routes/incidents/incidents.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { judgementRoutes } from './routes/canary/judgements.ts';
import { explainTextLimits } from '../schemas/parsing/text.ts';
import { openApiRoute } from './openapi.ts';
import { detailOf, problem } from './problem.ts';
import { Refusal } from '../actions/refusal.ts';
import { quarantineRoutes } from './routes/alerts/quarantine.ts';
import { countRefusals } from './middleware/refusals.ts';
import { rateLimit } from './middleware/rate-limit.ts';
import { shadowReportRoutes } from './routes/shadow-report.ts';
import { runbookRoutes } from './routes/runbooks.ts';
import { signalRoutes } from './routes/alerts/signals.ts';
import { describeSlackEndpoints } from './routes/slack-description.ts';
import { sloCorrectionRoutes } from './routes/slo/slo-corrections.ts';
import { sloRoutes } from './routes/slo/slos.ts';
import { subscriberRoutes } from './routes/subscribers.ts';
import { watchRoutes } from './routes/canary/watches.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { identifyRequest } from './middleware/request.ts';
import { pinnedVersionRoutes } from './routes/changes/pinned-versions.ts';

/** Returns the HTTP API of Firebreak: all routes with their middleware. */
export function api(deps: Deps): Api {
  explainTextLimits();
  const app = new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return;
      // An ID with an invalid format cannot exist.
      if (result.target === 'param') throw new Refusal(404, 'not-found', z.prettifyError(result.error));
      throw new Refusal(422, 'invalid', `${result.target}: ${z.prettifyError(result.error)}`);
    },
  });

  app.use(identifyRequest(deps));
  app.use(countRefusals(deps));
  app.use(credentials(deps));
  app.use(rateLimit(deps));
  app.use(idempotency(deps));
  // These requests can decide deployments that wait at GitHub.
  app.on(['POST', 'DELETE'], ['/v1/freezes/*', '/v1/versions/pinned/*'], answeringWaitingDeployments(deps));

  alertRoutes(app, deps);
  deploymentRoutes(app, deps);
  incidentRoutes(app, deps);
  signalRoutes(app, deps);
  incidentActionRoutes(app, deps);
  incidentRoleRoutes(app, deps);
  evidenceRoutes(app, deps);
  runbookRoutes(app, deps);
  automationRoutes(app, deps);
  pinnedVersionRoutes(app, deps);
  shadowReportRoutes(app, deps);
  sloRoutes(app, deps);
  sloCorrectionRoutes(app, deps);
  doraRoutes(app, deps);
  freezeCheckRoutes(app, deps);
  freezeRoutes(app, deps);
  auditRoutes(app, deps);
  drillRoutes(app, deps);
  canaryRoutes(app, deps);
  for (const register of FEATURE_ROUTES) register(app, deps);
  quarantineRoutes(app, deps);
  flaggerRoutes(app, deps);
  argoRolloutsRoutes(app, deps);
  argoRolloutsJudgementRoute(app, deps);
  judgementRoutes(app, deps);
  watchRoutes(app, deps);
  deployGateRoute(app, deps);
  githubRoutes(app, deps);
  gitlabRoutes(app, deps);
  changeSenderRoutes(app, deps);
  pagerDutyRoutes(app, deps);
  subscriberRoutes(app, deps);
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
    // By name, because its class belongs to the table, which the API does not import.
    if (error.name === 'BadCursor') return problem(c, 400, 'bad-cursor', error.message);
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
  { counters }: Deps,
  { source, message }: QuarantineFull,
): Promise<Response> {
  await counters.add([{ name: 'firebreak_quarantine_refused_total', labels: [source], by: 1 }]);
  c.var.log.warn('a body was dropped: it could not be parsed, and the quarantine is full', { source, detail: message });
  const detail = `the body could not be parsed, and was not kept: ${message}; fix the payload, or send it again later`;
  return problem(c, 503, 'quarantine-full', detail, { 'retry-after': '300' });
}
