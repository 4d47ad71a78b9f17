import * as z from 'zod';
import { judgeVersion } from '../../../workflows/steps/judge/judge-version.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { ApiDeps } from '../deps.ts';
import { canaryName, Hook } from '../../../vendors/flagger/hook.ts';
import { JudgementRequest, JudgementView } from '../../../schemas/judge/judgement.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../endpoint.ts';
import { allowedTargets, gateVerdict, flaggerQuery, versionInProgress } from './flagger-gate.ts';

/**
 * What a hook of Flagger needs to get a 200. Flagger treats every status above 202 as a refusal:
 *
 * - `confirm-rollout` waits before the canary starts. Nothing can be judged yet, so only freezes refuse.
 * - `rollout` runs at each interval of the analysis. A refusal is a failed check, and `threshold` of them abort, so only a
 *   degraded version is refused.
 * - `confirm-traffic-increase` and `confirm-promotion` wait without counting failures. They need a healthy version and no
 *   freeze.
 *
 * @see https://docs.flagger.app/usage/webhooks
 */
const HOOKS = {
  'confirm-rollout': { freezes: true, refuses: [] },
  rollout: { freezes: false, refuses: ['degraded'] },
  'confirm-traffic-increase': { freezes: true, refuses: ['degraded', 'inconclusive'] },
  'confirm-promotion': { freezes: true, refuses: ['degraded', 'inconclusive'] },
} as const satisfies Record<string, { freezes: boolean; refuses: readonly JudgementView['verdict'][] }>;

const Answer = z
  .object({
    allowed: z.boolean(),
    /** Null: not judged. */
    verdict: JudgementView.shape.verdict.nullable(),
    reasons: z.array(z.string()),
  })
  .meta({ id: 'FlaggerJudgement' });

/** Registers the judge for the webhooks of Flagger. */
export function flaggerJudgeRoutes(app: Api, deps: ApiDeps): void {
  for (const [hookName, { freezes, refuses }] of Object.entries(HOOKS))
    endpoint(
      app,
      deps,
      'flagger:gate',
      createRoute({
        method: 'post',
        path: `/integrations/flagger/${hookName}`,
        tags: ['integrations'],
        summary: `Judge a canary for Flagger's hook ${hookName}`,
        request: { query: flaggerQuery, ...body(Hook) },
        responses: {
          200: answers('The canary continues', Answer),
          409: answers('The judge refuses', Answer),
          423: answers('The canary waits for a freeze', Answer),
          403: problems('The key does not allow this canary'),
          503: problems('The verdict is unknown'),
        },
      }),
      async (c) => {
        const hook = c.req.valid('json');
        const targets = await allowedTargets(deps, hook, c.var.allow);
        if (freezes) {
          const gate = await gateVerdict(deps, hook, targets, c.var);
          if (!gate.allowed)
            return c.json({ allowed: false, verdict: null, reasons: gate.reasons.map(({ text }) => text) }, 423);
        }
        if (refuses.length === 0) return c.json({ allowed: true, verdict: null, reasons: [] }, 200);
        const judgements = await Promise.all(targets.map((target) => judgeCanary(deps, hook, target)));
        const verdict = worstVerdict(judgements.map((judgement) => judgement.verdict));
        const reasons = judgements
          .filter((judgement) => judgement.verdict === verdict)
          .flatMap((judgement) => judgement.reasons);
        const allowed = !refuses.some((refused) => refused === verdict);
        c.var.log.info('judged a canary for Flagger', { canary: canaryName(hook), hook: hookName, verdict });
        return c.json({ allowed, verdict, reasons }, allowed ? 200 : 409);
      },
    );

  endpoint(
    app,
    deps,
    'flagger:gate',
    createRoute({
      method: 'post',
      path: '/integrations/flagger/rollback-degraded',
      tags: ['integrations'],
      summary: "Judge a canary for Flagger's hook rollback: 200 only if it is degraded, so that Flagger rolls it back",
      request: { query: flaggerQuery, ...body(Hook) },
      responses: {
        200: answers('Degraded: Flagger rolls the canary back', Answer),
        403: problems('Not degraded, or automation is paused: the canary continues'),
      },
    }),
    async (c) => {
      const hook = c.req.valid('json');
      const targets = await allowedTargets(deps, hook, c.var.allow);
      if ((await deps.automation.read()).paused) throw new Refusal(403, 'gate-closed', 'the kill switch is on');
      const judgements = await Promise.all(targets.map((target) => judgeCanary(deps, hook, target)));
      const degraded = judgements.filter(({ verdict }) => verdict === 'degraded');
      if (degraded.length === 0)
        throw new Refusal(
          403,
          'gate-closed',
          `the canary is ${worstVerdict(judgements.map(({ verdict }) => verdict))}`,
        );
      c.var.log.info('requested a rollback of a degraded canary from Flagger', { canary: canaryName(hook) });
      return c.json(
        { allowed: true, verdict: 'degraded' as const, reasons: degraded.flatMap(({ reasons }) => reasons) },
        200,
      );
    },
  );
}

/**
 * Judges a canary. The version is that of the webhook's metadata, else of the only deployment in progress, else the name of
 * Flagger's workload, whose baseline has the suffix `-primary`.
 */
async function judgeCanary(deps: ApiDeps, hook: Hook, target: ServiceEnvironment): Promise<JudgementView> {
  const named = hook.metadata['version'] || (await versionInProgress(deps, target));
  const baseline = hook.metadata['baseline'] || (named === null ? `${hook.name}-primary` : null);
  return judgeVersion(deps, JudgementRequest.parse({ ...target, version: named ?? hook.name, baseline }));
}

/** Returns the worst of the verdicts about several environments of a canary. */
function worstVerdict(verdicts: readonly JudgementView['verdict'][]): JudgementView['verdict'] {
  return (['degraded', 'inconclusive'] as const).find((verdict) => verdicts.includes(verdict)) ?? 'healthy';
}
