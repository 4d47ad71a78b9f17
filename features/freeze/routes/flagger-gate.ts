import type { Deps } from '../ports.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../../../entrances/http/endpoint.ts';
import { allowedTargets, flaggerQuery, gateVerdict } from '../../../entrances/http/webhooks/flagger-gate.ts';
import { canaryName, Hook } from '../../../vendors/flagger/hook.ts';
import { Verdict } from '../schemas/freeze-check.ts';

const Answer = Verdict.pick({ allowed: true, verdict: true, reasons: true, clears_when: true }).meta({
  id: 'FlaggerGate',
});

/**
 * Registers the gate for Flagger's hooks `confirm-rollout`, `confirm-promotion`, and `confirm-traffic-increase`. With
 * 200, the canary continues. With any other status, it waits, and Flagger asks again at its next interval.
 */
export function flaggerGateRoute(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'flagger:gate',
    createRoute({
      method: 'post',
      path: '/integrations/flagger/gate',
      tags: ['integrations'],
      summary: 'Check whether a canary may be rolled out or promoted: 200 if it is allowed, 423 if it is frozen',
      request: { query: flaggerQuery, ...body(Hook) },
      responses: {
        200: answers('The canary continues', Answer),
        423: answers('The canary waits', Answer),
        403: problems('The key does not allow this canary'),
        503: problems('The verdict is unknown, so the canary waits'),
      },
    }),
    async (c) => {
      const hook = c.req.valid('json');
      const targets = await allowedTargets(deps, hook, c.var.allow);
      const answer = Answer.parse(await gateVerdict(deps, hook, targets, c.var));
      c.var.log.debug('answered the gate of a canary', {
        canary: canaryName(hook),
        phase: hook.phase,
        allowed: answer.allowed,
      });
      return answer.allowed ? c.json(answer, 200) : c.json(answer, 423);
    },
  );
}
