import {
  type AliasConfiguration,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateAliasCommand,
} from '@aws-sdk/client-lambda';
import type { TargetResponse, Deployer, DriftCheck } from '../../core/domain/rollback/targets.ts';
import type { LambdaAliasDeployer } from './schema.ts';
import { accountAndRegionOf, type AwsAccess, cachedByAccess } from './access.ts';
import { type AwsCall, attempt, refuse } from './attempt.ts';
import { type PublishedVersion, publishedVersions, identifyVersions } from './lambda-versions.ts';
import type { Names } from './naming.ts';

const clientAt = cachedByAccess((settings) => new LambdaClient(settings));

/**
 * Creates a deployer for a Lambda alias, which a rollback points at the previous version. The change is complete when
 * the API responds, and a repeat changes nothing. The alias's RevisionId prevents a call that arrives late, or after
 * another change, from having an effect.
 */
export function lambdaAliasDeployer(config: LambdaAliasDeployer, access: AwsAccess): Deployer {
  const client = clientAt(access);
  const aliasInput = { FunctionName: config.function, Name: config.alias };
  const readAlias = async (call: AwsCall, names: Names) => {
    const alias = await call((options) => client.send(new GetAliasCommand(aliasInput), options));
    const versions = await publishedVersions(client, aliasInput.FunctionName, call);
    const { to, which } = identifyVersions(versions, names);
    return { alias, to, ...servedBy(alias, versions, which) };
  };
  const pointAlias = async (
    call: AwsCall,
    alias: AliasConfiguration,
    to: PublishedVersion,
  ): Promise<TargetResponse> => {
    await refuseFailedVersion(client, aliasInput.FunctionName, to, call);
    await call((options) =>
      client.send(
        new UpdateAliasCommand({
          ...aliasInput,
          FunctionVersion: to.number,
          RoutingConfig: { AdditionalVersionWeights: {} }, // without this, the weights would remain
          RevisionId: alias.RevisionId,
        }),
        options,
      ),
    );
    return { kind: 'succeeded', id: to.number };
  };
  return {
    target: `Lambda ${config.function}:${config.alias}`,
    resource: aliasResource(config, access),
    effectClass: 'convergent',
    rollBack: (request) =>
      attempt('Lambda', async (call) => {
        const { alias, to, runs, serving } = await readAlias(call, request);
        if (runs === 'to') return { kind: 'succeeded', id: to.number };
        if (runs === undefined) return { kind: 'superseded', current: serving };
        return pointAlias(call, alias, to);
      }),
    // Never called, because `rollBack` never returns a handle. Only reads; `rollBack` does the rest.
    status: (_, request) =>
      attempt('Lambda', async (call): Promise<TargetResponse> => {
        const { to, runs, serving } = await readAlias(call, request);
        if (runs === 'to') return { kind: 'succeeded', id: to.number };
        if (runs === undefined) return { kind: 'superseded', current: serving };
        return { kind: 'in_progress', id: to.number, handle: null };
      }),
    async checkDrift(request): Promise<DriftCheck> {
      const live = await attempt('Lambda', async (call) => readAlias(call, request));
      if ('kind' in live) return { kind: 'unknown', detail: live.detail };
      if (live.runs === 'to') return { kind: 'holds' };
      return { kind: 'drifted', detail: `the alias ${config.alias} points at ${live.serving}` };
    },
  };
}

/** Returns the name of the resource that changes of an alias lock. */
export const aliasResource = (config: LambdaAliasDeployer, access: AwsAccess): string =>
  `lambda-alias ${JSON.stringify([
    ...accountAndRegionOf(access, config.function),
    config.function.split(':').at(-1),
    config.alias,
  ])}`;

/**
 * Returns what an alias serves: one version, or two with weights. `runs` is `from` if the bad version gets all of the
 * traffic, or part of it beside the good version. A third version is another rollout, which a rollback must not undo.
 */
function servedBy(
  alias: AliasConfiguration,
  versions: readonly PublishedVersion[],
  which: (version: PublishedVersion) => 'from' | 'to' | undefined,
): { runs: 'from' | 'to' | undefined; serving: string } {
  const weighted = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {}).filter(([, share]) => share > 0);
  const shares = [{ number: alias.FunctionVersion ?? '', share: undefined as number | undefined }].concat(
    weighted.map(([number, share]) => ({ number, share })),
  );
  const servedVersions = shares.map((served) => ({
    ...served,
    version: versions.find(({ number }) => number === served.number),
  }));
  const kinds = servedVersions.map(({ version }) => version && which(version));
  const isKnown = kinds.every((kind) => kind !== undefined);
  return {
    runs: !isKnown ? undefined : kinds.includes('from') ? 'from' : 'to',
    serving: servedVersions
      .map(({ number, share, version }) =>
        [
          version?.description ? `${number} (${version.description})` : number,
          ...(share === undefined ? [] : [`for ${Math.round(share * 100)} %`]),
        ].join(' '),
      )
      .join(', '),
  };
}

/**
 * Refuses a version that can't run. A version whose image or layer is gone is listed like any other, but fails when it
 * is invoked.
 */
export async function refuseFailedVersion(
  client: LambdaClient,
  functionName: string,
  to: PublishedVersion,
  call: AwsCall,
): Promise<void> {
  const query = { FunctionName: functionName, Qualifier: to.number };
  const { State, StateReason } = await call((options) =>
    client.send(new GetFunctionConfigurationCommand(query), options),
  );
  if (State === 'Failed') refuse(`version ${to.number} can't run: ${StateReason ?? 'its state is Failed'}`);
}
