import * as z from 'zod';
import { matchingName } from '../../../core/domain/catalogue/known-names.ts';
import { counted } from '../../../core/domain/reports/words.ts';
import type { CheckInputs } from '../decisions/check-inputs.ts';
import { CAUSE_WORDS, endsWhenText } from '../decisions/words.ts';
import { decide } from '../decisions/decide.ts';
import { FreezeView, Override } from '../schemas/freeze.ts';
import { CheckAnswer, FreezeDecisionView } from '../schemas/freeze-check.ts';
import { apiCall, apiCommand, apiGroup, type Column, listOf, tableOf } from '../../../entrances/cli/api-command.ts';
import { Client } from '../../../entrances/cli/client.ts';
import { canonicalJson } from '../../../entrances/cli/hash.ts';
import { publicKeysIn, thumbprintsOf } from '../../../entrances/cli/offline/keys.mjs';
import { JSON_OPTION, LIMIT_OPTION, numberTo500, required } from '../../../entrances/cli/options.ts';
import { asJson, oneLine, shortTime } from '../../../entrances/cli/table.ts';
import { UsageError, CommandFailure, type CommandContext } from '../../../entrances/cli/command-context.ts';
import { FREEZE_CHECK, reasonLines } from './check.ts';
import { open } from './open.ts';

const Freezes = z.object({ items: z.array(FreezeView) });
const NewOverride = Override.pick({ id: true, needs_approval: true }).extend({ warnings: z.array(z.string()) });

const COLUMNS: readonly Column<FreezeView>[] = [
  'id',
  [
    'SCOPE',
    ({ service, team, environment }) => `${service ?? (team === null ? '*' : `team ${team}`)}/${environment ?? '*'}`,
  ],
  ['CAUSE', ({ cause }) => CAUSE_WORDS[cause]],
  ['STATE', ({ state }) => state.replace('_', ' ')],
  ['FROM', ({ starts_at: at }) => shortTime(at)],
  ['UNTIL', ({ ended_at: ended, until }) => shortTime(ended ?? until)],
  [
    'REASON',
    (freeze) =>
      (freeze.ended_at ?? freeze.until) === null ? `${freeze.reason}; ${endsWhenText(freeze)}` : freeze.reason,
  ],
];

const inForce = ({ items }: z.infer<typeof Freezes>): FreezeView[] => items.filter(({ state }) => state !== 'over');

const IN_FORCE = apiCall({
  call: 'GET /v1/freezes',
  send: () => ({ limit: 500 }),
  response: Freezes,
  json: inForce,
  print: (freezes) => [tableOf(inForce(freezes), COLUMNS)],
});

/** A freeze check for a plain deploy. It succeeds also when frozen: the command reports, it does not gate. */
const STATUS = apiCall({
  call: 'GET /v1/freeze-check',
  send: ({ service, environment }) => ({ service, environment, look: 'true' }),
  response: CheckAnswer,
  print: ({ allowed, verdict, reasons, clears_when: clears }, { service, environment }) => [
    `${String(service)}/${String(environment)}: ${allowed ? verdict : 'frozen'}`,
    ...reasonLines(reasons),
    ...(clears === null ? [] : [`  Clears ${clears}`]),
  ],
});

const FREEZE = ['<freeze>', 'Id, last characters of the id, or SERVICE[/ENVIRONMENT]'] as const;
const REASON = ['--reason <text>', 'Reason, for the record'] as const;

