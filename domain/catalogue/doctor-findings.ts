import { MIN_SECONDS_SIDE_BY_SIDE } from '../correlation/side-by-side.ts';
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

type Vendor = {
  name: string;
  state: string;
  detail: string;
  /** This field and the next two are absent from an older Firebreak. */
  mode?: string | undefined;
  address?: string | undefined;
  credentials?: string[] | undefined;
};

type Target = {
  service: string;
  environment: string;
  deployer: string | null;
  mode: string;
  problem: string | null;
};

type Evidence = {
  service: string;
  environment: string;
  level: string;
  proofs: string[];
  missing: string | null;
  propose: string[];
  deploys: { examined: number; side_by_side: number } | null;
};

type Objectives = {
  configured: number;
  evaluated_at: string | null;
  problem: string | null;
  failing: number;
  errors: { id: string; service: string; environment: string; problem: string; since: string | null }[];
};

type Generated = {
  source: string;
  state: string;
  detail: string;
  differences: { kind: string; name: string; detail: string }[];
};

/** A check of all connections, as `GET /v1/connections` returns it. */
export type CheckedConnections = {
  vendors: Vendor[];
  targets: Target[];
  evidence: Evidence[];
  unknown_environments: { service: string; environment: string; problem: string }[];
  judged: { service: string; environment: string; problem: string }[];
  secrets: { runbook: string; name: string }[];
  /** Absent from an older Firebreak. */
  generated?: Generated[] | undefined;
  /** Absent from an older Firebreak. */
  objectives?: Objectives | undefined;
};

/** Returns what a check of all connections has found. */
export const connectionFindings = (found: CheckedConnections): Finding[] => [
  ...found.vendors.map((vendor) => ({ verdict: verdictOf(vendor), about: vendor.name, text: textOf(vendor) })),
  ...targetFindings(found.targets),
  ...found.evidence.flatMap(evidenceFindings),
  ...found.unknown_environments.map(({ service, environment, problem }): Finding => ({
    verdict: 'warn',
    about: `${service}/${environment}`,
    text: `deployments are recorded for this environment, but ${problem}`,
  })),
  ...found.judged.map(({ service, environment, problem }): Finding => ({
    verdict: 'warn',
    about: `${service}/${environment}`,
    text: problem,
  })),
  ...found.secrets.map(({ runbook, name }): Finding => ({
    verdict: 'warn',
    about: 'runbook',
    text: `secret ${name} of ${runbook} is not set`,
  })),
  ...objectiveFindings(found.objectives),
  ...(found.generated ?? []).flatMap(generatedFindings),
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

const VERDICTS: Readonly<Record<string, Finding['verdict']>> = {
  connected: 'ok',
  set: 'ok',
  off: 'off',
  wrong: 'no',
  unreachable: 'no',
};

function verdictOf({ state, mode }: Vendor): Finding['verdict'] {
  const verdict = VERDICTS[state] ?? 'warn';
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
 * Returns what automation could prove, a line to paste for each query that is missing, and a warning if the evidence that
 * the service requires is only the time of the change.
 */
export function evidenceFindings({
  service,
  environment,
  level,
  proofs,
  missing,
  propose,
  deploys,
}: Evidence): Finding[] {
  const about = `${service}/${environment}`;
  const provableText = `automation could prove a cause by ${proofs.length === 0 ? 'nothing' : proofs.join(', ')}`;
  const byVersion = proofs.includes('version');
  const isNeverProved = deploys?.side_by_side === 0;
  const deploysText =
    deploys === null
      ? ''
      : `; ${deploys.side_by_side} of the last ${deploys.examined} deploys could have been proved: both versions served for ${MIN_SECONDS_SIDE_BY_SIDE} s`;
  return [
    {
      verdict: byVersion && !isNeverProved ? 'ok' : 'warn',
      about,
      text: missing === null ? `${provableText}${deploysText}` : `${provableText}: ${missing}`,
    },
    ...propose.map((line): Finding => ({ verdict: 'warn', about, text: `add to health: ${line}` })),
    ...(level === 'time' ? [{ verdict: 'warn' as const, about, text: `autoRollback.evidence ${ON_TIME_ALONE}` }] : []),
  ];
}

/** Returns whether objectives are evaluated, and a warning for each one without data, since it cannot freeze. */
function objectiveFindings(state: Objectives | undefined): Finding[] {
  if (state === undefined || state.configured === 0) return [];
  const { configured, evaluated_at: at, problem, failing, errors } = state;
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
function generatedFindings({ source, state, detail, differences }: Generated): Finding[] {
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
