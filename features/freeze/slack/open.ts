import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import {
  configuredEnvironments,
  configuredScopes,
  suggestedName,
  environmentNamed,
  knownTeams,
  matchingName,
} from '../../../core/domain/catalogue/known-names.ts';
import { scopeInWords, untilText } from '../decisions/words.ts';
import type { Text } from '../../../core/domain/messages/chat-message.ts';
import { innerDuration, leadingDuration } from '../../../core/domain/slack/commands/duration.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { type FreezeScope, NewFreeze } from '../schemas/freeze.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { openFreeze as openOne } from '../actions/freezes.ts';
import { resolveScope } from '../actions/known-names.ts';
import { answered, Declined, nameIn } from '../../../entrances/slack/outcome.ts';
import { textInput } from '../../../entrances/slack/modals/blocks.ts';
import { FIELDS } from '../../../entrances/slack/modals/form.ts';
import type { CommandArguments, Verb, UsageError } from '../../../entrances/slack/commands/verb.ts';
import {
  idOf,
  NAMES_MAX,
  REASON_MAX,
  reasonOf,
  typedDuration,
  warningLines,
  withDuration,
  withoutTeam,
  type CommandDeps,
  type RunVerb,
} from './shared.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

type Open = {
  /** Services or teams as written: `team:payments` is always a team. Empty: the entire environment. */
  targets: string[];
  environment: string | null;
  /** Null: until lifted. */
  seconds: number | null;
  reason: string | null;
};

export const openFreeze: Verb<Open> = {
  permission: 'freezes:write',
  command: 'freeze',
  name: 'open',
  aliases: ['start', 'add', 'on', 'begin'],
  usage: 'open SERVICE|TEAM [ENVIRONMENT] [2h] REASON',
  description: 'freeze deploys; without a duration, until the freeze is lifted',
  named: ['reason', 'for', 'duration', 'env', 'environment', 'service', 'team'],
  parse: parseOpen,
  dialog: {
    id: 'open_freeze',
    title: 'Freeze deploys',
    submit: 'Freeze',
    field: FIELDS.target,
    isNeededFor: ({ targets, environment, reason }) =>
      (targets.length === 0 && environment === null) || reason === null,
    blocks: ({ draft }) => [
      textInput({
        field: FIELDS.target,
        label: 'Services or teams',
        hint: 'Separate several names with commas. "team:payments" always means a team. Leave empty to freeze all services of the environment.',
        optional: true,
        initial: draft?.targets.join(', ') ?? null,
        max: NAMES_MAX,
      }),
      textInput({
        field: FIELDS.environment,
        label: 'Environment',
        optional: true,
        initial: draft?.environment ?? null,
        max: 256,
        placeholder: 'all environments',
      }),
      textInput({
        field: FIELDS.duration,
        label: 'Duration',
        optional: true,
        initial: typedDuration(draft?.seconds ?? null),
        max: 16,
        placeholder: '2h or 30m; empty: until the freeze is lifted',
      }),
      textInput({
        field: FIELDS.reason,
        label: 'Reason',
        initial: draft?.reason ?? null,
        max: REASON_MAX,
        lines: true,
      }),
    ],
    read: (fields) => ({
      targets: fields.targets(),
      environment: fields.text(FIELDS.environment),
      seconds: fields.duration(),
      reason: fields.needed(
        FIELDS.reason,
        'Enter a reason. It is kept on record and shown to people whose deploys are blocked',
      ),
    }),
  },
  freeText: ({ reason }) => reason || null,
};

function parseOpen(input: CommandArguments): Open | UsageError {
  const { named, words } = input;
  const team = named.get('team');
  const byName = named.get('service') || (team && `team:${team}`) || undefined;
  const rest = byName !== undefined || coversEnvironment(input) ? 0 : 1;
  const targets = (byName ?? (rest === 0 ? '' : (words[0] ?? ''))).split(',').filter(Boolean);
  const { environment, at } = environmentAt(input, rest, targets);
  const { duration, reason } = withDuration(input, at);
  const what = [targets.join(',') || 'env=', environment].filter(Boolean).join(targets.length === 0 ? '' : ' ');
  if (duration !== undefined && 'problem' in duration)
    return {
      error: `${duration.problem}. If it is part of the reason, write reason="…"`,
      suggestion: `${what} 2h …`,
    };
  const inner =
    duration === undefined && named.get('reason') === undefined ? innerDuration(words.slice(at)) : undefined;
  if (inner !== undefined)
    return {
      error: `"${inner}" is in the middle of the reason. If it is the duration, write it before the reason; otherwise, write reason="…"`,
      suggestion: `${what} ${inner} …`,
    };
  return {
    targets,
    environment,
    seconds: duration?.seconds ?? null,
    reason: reasonOf(named.get('reason'), reason),
  };
}

/**
 * Returns the named environment, else the word after the targets if it is one of their environments, resembles one, or
 * stands alone before a duration. Whether the environment exists is checked when the freeze opens. `at`: index of the
 * remaining words.
 */
