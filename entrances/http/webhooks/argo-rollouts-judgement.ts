import * as z from 'zod';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { judgeVersion } from '../../../workflows/steps/judge/judge-version.ts';
import { checkDeploy } from '../../../core/domain/ports/extensions.ts';
import type { ApiDeps } from '../deps.ts';
import { JudgementRequest, JudgementView } from '../../../schemas/judge/judgement.ts';
import { EnvironmentName, ServiceName, Version } from '../../../schemas/config/names.ts';
import { type Api, answers, createRoute, endpoint, problems } from '../endpoint.ts';

type ArgoRolloutsJudgementDeps = Pick<
  ApiDeps,
  'changes' | 'clock' | 'config' | 'extensions' | 'judgeMetrics' | 'metricQueries'
>;

const query = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  baseline: z.union([Version, z.literal('')]).optional(),
});

const Measurement = z
  .object({
    data: JudgementView.pick({ verdict: true, reasons: true, version: true, baseline: true, metrics: true }).extend({
      /** Healthy, and not frozen. */
      ok: z.boolean(),
      frozen: z.boolean(),
    }),
  })
  .meta({ id: 'ArgoRolloutsJudgement' });

/**
 * Registers the judge as a web metric of Argo Rollouts. Every verdict has the status 200, because Argo Rollouts treats
 * other statuses as measurement errors. With `successCondition: result.ok` and `failureCondition: result.verdict ==
 * "degraded"`, everything else is inconclusive, and the rollout is paused: neither promoted nor aborted.
 *
 * @see https://argo-rollouts.readthedocs.io/en/stable/analysis/web/
 */
export function argoRolloutsJudgementRoute(app: Api, deps: ArgoRolloutsJudgementDeps): void {
  endpoint(
    app,
    deps,
    'canary:judge',
    createRoute({
      method: 'get',
      path: '/integrations/argo-rollouts/judgement',
      tags: ['integrations'],
      summary: 'Judge a version as a web metric of Argo Rollouts',
      request: { query },
      responses: { 200: answers('The verdict', Measurement), 422: problems('Validation failed') },
    }),
    async (c) => {
      const { baseline, ...target } = inConfiguredSpelling(await deps.config.current(), c.req.valid('query'));
      const { allow, principal } = c.var;
      allow(target);
      const [judgement, freeze] = await Promise.all([
        judgeVersion(deps, JudgementRequest.parse({ ...target, baseline: baseline || null })),
        checkDeploy(
          deps,
          { ...target, deployment_id: null },
          { by: principal.name, allow, consume: false, canBeRollback: false },
        ),
      ]);
      const { verdict, version, metrics } = judgement;
      const frozen = !freeze.allowed;
      const reasons = [...(frozen ? freeze.reasons.map(({ text }) => text) : []), ...judgement.reasons];
      const ok = verdict === 'healthy' && !frozen;
      return c.json({ data: { ok, frozen, verdict, reasons, version, baseline: judgement.baseline, metrics } }, 200);
    },
  );
}
