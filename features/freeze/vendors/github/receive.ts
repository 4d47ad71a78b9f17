import type { ProtectionAnswer } from '../../../../core/domain/ports/extensions.ts';
import type { Log } from '../../../../core/domain/ports/system.ts';
import { answerDeployment, type ProtectionDeps } from './answer.ts';
import { waitingDeploymentOf, ProtectionRuleEvent } from './event.ts';
import { inTime } from '../../../../core/stores/in-time.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import type { Deps } from '../../ports.ts';
import { GITHUB_API_URL } from '../../../../vendors/github/rest.ts';
import type { WaitingDeployment } from '../../schemas/waiting-deployment.ts';
import { inputProblemText } from '../../../../schemas/parsing/input-problems.ts';

/**
 * How long a webhook waits for the answer. GitHub gives up after 10 seconds; the sweeper answers recorded deployments.
 */
const PATIENCE_MS = 8_000;

/**
 * Processes a request of GitHub to approve a deployment. Records it first, so that it is answered even if this process
 * fails, and then answers it if time allows. `gate` in the response and in logs is the ID of the waiting deployment.
 */
export async function answerProtectionRule(
  deps: ProtectionDeps & Pick<Deps, 'secrets'>,
  payload: unknown,
  { id: delivery, log }: { id: string | undefined; log: Log },
): Promise<ProtectionAnswer> {
  const parsed = ProtectionRuleEvent.safeParse(payload);
  if (!parsed.success)
    throw new Refusal(422, 'invalid', `deployment_protection_rule: ${inputProblemText(parsed.error)}`);
  const { gate, callbackOrigin } = waitingDeploymentOf(parsed.data, deps.clock.now());
  const apiUrl = (await deps.secrets.get('GITHUB_API_URL')) ?? GITHUB_API_URL;
  if (new URL(apiUrl).origin !== callbackOrigin)
    log.warn('a webhook has the API address of another GitHub; Firebreak calls the configured one', {
      named: callbackOrigin,
      configured: apiUrl,
    });
  const stored = await deps.waitingDeployments.keep(gate);
  if (stored === undefined) {
    log.info('a webhook repeats a deployment that is already answered', { delivery, gate: gate.id });
    return { gate: gate.id, state: 'answered_before' };
  }
  const answered = answerDeployment(deps, stored).catch((error: unknown) => {
    log.warn('a deployment could not be answered at once; the sweeper tries again', {
      delivery,
      gate: gate.id,
      error: String(error),
    });
    return undefined;
  });
  const state = (await inTime(PATIENCE_MS, answered)) ?? 'waiting';
  log.info('a deployment waits for approval by the protection rule', { delivery, ...logFields(stored), state });
  return { gate: gate.id, state };
}

const logFields = ({ id, repository, environment, run }: WaitingDeployment) => ({
  gate: id,
  repository,
  environment,
  run,
});