function environmentAt(
  { named, words, environmentsOf }: CommandArguments,
  at: number,
  targets: readonly string[],
): { environment: string | null; at: number } {
  const environmentName = named.get('environment') || named.get('env');
  if (environmentName) return { environment: environmentName, at };
  const none = { environment: null, at };
  const word = words[at];
  if (word === undefined || targets.length === 0 || leadingDuration(words.slice(at)) !== undefined) return none;
  const known = targets.flatMap((target) => environmentsOf(withoutTeam(target)) ?? []);
  const environment = environmentNamed(word, known);
  if (environment !== undefined) return { environment, at: at + 1 };
  const isMeant = suggestedName(word, known) !== null || leadingDuration(words.slice(at + 1)) !== undefined;
  return isMeant ? { environment: word, at: at + 1 } : none;
}

/** Returns whether the command names an entire environment, as `env=production 2h …` does, and no service. */
function coversEnvironment({ words, named, firstNamed }: CommandArguments): boolean {
  const hasEnvironment = Boolean(named.get('environment') || named.get('env'));
  if (!hasEnvironment) return false;
  return words.length === 0 || ((firstNamed ?? '').startsWith('env') && leadingDuration(words) !== undefined);
}

/** Returns the scope for a target, which is a service, or else a team. */
function scopeOf({ services }: Config, target: string | null, environment: string | null): FreezeScope {
  if (target === null)
    return {
      team: null,
      service: null,
      environment: environment === null ? null : nameIn(EnvironmentName, environment),
    };
  const name = withoutTeam(target);
  const isTeam =
    target !== name ||
    (matchingName(name, Object.keys(services)) === undefined &&
      matchingName(name, knownTeams({ services })) !== undefined);
  const where = environment === null ? null : nameIn(EnvironmentName, environment);
  return isTeam
    ? { team: name, service: null, environment: where }
    : { team: null, service: nameIn(ServiceName, name), environment: where };
}

export const runOpenFreeze: RunVerb<Open> = async (deps, { caller, key }, request) => {
  if ((request.targets.length === 0 && request.environment === null) || request.reason === null)
    throw new Declined('The target or the reason is missing. Nothing was done.');
  const config = await deps.config.current();
  const until = request.seconds === null ? null : plusSeconds(deps.clock.now(), request.seconds);
  const rows: Text[] = [];
  // Without a target, the freeze covers the entire environment.
  const targets = request.targets.length === 0 ? [null] : request.targets;
  const scopes = targets.map((target) => scopeOf(config, target, request.environment));
  // Check all scopes first, so that either all freezes are opened or none.
  for (const scope of scopes) {
    caller.allow('freezes:write', { service: scope.service, environment: scope.environment });
    await refuseUnknownEnvironment(deps, await resolveScope(deps, scope));
  }
  for (const [index, scope] of scopes.entries()) {
    const target = targets[index] ?? null;
    const parsed = NewFreeze.safeParse({ ...scope, reason: request.reason, until });
    if (!parsed.success) throw new Declined(`${inputProblemText(parsed.error)}. Nothing was done.`);
    const { freeze, warnings } = await openOne(deps, caller, {
      id: idOf('frz', key, target ?? ''),
      freeze: parsed.data,
    });
    rows.push([
      `Frozen: ${scopeInWords(freeze)}, ${untilText(freeze)} (`,
      { code: freeze.id },
      ')',
      ...warningLines(warnings),
    ]);
  }
  return answered(...rows.flatMap((row, index): Text => (index === 0 ? row : ['\n', ...row])));
};

/** @throws Declined if the environment is unknown, because the freeze would have no effect */
async function refuseUnknownEnvironment({ config, changes }: CommandDeps, scope: FreezeScope): Promise<void> {
  const { environment } = scope;
  if (environment === null) return;
  const { name, known: all } = environmentsOfScope(await config.current(), await changes.live(), scope);
  const known = [...new Set(all)].toSorted();
  if (known.length === 0 || environmentNamed(environment, known) !== undefined) return;
  const suggestion = suggestedName(environment, known);
  throw new Declined(
    `${name} environment "${environment}". Known environments: ${known.join(', ')}.`,
    suggestion === null ? ' ' : ` Did you mean "${suggestion}"? `,
    'Nothing was done. If this word is part of the reason, write ',
    { code: 'reason="…"' },
    '.',
  );
}

/** Returns the environments of a service, of the services of a team, or of all services. */
function environmentsOfScope(
  config: Config,
  live: readonly Change[],
  { service, team }: FreezeScope,
): { name: string; known: string[] } {
  if (service === null && team === null)
    return {
      name: 'No service has an',
      known: [...configuredEnvironments(config), ...live.map((change) => change.environment)],
    };
  const isMeant = (name: string): boolean =>
    service === null ? serviceEntry(config.services, name)?.team === team : name === service;
  const scopes = [...configuredScopes(config)].flatMap(([name, environments]) =>
    isMeant(name) ? [...environments] : [],
  );
  const deployed = live.flatMap((change) => (isMeant(change.service) ? change.environment : []));
  return { name: `${service ?? `team ${team}`} has no`, known: [...scopes, ...deployed] };
}