export const addFreeze = apiGroup('freeze', 'Check, open, lift, and override deploy freezes', [
  FREEZE_CHECK,
  {
    usage: 'status',
    description: 'Show freezes in force, or whether one service is frozen',
    args: [['[service]'], ['[environment]', 'Environment of the service', 'production']],
    options: [JSON_OPTION],
    choose: ({ service }) => (service === undefined ? IN_FORCE : STATUS),
  },
  {
    usage: 'list',
    description: 'List freezes, newest first, including ended ones',
    options: [
      ['--service <name>', 'Only freezes of this service'],
      ['--environment <name>', 'Only freezes of this environment'],
      LIMIT_OPTION,
      JSON_OPTION,
    ],
    ...listOf('/v1/freezes', FreezeView, COLUMNS),
  },
  {
    usage: 'open',
    description: 'Freeze deploys now or from a given time; prompts for a missing scope or end at a terminal',
    options: [
      required('--reason <text>', 'Reason, shown for each refused deploy'),
      ['--service <name>', 'Freeze deploys of this service'],
      ['--team <name>', "Freeze deploys of this team's services"],
      ['--environment <name>', 'Freeze deploys to this environment'],
      ['--all', 'Freeze all deploys to all environments'],
      ['--starts-at <time>', 'Start, RFC 3339 (default: now)'],
      ['--until <time>', 'End, RFC 3339'],
      ['--for <duration>', 'Duration, such as 30m, 2h, or 1d'],
      ['--until-lifted', 'No end: the freeze applies until it is lifted'],
      ['-y, --yes', 'Skip prompts; a missing scope means all deploys, a missing end means until lifted'],
      JSON_OPTION,
    ],
    run: open,
  },
  {
    usage: 'lift',
    description: 'Lift a freeze; the same cause freezes again only after it has cleared once',
    args: [FREEZE],
    options: [REASON],
    resolve: { freeze: freezeNamed },
    call: 'DELETE /v1/freezes/:freeze',
    print: (_, { freeze: id }) => [`${String(id)} is lifted`],
  },
  {
    usage: 'override',
    description: 'Allow deployments during a freeze',
    args: [FREEZE],
    options: [
      required(...REASON),
      ['--expires-at <time>', 'When the override expires, RFC 3339'],
      ['--minutes <n>', 'Minutes until the override expires', numberTo500],
      ['--uses <n>', 'Number of deployments (default: unlimited)', numberTo500],
      ['--version <version>', 'Only deployments of this version'],
    ],
    run: override,
  },
  apiCommand({
    usage: 'approve',
    description: 'Approve an override as a second person',
    args: [FREEZE, ['<override>']],
    resolve: { freeze: freezeNamed },
    call: 'POST /v1/freezes/:freeze/overrides/:override/approve',
    response: Override.pick({ approved_by: true }),
    print: ({ approved_by: by }, { override: id }) => [`${String(id)} is approved by ${by ?? 'an unknown user'}`],
  }),
  {
    usage: 'withdraw',
    description: 'Withdraw an override; deployments that have used it stay allowed',
    args: [FREEZE, ['<override>']],
    options: [REASON],
    resolve: { freeze: freezeNamed },
    call: 'DELETE /v1/freezes/:freeze/overrides/:override',
    print: (_, { override: id }) => [`${String(id)} is withdrawn`],
  },
  {
    usage: 'keys',
    description: "Print thumbprints of Firebreak's signing keys, in the format of FIREBREAK_KEYS",
    options: [['--json', 'Print the JWKS']],
    run: printKeys,
  },
  apiCommand({
    usage: 'explain <decision>',
    description: 'Show the inputs of a freeze decision and evaluate it again; exits with 1 if the verdict differs',
    options: [JSON_OPTION],
    call: 'GET /v1/freeze-decisions/:decision',
    response: FreezeDecisionView.transform(evaluatedAgain),
    print: ({ request, verdict, count, at, by, last_at: last, inputs, same }) => [
      `${request.change} of ${request.version ?? 'an unspecified version'} to ${request.service} in ${request.environment}: ${verdict.verdict}`,
      `checked ${counted(count, 'time')}, first ${shortTime(at)} UTC by ${by}, last ${shortTime(last)} UTC`,
      ...reasonLines(verdict.reasons),
      `  inputs: ${inputsText(inputs as CheckInputs)}`,
      `evaluated again from its inputs: ${same ? 'same verdict' : 'DIFFERENT VERDICT'}`,
    ],
    failure: ({ id, again, same }) => (same ? undefined : `${id} has a different verdict now: ${canonicalJson(again)}`),
  }),
]);

/** Minimum length of the last characters of an id. A shorter text is more likely a mistyped service name. */
const ID_END_MIN = 4;

