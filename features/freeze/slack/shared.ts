import { sha256 } from '../../../core/stores/hash.ts';
import { inConfiguredSpelling, matchingName } from '../../../core/domain/catalogue/known-names.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { stateAt } from '../decisions/state.ts';
import { scopeInWords } from '../decisions/words.ts';
import type { Text } from '../../../core/domain/messages/chat-message.ts';
import {
  type Duration,
  parseDuration,
  leadingDuration,
  trailingDuration,
} from '../../../core/domain/slack/commands/duration.ts';
import { plainText } from '../../../core/domain/slack/commands/text.ts';
import type { Freeze } from '../schemas/freeze.ts';
import { knownTeams } from '../../../core/domain/catalogue/known-names.ts';
import { knownServices } from '../actions/known-names.ts';
import { recordComputedFreezes } from '../actions/record-freezes.ts';
import type { CommandDeps as CoreDeps } from '../../../entrances/slack/deps.ts';
import { Declined, unknownName } from '../../../entrances/slack/outcome.ts';
import type { CommandArguments, RunVerb as CoreRun } from '../../../entrances/slack/commands/verb.ts';
import type { FreezePorts } from '../ports.ts';

/** What verbs of freezes have in common. */

export type CommandDeps = CoreDeps & FreezePorts;

/** Executes a verb, like those of the core. */
export type RunVerb<R> = (deps: CommandDeps, ...request: Tail<Parameters<CoreRun<R>>>) => ReturnType<CoreRun<R>>;
type Tail<All extends unknown[]> = All extends [unknown, ...infer Rest] ? Rest : never;

const durationNamed = (named: CommandArguments['named']): string | undefined =>
  named.get('for') || named.get('duration') || undefined;

/** Returns the parts of a reason as one text. Null: there is none. */
export const reasonOf = (...parts: (string | null | undefined)[]): string | null =>
  plainText(parts.filter(Boolean).join(' ')) || null;

/** Returns the named duration, else the one before the reason, else the one after it, with the remaining reason. */
export function withDuration(
  { words, named, textFrom }: CommandArguments,
  at: number,
): { duration?: Duration; reason: string | null } {
  const duration = durationNamed(named);
  if (duration !== undefined) return { duration: parseDuration(duration), reason: textFrom(at) };
  const leading = leadingDuration(words.slice(at));
  if (leading !== undefined) return { duration: leading.duration, reason: textFrom(at + leading.words) };
  const trailing = trailingDuration(words.slice(at));
  if (trailing === undefined) return { reason: textFrom(at) };
  return { duration: trailing.duration, reason: textFrom(at, words.length - trailing.words) };
}

/** Formats a duration as a user would enter it, in whole hours and minutes. */
export function typedDuration(seconds: number | null): string | null {
  if (seconds === null) return null;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.ceil((seconds % 3600) / 60)];
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}` || '1m';
}

/** Maximum lengths of a reason and of names in a dialog. */
export const REASON_MAX = 2000;
export const NAMES_MAX = 512;

/** Returns an ID that is the same for a repeated delivery of the request. */
export const idOf = (prefix: 'frz' | 'ovr', ...parts: string[]): string =>
  `${prefix}_${sha256(JSON.stringify(parts)).slice(0, 26)}`;

/** Returns a line for each warning. */
export const warningLines = (warnings: readonly string[]): Text => warnings.map((warning) => `\n⚠️ ${warning}`);

/** Reference to the freeze of an entire environment, in the same form as when it was opened. */
const ENVIRONMENT_REFERENCE = /^env(?:ironment)?=(.+)$/i;

/** Returns the ID of a freeze, given by its ID, service, team, or environment. @throws Declined if it is not unique */
export async function findFreeze(deps: CommandDeps, text: string): Promise<string> {
  // An ID, also one with a typo in its prefix, which is reported as unknown.
  if (/^fr[a-z]?z?_/.test(text)) return text;
  await recordComputedFreezes(deps);
  const now = deps.clock.now();
  const named = { environment: ENVIRONMENT_REFERENCE.exec(text)?.[1] };
  const { environment } = inConfiguredSpelling(await deps.config.current(), named);
  const target = environment === undefined ? await targetNamed(deps, text) : null;
  const isMeant = (freeze: Freeze): boolean =>
    target === null
      ? freeze.service === null && freeze.team === null && freeze.environment === environment
      : isFreezeOf(freeze, target);
  const matching = (await deps.freezes.current()).filter(
    (freeze) => isMeant(freeze) && stateAt(freeze, now) !== 'over',
  );
  const [only, ...others] = matching;
  if (only === undefined)
    throw new Declined(`No freeze applies only to ${text}. `, { code: '/freeze status' }, ' shows all freezes.');
  if (others.length === 0) return only.id;
  const rows = matching.flatMap((freeze): Text => [
    '\n• ',
    { code: freeze.id },
    ` ${scopeInWords(freeze)}: ${freeze.reason}`,
  ]);
  throw new Declined(`${text} has ${matching.length} freezes. Name one by its ID:`, ...rows);
}

/** A service or a team that a name refers to. */
export type Target = { service: string; team: string | undefined } | { service: null; team: string };

/** Returns a name without the prefix that says that it is a team's. */
export const withoutTeam = (text: string): string => text.replace(/^team:/i, '');

/** Returns the known service, or else team, of this name. @throws Declined with a suggestion */
export async function targetNamed({ config, changes, freezes }: CommandDeps, text: string): Promise<Target> {
  const configuration = await config.current();
  const name = withoutTeam(text);
  const teams = knownTeams(configuration);
  // Frozen services count as known, even if they were renamed since.
  const frozen = (await freezes.current()).flatMap(({ service }) => service ?? []);
  const deployed = (await changes.live()).map(({ service }) => service);
  const services = knownServices(configuration, [...deployed, ...frozen]);
  const service = name === text ? matchingName(name, services) : undefined;
  if (service !== undefined) return { service, team: serviceEntry(configuration.services, service)?.team };
  const team = matchingName(name, teams);
  if (team !== undefined) return { service: null, team };
  // Without any known service, accept any name.
  if (name === text && services.size === 0) return { service: name, team: undefined };
  throw name === text
    ? unknownName('service or team', name, [...services, ...teams])
    : unknownName('team', name, teams);
}

/** Returns whether a freeze covers exactly this service or team. */
export const isFreezeOf = (freeze: Freeze, { service, team }: Target): boolean =>
  service === null ? freeze.team === team : freeze.service === service;
