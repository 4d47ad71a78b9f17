import { createRoute, z } from '@hono/zod-openapi';
import { rollbackGateAnswer, environmentsOfCanary } from '../../domain/rollback/rollback-gate.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { putsVersionLive } from '../../domain/changes/versions.ts';
import { canaryName, Hook, serviceEnvironmentInMetadata } from '../../integrations/flagger/hook.ts';
import type { Config } from '../../schemas/config/config.ts';
import { type CheckAnswer, CheckRequest, Verdict } from '../../schemas/freeze/freeze-check.ts';
import { EnvironmentName, ServiceName, type Version } from '../../schemas/config/names.ts';
import type { Env } from '../context.ts';
import { answers, type Api, body, endpoint, problems } from '../endpoint.ts';
import { check } from '../../actions/freeze/check.ts';
import { detectRollback } from '../../actions/freeze/rollbacks.ts';

export const flaggerQuery = z.object({
  key: z.string().max(256).optional().openapi({ description: 'A token that allows only flagger:gate' }),
});

const Answer = Verdict.pick({ allowed: true, verdict: true, reasons: true, clears_when: true }).meta({
  id: 'FlaggerGate',
});

/** How many recent deployments of a service and environment are searched for one in progress. */
const CHANGES_READ = 20;

const ID_MAX_CHARS = 256;

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
      const verdicts = await Promise.all(targets.map((target) => gateVerdictAt(deps, hook, target, c.var)));
      const answer = combinedVerdict(verdicts);
      c.var.log.debug('answered the gate of a canary', {
        canary: canaryName(hook),
        phase: hook.phase,
        allowed: answer.allowed,
      });
      return answer.allowed ? c.json(answer, 200) : c.json(answer, 423);
    },
  );
}

/** Returns the services and environments of a canary. @throws Refusal 403 if the key does not allow one of them */
export async function allowedTargets(
  { config }: Pick<Deps, 'config'>,
  hook: Hook,
  allow: Env['Variables']['allow'],
): Promise<ServiceEnvironment[]> {
  const targets = serviceEnvironmentsFor((await config.current()).services, hook);
  for (const target of targets) allow(target);
  return targets;
}

/**
 * Returns the services and environments of a canary: those in the webhook's metadata, otherwise those whose deployer of
 * `kind: flagger` has this canary, otherwise the service of the same name. If there are several, all must be allowed.
 */
function serviceEnvironmentsFor(services: Config['services'], hook: Hook): ServiceEnvironment[] {
  const { service, environment } = serviceEnvironmentInMetadata(hook);
  const known = environmentsOfCanary(services, canaryName(hook)).filter(
    (serviceEnvironment) => service === undefined || service === serviceEnvironment.service,
  );
  const matching = known.filter(
    (serviceEnvironment) => environment === undefined || environment === serviceEnvironment.environment,
  );
  if (matching.length > 0) return matching;
  const name = service ?? known[0]?.service ?? hook.name;
  return [
    {
      service: ServiceName.parse(name),
      environment: EnvironmentName.parse(environment || defaultEnvironment(services, name)),
    },
  ];
}

function defaultEnvironment(services: Config['services'], name: string): string {
  const entry = Object.hasOwn(services, name) ? services[ServiceName.parse(name)] : undefined;
  const [only, another] = Object.keys(entry?.environments ?? {});
  return entry?.defaultEnvironment ?? (another === undefined ? only : undefined) ?? 'production';
}

export type GateVerdict = Pick<CheckAnswer, 'allowed' | 'verdict' | 'reasons' | 'clears_when'>;

export type Authorized = Pick<Env['Variables'], 'principal' | 'allow'>;

export async function gateVerdictAt(
  deps: Deps,
  hook: Hook,
  serviceEnvironment: ServiceEnvironment,
  { principal, allow }: Authorized,
): Promise<GateVerdict> {
  const { phase, checksum } = hook;
  const rollbackGate = rollbackGateAnswer(
    await deps.rollbackGates.get(serviceEnvironment),
    { canary: canaryName(hook), phase, checksum },
    deps.clock.now(),
  );
  if (rollbackGate.open) return refusalDuringRollback(rollbackGate.request);
  const version = hook.metadata['version'] || (await versionInProgress(deps, serviceEnvironment));
  // Flagger asks at every interval of a rollout. The ID makes the rollout count only once.
  const deployment_id = checksum === '' ? null : `flagger ${checksum} ${canaryName(hook)}`.slice(0, ID_MAX_CHARS);
  const request = await detectRollback(deps, CheckRequest.parse({ ...serviceEnvironment, version, deployment_id }));
  const consume = request.version !== null || deployment_id !== null;
  return check(deps, { request, by: principal.name, allow, consume, identityToken: null });
}

/**
 * Returns the version of the only deployment in progress, or null. Flagger does not send the version that it rolls out.
 */
export async function versionInProgress(
  { changes }: Pick<Deps, 'changes'>,
  serviceEnvironment: ServiceEnvironment,
): Promise<Version | null> {
  const inProgress = (await changes.recent(serviceEnvironment, CHANGES_READ)).filter(
    (change) => putsVersionLive(change) && change.status === 'started',
  );
  const [only, another] = inProgress;
  return only !== undefined && another === undefined ? only.version : null;
}

/** Refuses to continue a rollout that is being rolled back. */
const refusalDuringRollback = ({
  from,
  to,
  incident_id,
}: {
  from: string;
  to: string;
  incident_id: string;
}): GateVerdict => ({
  allowed: false,
  verdict: 'freeze',
  reasons: [
    {
      code: 'incident',
      text: `${from} is being rolled back to ${to} in incident ${incident_id}`,
    },
  ],
  clears_when: 'when another version is deployed',
});

/** Combines the verdicts of several environments: all must allow the rollout. */
export function combinedVerdict(verdicts: readonly GateVerdict[]): GateVerdict {
  const refused = verdicts.filter(({ allowed }) => !allowed);
  const kinds = verdicts.map(({ verdict }) => verdict);
  return {
    allowed: refused.length === 0,
    verdict: refused.length > 0 ? 'freeze' : kinds.includes('warn') ? 'warn' : 'allow',
    reasons: (refused.length > 0 ? refused : verdicts).flatMap(({ reasons }) => reasons),
    clears_when: refused.length === 0 ? null : refused.flatMap(({ clears_when }) => clears_when ?? []).join('; and '),
  };
}
