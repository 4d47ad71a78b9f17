import type { Connections, GeneratedState } from '../../../schemas/config/connections.ts';
import { provabilityText } from './provability.ts';
import { ON_TIME_ALONE } from '../rollback/evidence-level.ts';

/**
 * Result of one check, whose text says what to do. `no`: wrong. `test`: a stand-in of the sandbox in place of the vendor.
 */
export type Finding = {
  verdict: 'ok' | 'test' | 'off' | 'warn' | 'no';
  about: string;
  text: string;
  /** Lines of a file that mend it. */
  lines?: string[];
};

/** What happens without a route for alerts of unknown services, and the route. */
export const UNMATCHED_UNREAD = 'warnings without a known service are kept, but nobody reads them';
export const UNMATCHED_ROUTE = 'unmatched: { slack: "#alerts-without-owner" }';

type Vendor = Connections['vendors'][number];
type Target = Connections['targets'][number];
type Evidence = Connections['evidence'][number];

/** Returns what a check of all connections has found. */
export const connectionFindings = (found: Connections): Finding[] => [
  ...found.vendors.map((vendor) => ({ verdict: verdictOf(vendor), about: vendor.name, text: textOf(vendor) })),
  ...targetFindings(found.targets),
  ...found.evidence.flatMap(evidenceFindings),
  ...found.unknown_environments.map(({ service, environment, problem }): Finding => ({
    verdict: 'warn',
    about: `${service}/${environment}`,
    text: `deployments are recorded for this environment, but ${problem}`,
  })),
  ...found.unnamed_environments.map(({ service, environments }): Finding => ({
    verdict: 'warn',
    about: service,
    text: `an alert without the label environment or env is unmatched, so it only pages: the service has ${environments.join(', ')}. Set defaultEnvironment in services.yaml, or add the label to the rules`,
  })),
  ...(found.unmatched_unread
    ? [
        {
          verdict: 'warn' as const,
          about: 'unmatched alerts',
          text: `${UNMATCHED_UNREAD}: no route delivers them. Write where they go in config/routes.yaml, such as ${UNMATCHED_ROUTE}`,
        },
      ]
    : []),
  ...found.judged.map(({ service, environment, problem }): Finding => ({
    verdict: 'warn',
    about: `${service}/${environment}`,
    text: problem,
  })),
  ...found.secrets.map(({ runbook, name }): Finding => ({
    verdict: 'warn',
    about: runbook.endsWith('.yaml') ? 'configuration' : 'runbook',
    text: `secret ${name} of ${runbook} is not set`,
  })),
  ...objectiveFindings(found.objectives),
  ...found.generated.flatMap(generatedFindings),
];

/** Returns the problems of the configuration. With an error, the last valid configuration stays active. */
export const configurationFindings = (problems: readonly string[]): Finding[] => [
  ...problems.map((text): Finding => ({ verdict: isWarning(text) ? 'warn' : 'no', about: 'configuration', text })),
  ...(problems.every(isWarning) ? [] : [LAST_GOOD]),
];

/** `config/freeze.yaml:7: warning: …` */
const isWarning = (problem: string): boolean => /:\d+: warning: /.test(problem);

const LAST_GOOD: Finding = {
  verdict: 'warn',
  about: 'configuration',
  text: 'the last valid configuration stays active',
};

const VERDICTS: Readonly<Record<Vendor['state'], Finding['verdict']>> = {
  connected: 'ok',
  set: 'ok',
  off: 'off',
  wrong: 'no',
  unreachable: 'no',
  incomplete: 'warn',
};

function verdictOf({ state, mode }: Vendor): Finding['verdict'] {
  const verdict = VERDICTS[state];
  return verdict === 'ok' && mode === 'stand-in' ? 'test' : verdict;
}

/** Starts with "stand-in" or "real": a response alone does not prove a connection to the vendor. */
function textOf({ name, mode, address, credentials = [], detail }: Vendor): string {
  if (mode === undefined || mode === 'off') return detail;
  if (mode === 'stand-in')
    return `stand-in at ${address}${name === 'PagerDuty pages' ? ', which pages no one' : ''}: ${detail}`;
  return `real, at ${address}${credentials.length > 0 ? ` with ${credentials.join(', ')}` : ''}: ${detail}`;
}

function targetFindings(all: readonly Target[]): Finding[] {
  if (all.length === 0)
    return [
      { verdict: 'warn', about: 'services', text: 'no services in the catalogue: see docs/reference/configuration.md' },
    ];
  return all.map(({ service, environment, deployer, mode, problem }) => ({
    verdict: problem !== null ? 'warn' : deployer === null ? 'off' : 'ok',
    about: `${service}/${environment}`,
    text: problem ?? (deployer === null ? 'no deployer: pages only, no rollback' : `${deployer}, mode ${mode}`),
  }));
}

/**
 * Returns what automation can prove, what would change it, and a warning if the evidence that the service requires is only the
 * time of the change.
 */
export function evidenceFindings({
  service,
  environment,
  can,
}: Pick<Evidence, 'service' | 'environment' | 'can'>): Finding[] {
  const about = `${service}/${environment}`;
  const finding = (text: string, verdict: Finding['verdict'] = 'warn'): Finding => ({ verdict, about, text });
  const text = can.kind === 'time' ? `autoRollback.evidence ${ON_TIME_ALONE}` : `automation: ${provabilityText(can)}`;
  const isProved = can.kind === 'proved';
  return [
    finding(text, isProved || can.kind === 'tested' ? 'ok' : 'warn'),
    ...can.steps.map((step) => finding(step, isProved ? 'ok' : 'warn')),
  ];
}

/** Returns whether objectives are evaluated, and a warning for each one without data, since it cannot freeze. */
function objectiveFindings({
  configured,
  evaluated_at: at,
  problem,
  failing,
  errors,
}: Connections['objectives']): Finding[] {
  if (configured === 0) return [];
  const evaluatedText = `${configured - failing} of ${configured} evaluated, last at ${at ?? '-'}`;
  const more = failing - errors.length;
  return [
    {
      verdict: problem === null ? 'ok' : at === null ? 'warn' : 'no',
      about: 'objectives',
      text: problem ?? evaluatedText,
    },
    ...errors.map(({ id, service, environment, problem: why, since }): Finding => ({
      verdict: 'warn',
      about: `${service}/${environment}`,
      text: `objective ${id}, ${since === null ? 'no data yet' : `data until ${since}`}: ${why}`,
    })),
    ...(more > 0 ? [{ verdict: 'warn' as const, about: 'objectives', text: `${more} more with problems` }] : []),
  ];
}

/** Returns each difference between the generated files and what is loaded, or why they were not compared. */
function generatedFindings({ source, state, detail, differences }: GeneratedState): Finding[] {
  const about = `${source} files`;
  const differenceFindings = differences.map(({ kind, name, detail: what }): Finding => ({
    verdict: 'warn',
    about,
    text: `${kind}: ${name}: ${what}`,
  }));
  if (state === 'differs') return differenceFindings;
  if (state === 'unreadable') return [{ verdict: 'warn', about, text: `not compared: ${detail}` }];
  return [
    { verdict: state === 'same' ? 'ok' : 'off', about, text: state === 'same' ? `as generated: ${detail}` : detail },
  ];
}
