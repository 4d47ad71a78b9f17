import type { Config } from '../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { ExperimentConfig } from '../config.ts';
import type { DeployerConfig } from '../../../schemas/rollback/targets.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { ChaosObject, ChaosTarget, ClusterChaos } from '../types.ts';

/** A service and environment whose runs are observed. */
export type ObservedEntry = {
  serviceEnvironment: ServiceEnvironment;
  settings: ExperimentConfig;
  chaos: ClusterChaos & { observe: NonNullable<ClusterChaos['observe']> };
  deployer: DeployerConfig | undefined;
};

/** Services that observe the same objects: one chaos system in one namespace of one cluster. */
export type ObservedList = { id: string; chaos: ClusterChaos; entries: ObservedEntry[] };

/** Returns what is to be listed, for the services that have `observe`. */
export function observedLists(services: Config['services']): ObservedList[] {
  const entries = Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { experiments, deployer }]): ObservedEntry[] => {
      const chaos = experiments?.chaos;
      if (experiments === undefined || chaos === undefined || chaos.kind === 'http') return [];
      const { observe } = chaos;
      if (observe === undefined) return [];
      const serviceEnvironment = {
        service: ServiceName.parse(service),
        environment: EnvironmentName.parse(environment),
      };
      return [{ serviceEnvironment, settings: experiments, chaos: { ...chaos, observe }, deployer }];
    }),
  );
  return [...Map.groupBy(entries, ({ chaos }) => listId(chaos))].flatMap(([id, group]) => {
    const [first] = group;
    return first === undefined ? [] : [{ id, chaos: first.chaos, entries: group }];
  });
}

const listId = ({ kind, url, auth, namespace }: ClusterChaos): string =>
  JSON.stringify([kind, url ?? null, auth?.bearer ?? null, namespace]);

/** Annotations of an object that name its service. */
export const SERVICE_ANNOTATION = 'firebreak.dev/service';
export const ENVIRONMENT_ANNOTATION = 'firebreak.dev/environment';

/** The services that a run certainly affects, or why there is none. */
export type ObservedScope = { entries: ObservedEntry[]; why: null } | { entries: []; why: string; fix: string };

/**
 * Finds the services that an object affects, among those that observe its list: by its annotations, otherwise by the
 * pods that it selects. A selector that also selects other pods belongs to no service.
 */
export function observedScope(object: ChaosObject, among: readonly ObservedEntry[]): ObservedScope {
  const service = object.annotations[SERVICE_ANNOTATION];
  const environment = object.annotations[ENVIRONMENT_ANNOTATION];
  if (service !== undefined) {
    const named = among.filter(
      ({ serviceEnvironment: candidate }) =>
        candidate.service === service && (environment === undefined || candidate.environment === environment),
    );
    if (named.length === 1) return { entries: named, why: null };
    const what = environment === undefined ? service : `${service} in ${environment}`;
    return {
      entries: [],
      why:
        named.length === 0
          ? `its annotations name ${what}, which does not observe it`
          : `its annotations name ${what}, which observes it in ${named.length} environments`,
      fix:
        named.length === 0
          ? `set \`experiments.chaos.observe\` of ${what} in services.yaml`
          : `annotate it with ${ENVIRONMENT_ANNOTATION}`,
    };
  }
  const entries = among.filter((entry) => object.targets.some((target) => isTargeted(entry, target)));
  if (entries.length > 0) return { entries, why: null };
  const targets = object.targets.map(textOf);
  return {
    entries: [],
    why: targets.length === 0 ? 'it names no pods' : `no service observes ${targets.join(' or ')}`,
    fix: `add its pods to \`experiments.chaos.observe.targets\` of a service in services.yaml, or annotate it with ${SERVICE_ANNOTATION}`,
  };
}

function isTargeted({ chaos, deployer }: ObservedEntry, { namespace, labels, workload }: ChaosTarget): boolean {
  if (workload !== null)
    return (
      deployer?.kind === 'kubernetes' &&
      workload.kind.toLowerCase() === 'deployment' &&
      deployer.namespace === namespace &&
      deployer.deployment === workload.name
    );
  return (
    labels !== null &&
    chaos.observe.targets.some(
      (target) =>
        target.namespace === namespace &&
        Object.entries(target.labels).every(([name, value]) => labels[name] === value),
    )
  );
}

function textOf({ namespace, labels, workload }: ChaosTarget): string {
  if (workload !== null) return `the ${workload.kind} ${namespace}/${workload.name}`;
  if (labels === null) return `pods in ${namespace} that are not selected by equal labels`;
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? `all pods in ${namespace}` : `pods in ${namespace} with ${pairs.join(', ')}`;
}
