import * as z from 'zod';
import { CheckedChange } from '../schemas/checked-change.ts';
import { CheckAnswer } from '../schemas/freeze-check.ts';
import type { ApiCommand } from '../../../entrances/cli/api-command.ts';
import { Client, NoResponse, ErrorResponse, queryOf } from '../../../entrances/cli/client.ts';
import { stateFile, storeVerifiedAnswer, type Trust, trustedKeysFor } from './signed-answers.ts';
import { decideOffline, readStoredState, type StoredState } from '../../../entrances/cli/offline/decide.mjs';
import { choice, JSON_OPTION } from '../../../entrances/cli/options.ts';
import { asJson, oneLine, shortTime } from '../../../entrances/cli/table.ts';
import { UsageError, CommandFailure, type CommandContext } from '../../../entrances/cli/command-context.ts';

type Options = {
  version?: string;
  service?: string;
  environment?: string;
  commit?: string;
  deploymentId?: string;
  change?: CheckedChange;
  identityToken?: string;
  look?: true;
  strict?: true;
  onOutage: 'allow' | 'deny';
  state?: string;
  keys?: string;
  json?: true;
};

export const FREEZE_CHECK: ApiCommand = {
  usage: 'check [service] [environment]',
  description: 'Check whether a deploy is allowed: exits with 0 if allowed, 1 if not',
  options: [
    ['--service <name>', 'Same as the first argument'],
    ['--environment <name>', 'Same as the second argument'],
    ['--version <version>', 'Version to deploy'],
    ['--commit <sha>', 'Commit to deploy'],
    ['--deployment-id <id>', 'ID of the deployment, the same in each retry; consumes an override, returns a token'],
    choice('--change <kind>', 'Kind of change (default: deploy)', CheckedChange.options),
    ['--identity-token <token>', 'OpenID Connect token of the CI system (or FIREBREAK_IDENTITY_TOKEN)'],
    ['--look', 'Check without consuming an override; no deployment depends on the answer'],
    ['--strict', 'Also exit with 1 if the service or the environment is unknown'],
    choice('--on-outage <answer>', 'Answer when Firebreak is unreachable and no signed answer is stored', [
      'allow',
      'deny',
    ]).default('deny'),
    ['--state <file>', "File with the last signed answers (default: in the user's cache)"],
    [
      '--keys <keys>',
      'Trusted signing keys: thumbprints, a file of them, or a JWKS file (or FIREBREAK_KEYS; default: the keys that ' +
        'Firebreak published at the last check)',
    ],
    JSON_OPTION,
  ],
  run: (context, options: Options) => check(context, checkTarget(options), options),
};

type CheckTarget = { service: string; environment: string };

function checkTarget({ service, environment }: Options): CheckTarget {
  if (service === undefined || environment === undefined)
    throw new UsageError('specify service and environment: firebreak freeze check checkout production');
  return { service, environment };
}

async function check(context: CommandContext, target: CheckTarget, options: Options): Promise<void> {
  const client = await Client.of(context);
  const signedFor = { ...target, server: client.url };
  const file = stateFile(context, options.state);
  const trust = await trustedKeysFor(context, client.url, options.keys);
  try {
    const answer = await requestCheck(client, context, target, options);
    if (answer.signed_state !== null)
      await storeSignedAnswer(context, client, answer.signed_state, { signedFor, file, trust });
    print(context, answer, options);
  } catch (error) {
    if (!isOutage(error)) throw error;
    context.err(error.message);
    printOfflineDecision(context, target, options, await readStoredState(file, signedFor, trust.keys));
  }
}

/** Returns whether Firebreak gave no verdict: no response, an error of its own (5xx), or a request to come later. */
const isOutage = (error: unknown): error is CommandFailure =>
  error instanceof NoResponse ||
  (error instanceof ErrorResponse && (error.status >= 500 || error.status === 408 || error.status === 429));

function requestCheck(
  client: Client,
  context: CommandContext,
  target: CheckTarget,
  options: Options,
): Promise<CheckAnswer> {
  const { version, commit, deploymentId: deployment_id, change } = options;
  const query = { ...target, version, commit, deployment_id, change };
  const identity_token = options.identityToken ?? (context.env['FIREBREAK_IDENTITY_TOKEN'] || undefined);
  if (options.look || (deployment_id === undefined && identity_token === undefined))
    return client.get(
      `/v1/freeze-check${queryOf({ ...query, look: options.look && 'true' })}`,
      CheckAnswer,
      identity_token,
    );
  return client.post('/v1/freeze-check', { ...query, identity_token }, CheckAnswer);
}

/** Stores the signed answer for outages. A failure is a warning: it does not block the deploy. */
async function storeSignedAnswer(
  context: CommandContext,
  client: Client,
  state: string,
  { signedFor, file, trust }: { signedFor: Parameters<typeof readStoredState>[1]; file: string; trust: Trust },
): Promise<void> {
  try {
    await storeVerifiedAnswer(context, file, signedFor, trust, {
      state,
      jwks: await client.get('/.well-known/jwks.json', z.unknown()),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown';
    context.err(oneLine(`warning: cannot store the signed answer for outages: ${why}`));
  }
}

/** Formats each reason as a line, with the rest indented below it. */
export const reasonLines = (reasons: CheckAnswer['reasons']): string[] =>
  reasons.flatMap(({ text, more = [] }) => [`  ${text}`, ...more.map((one) => `    ${one}`)]);

/** Reasons with which `--strict` does not allow a deploy. */
const UNKNOWN_NAMES: ReadonlySet<string> = new Set(['unknown_service', 'unknown_environment']);

function print(context: CommandContext, answer: CheckAnswer, { json, strict }: Options): void {
  if (json) context.out(asJson(answer));
  else {
    context.out(answer.allowed ? (answer.verdict === 'warn' ? 'allowed, with a warning' : 'allowed') : 'frozen');
    for (const line of reasonLines(answer.reasons)) context.out(oneLine(line));
    if (answer.clears_when !== null) context.out(oneLine(`  Clears ${answer.clears_when}`));
    if (answer.next_transition_at !== null) context.out(`  Can change at ${shortTime(answer.next_transition_at)} UTC`);
    context.out(`  decision ${answer.decision_id}`);
  }
  if (!answer.allowed) throw new CommandFailure('not allowed');
  const unknown = answer.reasons.find(({ code }) => UNKNOWN_NAMES.has(code));
  if (strict && unknown !== undefined) throw new CommandFailure(`not allowed with --strict: ${unknown.text}`);
}

/** Prints the offline decision and its basis. The JSON has the same keys as an online answer. */
function printOfflineDecision(
  context: CommandContext,
  target: CheckTarget,
  options: Options,
  storedState: StoredState,
): void {
  const { version, commit, change } = options;
  const query = { version, commit, change, isRollback: change === 'rollback' };
  const { allowed, because, by, evaluated_at } = decideOffline(query, storedState, options.onOutage, new Date());
  const text = oneLine(`${allowed ? 'allowed' : 'not allowed'} while Firebreak is unreachable: ${because}`);
  if (allowed) context.err(text);
  if (options.json)
    context.out(
      asJson({
        ...target,
        allowed,
        verdict: allowed ? 'warn' : 'freeze',
        outage: true,
        decided_by: by,
        reasons: [{ code: 'outage', text }],
        evaluated_at,
        data_age_s: null,
        stale: true,
        next_transition_at: null,
        clears_when: null,
        override: null,
        decision_id: null,
        token: null,
        signed_state: null,
      }),
    );
  else context.out(allowed ? 'allowed' : 'not allowed');
  if (!allowed) throw new CommandFailure(text);
}
