import { type AliasConfiguration, GetAliasCommand, LambdaClient, UpdateAliasCommand } from '@aws-sdk/client-lambda';
import {
  isSameWeight,
  type TrafficCall,
  type TrafficPair,
  type TrafficReading,
  type TrafficRouter,
} from '../decisions/traffic.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import type { LambdaAliasDeployer } from '../../../vendors/aws/schema.ts';
import { type AwsAccess, cachedByAccess } from '../../../vendors/aws/access.ts';
import { attempt, type AwsCall } from '../../../vendors/aws/attempt.ts';
import { aliasResource, refuseFailedVersion } from '../../../vendors/aws/lambda-alias.ts';
import { type PublishedVersion, publishedVersions, identifyVersions } from '../../../vendors/aws/lambda-versions.ts';

const clientAt = cachedByAccess((settings) => new LambdaClient(settings));

/** What an alias serves. `weight`: the canary's share in percent, 0 to 100; null if the alias serves another version. */
type Served = {
  stable: PublishedVersion;
  canary: PublishedVersion;
  weight: number | null;
  serving: string;
  isPromoted: boolean;
};

/**
 * Creates a router for the weights of a Lambda alias: the alias points at the stable version, and its routing
 * configuration gives a share to the other one. A change is complete when the API responds. The alias's RevisionId
 * prevents a call that arrives late from replacing a newer one.
 */
export function lambdaAliasTraffic(config: LambdaAliasDeployer, access: AwsAccess): TrafficRouter {
  const client = clientAt(access);
  const aliasInput = { FunctionName: config.function, Name: config.alias };
  const readServed = async (call: AwsCall, pair: TrafficPair) => {
    const alias = await call((options) => client.send(new GetAliasCommand(aliasInput), options));
    const versions = await publishedVersions(client, aliasInput.FunctionName, call);
    return { alias, ...servedBy(alias, versions, pair) };
  };
  return {
    target: `Lambda ${config.function}:${config.alias}`,
    resource: aliasResource(config, access),
    effectClass: 'convergent',
    async read(pair): Promise<TrafficReading> {
      const served = await attempt('Lambda', (call) => readServed(call, pair));
      if ('kind' in served) return { kind: 'unknown', detail: served.detail };
      if (served.isPromoted) return { kind: 'split', stable: pair.canary, canary: null, weight: 0 };
      if (served.weight === null) return { kind: 'split', stable: served.serving, canary: null, weight: 0 };
      const hasBoth = served.weight > 0;
      return { kind: 'split', stable: pair.stable, canary: hasBoth ? pair.canary : null, weight: served.weight };
    },
    apply: (request) =>
      attempt('Lambda', async (call): Promise<TargetResponse> => {
        const served = await readServed(call, request);
        if (hasReached(served, request)) return { kind: 'succeeded', id: served.canary.number };
        if (served.weight === null) return { kind: 'superseded', current: served.serving };
        if (request.action !== 'abort') await refuseFailedVersion(client, aliasInput.FunctionName, served.canary, call);
        await call((options) =>
          client.send(
            new UpdateAliasCommand({
              ...aliasInput,
              ...routingOf(served, request),
              RevisionId: served.alias.RevisionId,
            }),
            options,
          ),
        );
        return { kind: 'succeeded', id: served.canary.number };
      }),
  };
}

/** Lambda needs a version that has all of the traffic to be the alias's own. */
function routingOf({ stable, canary }: Served, { action, weight }: TrafficCall) {
  const none = { AdditionalVersionWeights: {} };
  switch (action) {
    case 'promote':
      return { FunctionVersion: canary.number, RoutingConfig: none };
    case 'abort':
      return { FunctionVersion: stable.number, RoutingConfig: none };
    case 'set':
      return {
        FunctionVersion: stable.number,
        RoutingConfig: weight === 0 ? none : { AdditionalVersionWeights: { [canary.number]: weight / 100 } },
      };
  }
}

function hasReached({ weight, isPromoted }: Served, request: TrafficCall): boolean {
  switch (request.action) {
    case 'promote':
      return isPromoted;
    case 'abort':
      return weight === 0;
    case 'set':
      return weight !== null && isSameWeight(weight, request.weight);
  }
}

function servedBy(alias: AliasConfiguration, versions: readonly PublishedVersion[], pair: TrafficPair): Served {
  const names = { from: pair.stable, to: pair.canary, fromCommit: null, toCommit: null };
  const { to: canary, which } = identifyVersions(versions, names);
  const weights = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {}).filter(([, share]) => share > 0);
  const aliasVersion = versions.find(({ number }) => number === alias.FunctionVersion);
  const [canaryWeight] = weights;
  const serving = [alias.FunctionVersion ?? '', ...weights.map(([number]) => number)].join(' and ');
  const stable = versions.find((version) => which(version) === 'from');
  const isOurs =
    aliasVersion !== undefined &&
    which(aliasVersion) === 'from' &&
    weights.every(([number]) => number === canary.number);
  return {
    stable: stable ?? canary,
    canary,
    weight: isOurs ? (canaryWeight?.[1] ?? 0) * 100 : null,
    serving,
    isPromoted: aliasVersion !== undefined && which(aliasVersion) === 'to' && weights.length === 0,
  };
}
