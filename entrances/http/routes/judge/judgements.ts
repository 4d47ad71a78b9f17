import { inConfiguredSpelling } from '../../../../core/domain/catalogue/known-names.ts';
import { judgeVersion } from '../../../../workflows/steps/judge/judge-version.ts';
import type { ApiDeps } from '../../deps.ts';
import { JudgementRequest, JudgementView } from '../../../../schemas/judge/judgement.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../../endpoint.ts';

type JudgementsDeps = Pick<ApiDeps, 'changes' | 'clock' | 'config' | 'judgeMetrics' | 'metricQueries'>;

const Shown = JudgementView.meta({ id: 'Judgement' });

/** Registers the judge of versions. A judgement has no effects, and is not stored. */
export function judgementRoutes(app: Api, deps: JudgementsDeps): void {
  endpoint(
    app,
    deps,
    'canary:judge',
    createRoute({
      method: 'post',
      path: '/v1/judgements',
      tags: ['canaries'],
      summary: 'Compare a version with its baseline: healthy, degraded, or inconclusive, with the numbers',
      request: body(JudgementRequest.meta({ id: 'JudgementRequest' })),
      responses: { 200: answers('The judgement', Shown), 422: problems('Validation failed') },
    }),
    async (c) => {
      const request = inConfiguredSpelling(await deps.config.current(), c.req.valid('json'));
      c.var.allow(request);
      const judgement = await judgeVersion(deps, request);
      c.var.log.info('judged a version', {
        service: request.service,
        environment: request.environment,
        version: request.version,
        baseline: judgement.baseline,
        verdict: judgement.verdict,
      });
      return c.json(judgement, 200);
    },
  );
}
