import { type AliasConfiguration, GetAliasCommand, LambdaClient, UpdateAliasCommand } from '@aws-sdk/client-lambda';
import {
  isSameWeight,
  type TrafficCall,
  type TrafficPair,
  type TrafficReading,
  type TrafficRouter,
} from '../../domain/canary/traffic.ts';
import type { TargetResponse } from '../../domain/rollback/targets.ts';
import type { LambdaAliasDeployer } from '../../schemas/rollback/targets/aws.ts';
import { type AwsAccess, keptBy } from './access.ts';
import { attempt, type AwsCall } from './attempt.ts';
import { aliasResource, refuseUnfit } from './lambda-alias.ts';
import { type Published, publishedVersions, readVersions } from './lambda-versions.ts';

const clientAt = keptBy((settings) => new LambdaClient(settings));

/** What an alias serves. Null: not a version of this canary. `canary`: percent, 0 to 100. */
type Served = { stable: Published; canary: Published; weight: number | null; serving: string; isPromoted: boolean };

/**
 * Creates a router for the weights of a Lambda alias: the alias points at the stable version, and its routing
 * configuration gives a share to the other one. A change is complete when the API responds. The alias's RevisionId
 * prevents a call that arrives late from replacing a newer one.
 */
export function lambdaAliasTraffic(config: LambdaAliasDeployer, access: AwsAccess): TrafficRouter {
  const client = clientAt(access);
  const at = { FunctionName: config.function, Name: config.alias };
  const look = async (call: AwsCall, pair: TrafficPair) => {
    const alias = await call((options) => client.send(new GetAliasCommand(at), options));
    const versions = await publishedVersions(client, at.FunctionName, call);
    return { alias, ...servedBy(alias, versions, pair) };
  };
  return {
    target: `Lambda ${config.function}:${config.alias}`,
    resource: aliasResource(config, access),
    effectClass: 'convergent',
    async read(pair): Promise<TrafficReading> {
      const seen = await attempt('Lambda', (call) => look(call, pair));
      if ('kind' in seen) return { kind: 'unknown', detail: seen.detail };
      if (seen.isPromoted) return { kind: 'split', stable: pair.canary, canary: null, weight: 0 };
      if (seen.weight === null) return { kind: 'split', stable: seen.serving, canary: null, weight: 0 };
      const hasBoth = seen.weight > 0;
      return { kind: 'split', stable: pair.stable, canary: hasBoth ? pair.canary : null, weight: seen.weight };
    },
    apply: (order) =>
      attempt('Lambda', async (call): Promise<TargetResponse> => {
        const seen = await look(call, order);
        if (hasReached(seen, order)) return { kind: 'succeeded', id: seen.canary.number };
        if (seen.weight === null) return { kind: 'superseded', current: seen.serving };
        if (order.action !== 'abort') await refuseUnfit(client, at.FunctionName, seen.canary, call);
        await call((options) =>
          client.send(
            new UpdateAliasCommand({ ...at, ...routingOf(seen, order), RevisionId: seen.alias.RevisionId }),
            options,
          ),
        );
        return { kind: 'succeeded', id: seen.canary.number };
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

function hasReached({ weight, isPromoted }: Served, order: TrafficCall): boolean {
  switch (order.action) {
    case 'promote':
      return isPromoted;
    case 'abort':
      return weight === 0;
    case 'set':
      return weight !== null && isSameWeight(weight, order.weight);
  }
}

function servedBy(alias: AliasConfiguration, versions: readonly Published[], pair: TrafficPair): Served {
  const names = { from: pair.stable, to: pair.canary, fromCommit: null, toCommit: null };
  const { to: canary, which } = readVersions(versions, names);
  const weights = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {}).filter(([, share]) => share > 0);
  const own = versions.find(({ number }) => number === alias.FunctionVersion);
  const [extra] = weights;
  const serving = [alias.FunctionVersion ?? '', ...weights.map(([number]) => number)].join(' and ');
  const stable = versions.find((version) => which(version) === 'from');
  const isOurs = own !== undefined && which(own) === 'from' && weights.every(([number]) => number === canary.number);
  return {
    stable: stable ?? canary,
    canary,
    weight: isOurs ? (extra?.[1] ?? 0) * 100 : null,
    serving,
    isPromoted: own !== undefined && which(own) === 'to' && weights.length === 0,
  };
}
