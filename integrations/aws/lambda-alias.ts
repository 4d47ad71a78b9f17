import {
  type AliasConfiguration,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateAliasCommand,
} from '@aws-sdk/client-lambda';
import type { ActAnswer, Deployer, Held } from '../../domain/targets.ts';
import type { LambdaAliasDeployer } from '../../schemas/deployers.ts';
import { ownerOf, type AwsAccess, keptBy } from './access.ts';
import { type Ask, attempt, refuse } from './attempt.ts';
import { type Published, publishedVersions, readVersions } from './lambda-versions.ts';
import type { Names } from './naming.ts';

const clientAt = keptBy((settings) => new LambdaClient(settings));

/**
 * An alias of a Lambda function, pointed back at the version that was. What is changed is a pointer, so it is done when
 * it is answered, and setting it again changes nothing. The alias' RevisionId keeps a call that comes late, or after
 * somebody else's, from having an effect.
 */
export function lambdaAliasDeployer(config: LambdaAliasDeployer, access: AwsAccess): Deployer {
  const client = clientAt(access);
  const at = { FunctionName: config.function, Name: config.alias };
  const look = async (ask: Ask, names: Names) => {
    const alias = await ask((options) => client.send(new GetAliasCommand(at), options));
    const versions = await publishedVersions(client, at.FunctionName, ask);
    const { to, which } = readVersions(versions, names);
    return { alias, to, ...judge(alias, versions, which) };
  };
  const point = async (ask: Ask, alias: AliasConfiguration, to: Published): Promise<ActAnswer> => {
    await refuseUnfit(client, at.FunctionName, to, ask);
    await ask((options) =>
      client.send(
        new UpdateAliasCommand({
          ...at,
          FunctionVersion: to.number,
          RoutingConfig: { AdditionalVersionWeights: {} }, // left out, the weights would stay
          RevisionId: alias.RevisionId,
        }),
        options,
      ),
    );
    return { kind: 'succeeded', id: to.number };
  };
  return {
    target: `Lambda ${config.function}:${config.alias}`,
    resource: `lambda-alias ${JSON.stringify([
      ...ownerOf(access, config.function),
      config.function.split(':').at(-1),
      config.alias,
    ])}`,
    effectClass: 'convergent',
    rollBack: (request) =>
      attempt('Lambda', async (ask) => {
        const { alias, to, runs, serving } = await look(ask, request);
        if (runs === 'to') return { kind: 'succeeded', id: to.number };
        if (runs === undefined) return { kind: 'superseded', current: serving };
        return point(ask, alias, to);
      }),
    // Never asked for: nothing is under way after an answer. It looks, and leaves the rest to `rollBack`.
    status: (_, request) =>
      attempt('Lambda', async (ask): Promise<ActAnswer> => {
        const { to, runs, serving } = await look(ask, request);
        if (runs === 'to') return { kind: 'succeeded', id: to.number };
        if (runs === undefined) return { kind: 'superseded', current: serving };
        return { kind: 'in_progress', id: to.number, handle: null };
      }),
    async held(request): Promise<Held> {
      const seen = await attempt('Lambda', async (ask) => look(ask, request));
      if ('kind' in seen) return { kind: 'unknown', detail: seen.detail };
      if (seen.runs === 'to') return { kind: 'holds' };
      return { kind: 'drifted', detail: `the alias ${config.alias} points at ${seen.serving}` };
    },
  };
}

/**
 * What an alias serves: one version, or with weights two. `runs` is `from` where the bad version gets all or part of the
 * traffic and the good one the rest. A third version in it is somebody's rollout: not ours to take back.
 */
function judge(
  alias: AliasConfiguration,
  versions: readonly Published[],
  which: (version: Published) => 'from' | 'to' | undefined,
): { runs: 'from' | 'to' | undefined; serving: string } {
  const weighted = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {}).filter(([, share]) => share > 0);
  const parts = [{ number: alias.FunctionVersion ?? '', share: undefined as number | undefined }].concat(
    weighted.map(([number, share]) => ({ number, share })),
  );
  const found = parts.map((part) => ({ ...part, version: versions.find(({ number }) => number === part.number) }));
  const kinds = found.map(({ version }) => version && which(version));
  const known = kinds.every((kind) => kind !== undefined);
  return {
    runs: !known ? undefined : kinds.includes('from') ? 'from' : 'to',
    serving: found
      .map(({ number, share, version }) =>
        [
          version?.description ? `${number} (${version.description})` : number,
          ...(share === undefined ? [] : [`for ${Math.round(share * 100)} %`]),
        ].join(' '),
      )
      .join(', '),
  };
}

/** A version whose image or layer is gone is listed as any other, and fails when it is called. */
async function refuseUnfit(client: LambdaClient, functionName: string, to: Published, ask: Ask): Promise<void> {
  const query = { FunctionName: functionName, Qualifier: to.number };
  const { State, StateReason } = await ask((options) =>
    client.send(new GetFunctionConfigurationCommand(query), options),
  );
  if (State === 'Failed') refuse(`version ${to.number} can't run: ${StateReason ?? 'its state is Failed'}`);
}
