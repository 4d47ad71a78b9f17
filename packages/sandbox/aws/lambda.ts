import { Hono, type Context } from 'hono';
import * as z from 'zod';
import { AWS_ACCOUNT, callerOf } from './caller.ts';
import { type Alias, codeSha256, type Functions, type FunctionVersion, openFunctions } from './functions.ts';
import { AwsRefusal } from './refusal.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/** Maximum number of versions per page, regardless of `MaxItems`. */
const PAGE_SIZE = 50;

const AliasChange = z.object({
  FunctionVersion: z.string().nullish(),
  Description: z.string().nullish(),
  RoutingConfig: z.object({ AdditionalVersionWeights: z.record(z.string(), z.number()).nullish() }).nullish(),
  RevisionId: z.string().nullish(),
});

/**
 * Versions and aliases of the Lambda API, in REST JSON. Code is not stored: every publication counts as new code.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/api/ (GetAlias, UpdateAlias, ListVersionsByFunction; read 2026-11)
 */
export function lambdaApi(deps: StandInDeps): Hono {
  const functions = openFunctions(deps.db);
  const functionIn = (c: Context) => {
    const { region } = callerOf(c.req.raw, 'lambda');
    const name =
      decodeURIComponent(c.req.param('function') ?? '')
        .split(':')
        .at(-1) ?? '';
    return { name, arn: `arn:aws:lambda:${region}:${AWS_ACCOUNT}:function:${name}` };
  };
  return new Hono()
    .get('/:function/aliases/:alias', (c) => {
      const { name, arn } = functionIn(c);
      return c.json(
        aliasJson(arn, requireAlias(functions.alias(name, c.req.param('alias')), arn, c.req.param('alias'))),
      );
    })
    .put('/:function/aliases/:alias', async (c) => {
      const { name, arn } = functionIn(c);
      const alias = requireAlias(functions.alias(name, c.req.param('alias')), arn, c.req.param('alias'));
      const change = AliasChange.parse(await c.req.json());
      return c.json(aliasJson(arn, functions.setAlias(changedAlias(alias, change, functions, arn))));
    })
    .get('/:function/versions', (c) => {
      const { name, arn } = functionIn(c);
      const all = [undefined, ...requireVersions(functions, name, arn)];
      const from = Number(c.req.query('Marker') ?? 0);
      const next = from + Math.min(PAGE_SIZE, Number(c.req.query('MaxItems') ?? PAGE_SIZE));
      return c.json({
        NextMarker: next < all.length ? String(next) : null,
        Versions: all.slice(from, next).map((version) => configurationJson(arn, version)),
      });
    })
    .post('/:function/versions', async (c) => {
      const { name, arn } = functionIn(c);
      requireVersions(functions, name, arn);
      const { Description } = z.object({ Description: z.string().nullish() }).parse(await c.req.json());
      const version = functions.publish(name, { description: Description ?? '' }, deps.now());
      return c.json(configurationJson(arn, version), 201);
    })
    .get('/:function/configuration', (c) => {
      const { name, arn } = functionIn(c);
      const qualifier = c.req.query('Qualifier') ?? '$LATEST';
      const number = functions.alias(name, qualifier)?.version ?? qualifier;
      const versions = requireVersions(functions, name, arn);
      return c.json(configurationJson(arn, number === '$LATEST' ? undefined : requireVersion(versions, number, arn)));
    });
}

/** @throws AwsRefusal if the function does not exist */
function requireVersions(functions: Functions, name: string, arn: string): FunctionVersion[] {
  const versions = functions.versions(name);
  if (versions.length === 0) throw new AwsRefusal('ResourceNotFoundException', `Function not found: ${arn}`, 404);
  return versions;
}

function requireAlias(alias: Alias | undefined, arn: string, name: string): Alias {
  if (alias) return alias;
  throw new AwsRefusal('ResourceNotFoundException', `Cannot find alias arn: ${arn}:${name}`, 404);
}

function requireVersion(versions: readonly FunctionVersion[], number: string, arn: string): FunctionVersion {
  const version = versions.find((each) => String(each.number) === number);
  if (version) return version;
  throw new AwsRefusal('ResourceNotFoundException', `Function not found: ${arn}:${number}`, 404);
}

/** @throws AwsRefusal */
function changedAlias(
  alias: Alias,
  { FunctionVersion, Description, RoutingConfig, RevisionId }: z.infer<typeof AliasChange>,
  functions: Functions,
  arn: string,
): Omit<Alias, 'revision'> {
  if (RevisionId != null && RevisionId !== alias.revision) {
    const message =
      'The Revision Id provided does not match the latest Revision Id. Call the GetAlias API to retrieve the latest';
    throw new AwsRefusal('PreconditionFailedException', message, 412);
  }
  const versions = functions.versions(alias.function);
  const aliasVersion = FunctionVersion ?? alias.version;
  const weights = RoutingConfig ? (RoutingConfig.AdditionalVersionWeights ?? {}) : alias.weights;
  for (const number of [aliasVersion, ...Object.keys(weights)])
    if (number !== '$LATEST') requireVersion(versions, number, arn);
  const shares = Object.values(weights);
  if (shares.length > 1 || shares.some((share) => share < 0 || share > 1) || aliasVersion in weights)
    throw new AwsRefusal('InvalidParameterValueException', 'Invalid routing configuration for alias');
  return { ...alias, version: aliasVersion, weights, description: Description ?? alias.description };
}

const aliasJson = (arn: string, { name, version: number, description, weights, revision }: Alias): object => ({
  AliasArn: `${arn}:${name}`,
  Name: name,
  FunctionVersion: number,
  Description: description,
  ...(Object.keys(weights).length > 0 && { RoutingConfig: { AdditionalVersionWeights: weights } }),
  RevisionId: revision,
});

/** @param of undefined for `$LATEST` */
const configurationJson = (arn: string, of: FunctionVersion | undefined): object => ({
  FunctionName: arn.split(':').at(-1),
  FunctionArn: `${arn}:${of?.number ?? '$LATEST'}`,
  Runtime: 'nodejs24.x',
  Handler: 'index.handler',
  Timeout: 3,
  MemorySize: 128,
  PackageType: 'Zip',
  Version: of === undefined ? '$LATEST' : String(of.number),
  Description: of?.description ?? '',
  State: of?.state ?? 'Active',
  ...(of?.state === 'Failed' && {
    StateReason: 'The image of the function is not available.',
    StateReasonCode: 'ImageDeleted',
  }),
  LastUpdateStatus: 'Successful',
  ...(of && {
    CodeSha256: codeSha256(of),
    LastModified: new Date(of.published_at).toISOString().replace('Z', '+0000'),
  }),
});
