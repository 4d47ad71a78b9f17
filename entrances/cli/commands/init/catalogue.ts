import { stringify } from 'yaml';
import { provabilityText } from '../../../../core/domain/catalogue/provability.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { HealthHistory, Proposal } from '../../files.ts';

/** Returns the lines of `services.yaml`. @param from where the proposals come from */
export function catalogueText(proposals: readonly Proposal[], from: string): string {
  const services = [...Map.groupBy(proposals, ({ service }) => service)];
  const lines = [
    `# Proposed by firebreak init from what ${from} knows. Check it, and edit it as you like.`,
    '# In mode shadow, Firebreak decides and records what it would have done, and changes nothing.',
    '# All keys: docs/reference/configuration.md',
    'services:',
    ...services.flatMap(([service, ofOneService]) => serviceLines(service, ofOneService).map((line) => `  ${line}`)),
  ];
  return `${lines.join('\n')}\n`;
}

function serviceLines(service: string, proposals: readonly Proposal[]): string[] {
  const { label = 'service' } = proposals[0] ?? {};
  return [
    `${scalar(service)}:`,
    ...(label === 'service' ? [] : [`  match: { ${scalar(label)}: ${scalar(service)} } # labels of its alerts`]),
    '  environments:',
    ...proposals.flatMap((proposal) => [
      `    ${scalar(proposal.environment)}:`,
      ...environmentLines(proposal).map((line) => `      ${line}`),
    ]),
  ];
}

function environmentLines(proposal: Proposal): string[] {
  const { health, can } = proposal;
  return [
    ...deployerLines(proposal),
    'autoRollback: { mode: shadow }',
    ...[`Automation: ${provabilityText(can)}`, ...can.steps].map(comment),
    ...(health === null ? noHealth(proposal) : healthLines(health, proposal)),
  ];
}

function deployerLines({ service, deployer }: Proposal): string[] {
  if (deployer !== null) {
    const { kind, key, name, namespace, from } = deployer;
    const keys = [
      `kind: ${kind}`,
      ...(namespace === null ? [] : [`namespace: ${scalar(namespace)}`]),
      ...(name === service ? [] : [`${key}: ${scalar(name)}`]),
    ];
    return [comment(`Found in ${from}: check that it is the right one.`), `deployer: { ${keys.join(', ')} }`];
  }
  return [
    comment(
      'Your CD system: add its url, or choose another kind (docs/reference/deployers.md). CD_TOKEN is the name of',
    ),
    comment('the environment variable with its token. In mode shadow, it is never called.'),
    'deployer: { kind: http, auth: { bearer: CD_TOKEN } }',
  ];
}

const noHealth = ({ tried }: Proposal): string[] => [
  comment(
    tried.length === 0
      ? 'No metrics of it were found. Add health: { promql: "…", max: 0.01 }'
      : `No query had a value (${firstValues(tried)}). Add health: { promql: "…", max: 0.01 }`,
  ),
];

function healthLines(health: NonNullable<Proposal['health']>, { versions }: Proposal): string[] {
  const { promql, max, traffic, from, now, history } = health;
  const metricText = versions?.joined == null ? '' : ` of ${versions.joined}`;
  return [
    'health:',
    `  ${comment(`From ${from}. Now ${rounded(now)}.`)}`,
    ...(history === null ? [] : historyLines(history, max).map((line) => `  ${comment(line)}`)),
    `  promql: ${quoted(promql)}`,
    `  max: ${max}`,
    ...(traffic === null ? [] : [`  traffic: ${quoted(traffic)}`]),
    ...(versions === null
      ? []
      : [
          `  ${comment(`The label ${versions.label}${metricText} carries the version: ${firstValues(versions.values)}`)}`,
          `  byVersion: ${quoted(versions.byVersion)}`,
          ...(versions.trafficByVersion === null ? [] : [`  trafficByVersion: ${quoted(versions.trafficByVersion)}`]),
        ]),
  ];
}

/** Says what the limit is based on, and what was left out. */
function historyLines({ usual, from, until, leftOutHours }: HealthHistory, max: number): string[] {
  const left =
    leftOutHours === 0 ? '' : `, without ${rounded(leftOutHours)} h in which alerts fired or errors were outliers`;
  return [
    `From ${minute(from)} to ${minute(until)} UTC, 95 % of the values were at most ${rounded(usual)}${left}.`,
    ...(2 * usual > max ? ['This is much for the limit: check the query, and choose max yourself.'] : []),
  ];
}

const minute = (at: Timestamp): string => at.slice(0, 16).replace('T', ' ');

/** Returns a comment of one line. Names come from labels, which can contain anything. */
const comment = (text: string): string => `# ${text.replaceAll(/\p{Cc}/gu, ' ')}`;

/** Returns a text in one line of YAML, in quotation marks where it needs them. */
const scalar = (text: string): string =>
  stringify(text, { lineWidth: 0, blockQuote: false, singleQuote: true }).trimEnd();

/** Quotes a query. */
const quoted = (promql: string): string =>
  stringify(promql, {
    lineWidth: 0,
    blockQuote: false,
    singleQuote: true,
    defaultStringType: 'QUOTE_SINGLE',
  }).trimEnd();

const VALUES_SHOWN = 3;
const firstValues = (values: readonly string[]): string =>
  `${values.slice(0, VALUES_SHOWN).join(', ')}${values.length > VALUES_SHOWN ? ` and ${values.length - VALUES_SHOWN} more` : ''}`;

const rounded = (value: number): string => String(Number(value.toPrecision(2)));
