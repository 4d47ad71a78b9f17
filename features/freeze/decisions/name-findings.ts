import { list } from '../../../core/domain/correlation/words.ts';
import { suggestionText } from '../../../schemas/parsing/similar-names.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';

/** Reports that the request used other names than the known ones, and that the environment is unknown. */
export function nameFindings({ request, requested, unknownEnvironment: unknown }: CheckInputs): Finding[] {
  const { service, environment } = request;
  return [
    ...(requested === undefined ? [] : [correctedFinding(requested, { service, environment })]),
    ...(unknown === undefined ? [] : [unknownFinding({ service, environment }, unknown)]),
  ];
}

type ScopeNames = { service: string; environment: string };

const correctedFinding = (requested: ScopeNames, { service, environment }: ScopeNames): Finding => ({
  code: 'name_corrected',
  effect: 'note',
  key: JSON.stringify([requested.service, requested.environment]),
  text:
    `${JSON.stringify(requested.service)} in ${JSON.stringify(requested.environment)} was read as ` +
    `${JSON.stringify(service)} in ${JSON.stringify(environment)}`,
  more: ['send the exact names'],
});

function unknownFinding(
  { service, environment }: ScopeNames,
  { policy, configured: known, suggestion: didYouMean, recorded }: NonNullable<CheckInputs['unknownEnvironment']>,
): Finding {
  const suggestion = suggestionText(didYouMean);
  // A deployment under a misspelled name must not make that name valid. Conversely, the policy does not refuse an
  // environment that has recorded deployments.
  if (recorded)
    return {
      code: 'unknown_environment',
      key: environment,
      effect: 'warn',
      text:
        `the environment ${JSON.stringify(environment)} of ${service} is not configured, only recorded by ` +
        `deployments${suggestion}`,
      more: [`configured in config/services.yaml: ${list(known)}`],
    };
  const finding = {
    code: 'unknown_environment',
    key: environment,
    text: `unknown environment ${JSON.stringify(environment)} of ${service}${suggestion}`,
  } as const;
  const more = [
    'it is not configured (config/services.yaml), and no deployment is recorded for it',
    `known environments: ${list(known)}`,
  ];
  if (policy === 'allow') return { ...finding, effect: 'warn', more };
  return {
    ...finding,
    effect: 'refuse',
    more: [...more, 'the policy does not allow this'],
    clears: `when the environment ${environment} is added to the catalogue, or a deployment is recorded for it`,
  };
}