/** Returns whether a name is meant, also in another letter case. */
const isSameName = (name: string | undefined, known: string | null): boolean =>
  name !== undefined && known !== null && matchingName(name, [known]) !== undefined;

/**
 * Returns the id of the freeze with this name.
 * @throws CommandFailure if no freeze in force or scheduled has this name; UsageError if several have it
 */
async function freezeNamed(client: Client, freezeName: string): Promise<string> {
  if (freezeName.startsWith('frz_')) return freezeName;
  const { items } = await client.get('/v1/freezes?limit=500', Freezes);
  const [service, environment] = freezeName.split('/');
  const [match, ...others] = items.filter(
    (freeze) =>
      freeze.id === freezeName ||
      (freeze.state !== 'over' &&
        ((isSameName(service, freeze.service) &&
          (environment === undefined || isSameName(environment, freeze.environment))) ||
          (freezeName.length >= ID_END_MIN && freeze.id.endsWith(freezeName)))),
  );
  if (match === undefined)
    throw new CommandFailure(
      `freeze ${JSON.stringify(freezeName)} not found; to list freezes: firebreak freeze status`,
    );
  if (others.length > 0)
    throw new UsageError(
      [
        `${JSON.stringify(freezeName)} matches several freezes:`,
        ...[match, ...others].map(({ id, reason }) => oneLine(`  ${id}  ${reason}`)),
      ].join('\n'),
    );
  return match.id;
}

type OverrideOptions = {
  freeze: string;
  reason: string;
  expiresAt?: string;
  minutes?: number;
  uses?: number;
  version?: string;
};

async function override(
  context: CommandContext,
  { freeze, expiresAt, minutes, ...body }: OverrideOptions,
): Promise<void> {
  if ((expiresAt === undefined) === (minutes === undefined))
    throw new UsageError('specify either --minutes or --expires-at');
  const expires_at = expiresAt ?? new Date(Date.now() + (minutes ?? 0) * 60_000).toISOString();
  const client = await Client.of(context);
  const id = await freezeNamed(client, freeze);
  const path = `/v1/freezes/${encodeURIComponent(id)}/overrides`;
  const created = await client.create(path, { ...body, expires_at }, NewOverride);
  context.out(created.id);
  for (const warning of created.warnings) context.err(oneLine(`warning: ${warning}`));
  if (created.needs_approval) context.err(`another person must approve: firebreak freeze approve ${id} ${created.id}`);
}

async function printKeys(context: CommandContext, { json }: { json?: true }): Promise<void> {
  const jwks = await (await Client.of(context)).get('/.well-known/jwks.json', z.unknown());
  const thumbprints = [...thumbprintsOf(publicKeysIn(jwks))];
  if (thumbprints.length === 0)
    throw new CommandFailure('this Firebreak has no signing key: see docs/how-to/freeze-check.md');
  context.out(json ? asJson(jwks) : thumbprints.join(','));
}

function evaluatedAgain(decision: z.infer<typeof FreezeDecisionView>) {
  const again = decide(decision.inputs as CheckInputs);
  return { ...decision, again, same: canonicalJson(decidedIn(again)) === canonicalJson(decidedIn(decision.verdict)) };
}

/** The parts of a verdict that decide. Texts can change with a version. */
const decidedIn = ({ reasons, ...verdict }: z.infer<typeof FreezeDecisionView>['verdict']) => ({
  ...verdict,
  clears_when: null,
  reasons: reasons.map(({ code }) => code),
});

function inputsText({ own, calendar, incidents, pins, objectives, evaluatedAt }: CheckInputs): string {
  return [
    counted(own.freezes.length, 'freeze'),
    counted(calendar.length, 'calendar entry', 'calendar entries'),
    counted(incidents.length, 'open incident'),
    counted(pins.length, 'pinned version'),
    counted(objectives, 'objective'),
    evaluatedAt === null ? 'never evaluated' : `evaluated at ${shortTime(evaluatedAt)} UTC`,
  ].join(', ');
}
