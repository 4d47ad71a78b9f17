import * as z from 'zod';
import { rollbackGateAnswer, environmentsOfCanary } from '../../../core/domain/rollback/rollback-gate.ts';
import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { defaultEnvironmentOf, serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { incidentName, type Named } from '../../../core/domain/incidents/incident-number.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { RollbackGates } from '../../../core/domain/ports/rollback.ts';
import { checkDeploy, type DeployVerdict } from '../../../core/domain/ports/extensions.ts';
import { putsVersionLive } from '../../../core/domain/changes/versions.ts';
import { canaryName, type Hook, serviceEnvironmentInMetadata } from '../../../vendors/flagger/hook.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { Env } from '../context.ts';

export const flaggerQuery = z.object({
  key: z.string().max(256).optional().meta({ description: 'A token that allows only flagger:gate' }),
});

/** How many recent deployments of a service and environment are searched for one in progress. */
const CHANGES_READ = 20;

const ID_MAX_CHARS = 256;

/** Returns the services and environments of a canary. @throws Refusal 403 if the key does not allow one of them */
export async function allowedTargets(
  { config }: Pick<Deps, 'config'>,
  hook: Hook,
  allow: Env['Variables']['allow'],
): Promise<ServiceEnvironment[]> {
  const targets = serviceEnvironmentsFor(await config.current(), hook);
  for (const target of targets) allow(target);
  return targets;
}

/**
 * Returns the services and environments of a canary: those in the webhook's metadata, otherwise those whose deployer of
 * `kind: flagger` has this canary, otherwise the service of the same name. If there are several, all must be allowed.
 */
function serviceEnvironmentsFor(config: Config, hook: Hook): ServiceEnvironment[] {
  const { services } = config;
  const { service, environment } = inConfiguredSpelling(config, serviceEnvironmentInMetadata(hook));
  const known = environmentsOfCanary(services, canaryName(hook)).filter(
    (serviceEnvironment) => service === undefined || service === serviceEnvironment.service,
  );
  const matching = known.filter(
    (serviceEnvironment) => environment === undefined || environment === serviceEnvironment.environment,
  );
  if (matching.length > 0) return matching;
  const name = service ?? known[0]?.service ?? inConfiguredSpelling(config, { service: hook.name }).service;
  return [
    {
      service: ServiceName.parse(name),
      environment: EnvironmentName.parse(environment || defaultEnvironmentOf(serviceEntry(services, name))),
    },
  ];
}

type Authorized = Pick<Env['Variables'], 'principal' | 'allow'>;

type GateDeps = Pick<Deps, 'changes' | 'clock' | 'extensions' | 'incidents'> & { rollbackGates: RollbackGates };

async function gateVerdictAt(
  deps: GateDeps,
  hook: Hook,
  serviceEnvironment: ServiceEnvironment,
  { principal, allow }: Authorized,
): Promise<DeployVerdict> {
  const { phase, checksum } = hook;
  const rollbackGate = rollbackGateAnswer(
    await deps.rollbackGates.get(serviceEnvironment),
    { canary: canaryName(hook), phase, checksum },
    deps.clock.now(),
  );
  if (rollbackGate.open) {
    const { request } = rollbackGate;
    return refusalDuringRollback(
      request,
      (await deps.incidents.read(request.incident_id)) ?? { id: request.incident_id },
    );
  }
  const version = versionIn(hook) ?? (await versionInProgress(deps, serviceEnvironment));
  // Flagger asks at every interval of a rollout. The ID makes the rollout count only once.
  const deployment_id = checksum === '' ? null : `flagger ${checksum} ${canaryName(hook)}`.slice(0, ID_MAX_CHARS);
  const consume = version !== null || deployment_id !== null;
  return checkDeploy(
    deps,
    { ...serviceEnvironment, version, deployment_id },
    { by: principal.name, allow, consume, canBeRollback: true },
  );
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

/** Returns the version that the metadata of the webhook names. */
const versionIn = ({ metadata }: Hook): Version | null =>
  metadata['version'] ? Version.parse(metadata['version']) : null;

/** Refuses to continue a rollout that is being rolled back. */
const refusalDuringRollback = ({ from, to }: { from: string; to: string }, incident: Named): DeployVerdict => ({
  allowed: false,
  verdict: 'freeze',
  reasons: [
    {
      code: 'incident',
      text: `${from} is being rolled back to ${to} in ${incidentName(incident)}`,
    },
  ],
  clears_when: 'when another version is deployed',
});

/** Returns whether a canary may go on: in all its environments. */
export const gateVerdict = async (
  deps: GateDeps,
  hook: Hook,
  targets: readonly ServiceEnvironment[],
  caller: Authorized,
): Promise<DeployVerdict> =>
  combinedVerdict(await Promise.all(targets.map((target) => gateVerdictAt(deps, hook, target, caller))));

/** Combines the verdicts of several environments: all must allow the rollout. */
function combinedVerdict(verdicts: readonly DeployVerdict[]): DeployVerdict {
  const refused = verdicts.filter(({ allowed }) => !allowed);
  const kinds = verdicts.map(({ verdict }) => verdict);
  return {
    allowed: refused.length === 0,
    verdict: refused.length > 0 ? 'freeze' : kinds.includes('warn') ? 'warn' : 'allow',
    reasons: (refused.length > 0 ? refused : verdicts).flatMap(({ reasons }) => reasons),
    clears_when: refused.length === 0 ? null : refused.flatMap(({ clears_when }) => clears_when ?? []).join('; and '),
  };
}
