import { sha256 } from '../../aws/hash.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import {
  configuredEnvironments,
  configuredScopes,
  probablyMeant,
  theOneCalled,
} from '../../domain/freeze/place-names.ts';
import { stateAt } from '../../domain/freeze/state.ts';
import { list } from '../../domain/correlation/words.ts';
import { moment, scopeInWords } from '../../domain/freeze/words.ts';
import type { ChatButton, Text } from '../../domain/messages/channels.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { Config } from '../../schemas/config/config.ts';
import { type Freeze, type FreezeScope, NewFreeze, NewOverride } from '../../schemas/freeze/freeze.ts';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { approveOverride, giveOverride } from '../../actions/freeze/overrides.ts';
import { found, liftFreeze, openFreeze } from '../../actions/freeze/freezes.ts';
import type { Who } from '../../actions/incidents/acting-person.ts';
import { knownServices, knownTeams, scopeAsKnown } from '../../actions/freeze/known-names.ts';
import { recordWhatHolds } from '../../actions/freeze/record-freezes.ts';
import { overrideWarnings } from '../../domain/freeze/exemptions/overrides.ts';
import type { ActionRequest } from './command.ts';
import type { Acting } from './incidents.ts';
import { answered, Declined, message, type Outcome, nameIn, unknownName } from './outcome.ts';
import type { CommandDeps } from './deps.ts';

type Of<A extends ActionRequest['act']> = Extract<ActionRequest, { act: A }>;

/** Default duration of an override in seconds, which covers an imminent deployment. */
const OVERRIDE_SECONDS = 2 * 3600;

const SHOWN_MAX = 10;

const idOf = (prefix: 'frz' | 'ovr', ...of: string[]): string => `${prefix}_${sha256(JSON.stringify(of)).slice(0, 26)}`;

/** Returns the scope for a target, which is a service, or else a team. */
function scopeOf({ services }: Config, target: string | null, environment: string | null): FreezeScope {
  if (target === null)
    return {
      team: null,
      service: null,
      environment: environment === null ? null : nameIn(EnvironmentName, environment),
    };
  const name = target.replace(/^team:/, '');
  const teams = new Set(Object.values(services).map(({ team }) => team));
  const isTeam = target !== name || (!Object.hasOwn(services, name) && teams.has(name));
  const where = environment === null ? null : nameIn(EnvironmentName, environment);
  return isTeam
    ? { team: name, service: null, environment: where }
    : { team: null, service: nameIn(ServiceName, name), environment: where };
}

export async function openFreezeByCommand(
  deps: CommandDeps,
  { who, key }: Acting,
  deed: Of<'freeze_open'>,
): Promise<Outcome> {
  if ((deed.targets.length === 0 && deed.environment === null) || deed.reason === null)
    throw new Declined('The target or the reason is missing. Nothing was done.');
  const config = await deps.config.current();
  const until = deed.seconds === null ? null : plusSeconds(deps.clock.now(), deed.seconds);
  const rows: Text[] = [];
  // Without a target, the freeze covers the entire environment.
  const targets = deed.targets.length === 0 ? [null] : deed.targets;
  const scopes = targets.map((target) => scopeOf(config, target, deed.environment));
  // Check all scopes first, so that either all freezes are opened or none.
  for (const scope of scopes) {
    who.allow('freezes:write', { service: scope.service, environment: scope.environment });
    const { service } = await scopeAsKnown(deps, scope);
    await refuseUnknownEnvironment(deps, { ...scope, service });
  }
  for (const [index, scope] of scopes.entries()) {
    const target = targets[index] ?? null;
    const wanted = NewFreeze.safeParse({ ...scope, reason: deed.reason, until });
    if (!wanted.success)
      throw new Declined(`${wanted.error.issues[0]?.message ?? 'The freeze is invalid'}. Nothing was done.`);
    const { freeze, warnings } = await openFreeze(deps, who, {
      id: idOf('frz', key, target ?? ''),
      freeze: wanted.data,
    });
    rows.push([
      `Frozen: ${scopeInWords(freeze)}, until ${untilOf(freeze)} (`,
      { code: freeze.id },
      ')',
      ...warned(warnings),
    ]);
  }
  return answered(...rows.flatMap((row, index): Text => (index === 0 ? row : ['\n', ...row])));
}

/** @throws Declined if the environment is unknown, because the freeze would have no effect */
async function refuseUnknownEnvironment({ config, changes }: CommandDeps, scope: FreezeScope): Promise<void> {
  const { environment } = scope;
  if (environment === null) return;
  const { name, known: all } = environmentsOfScope(await config.current(), await changes.live(), scope);
  const known = [...new Set(all)].toSorted();
  if (known.length === 0 || theOneCalled(environment, known) !== undefined) return;
  const meant = probablyMeant(environment, known);
  throw new Declined(
    `${name} environment "${environment}". Known environments: ${known.join(', ')}.`,
    meant === null ? ' ' : ` Did you mean "${meant}"? `,
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
  const places = [...configuredScopes(config)].flatMap(([name, environments]) =>
    isMeant(name) ? [...environments] : [],
  );
  const deployed = live.flatMap((change) => (isMeant(change.service) ? change.environment : []));
  return { name: `${service ?? `team ${team}`} has no`, known: [...places, ...deployed] };
}

const untilOf = ({ until }: Freeze): string => (until === null ? 'it is lifted' : moment(until));

const warned = (warnings: readonly string[]): Text => warnings.map((warning) => `\n⚠️ ${warning}`);

export async function liftFreezeByCommand(
  deps: CommandDeps,
  { who }: Acting,
  deed: Of<'freeze_lift'>,
): Promise<Outcome> {
  const id = await oneFreeze(deps, deed.freeze);
  const { freeze, wasOver } = await liftFreeze(deps, who, { id, reason: deed.reason || null });
  if (!wasOver)
    return answered(
      `Freeze lifted: ${scopeInWords(freeze)}. Deploys are allowed again, unless another freeze applies.`,
    );
  const by = freeze.ended_by === null ? '' : ` by ${freeze.ended_by}`;
  return answered(
    `Superseded: the freeze has ended already, at ${moment(freeze.ended_at ?? freeze.until ?? freeze.starts_at)}${by}.`,
  );
}

/** Reference to the freeze of an entire environment, in the same form as when it was opened. */
const OF_ALL = /^env(?:ironment)?=(.+)$/i;

/** Returns the ID of a freeze, given by its ID, service, team, or environment. @throws Declined if it is not unique */
async function oneFreeze(deps: CommandDeps, written: string): Promise<string> {
  if (/^fr[a-z]?z?_/.test(written)) return written;
  await recordWhatHolds(deps);
  const now = deps.clock.now();
  const environment = OF_ALL.exec(written)?.[1];
  const target = environment === undefined ? await targetCalled(deps, written) : null;
  const isMeant = (freeze: Freeze): boolean =>
    target === null
      ? freeze.service === null && freeze.team === null && freeze.environment === environment
      : isOf(freeze, target);
  const own = (await deps.freezes.current()).filter((freeze) => isMeant(freeze) && stateAt(freeze, now) !== 'over');
  const [only, ...others] = own;
  if (only === undefined)
    throw new Declined(`No freeze applies only to ${written}. `, { code: '/freeze status' }, ' shows all freezes.');
  if (others.length === 0) return only.id;
  const rows = own.flatMap((freeze): Text => [
    '\n• ',
    { code: freeze.id },
    ` ${scopeInWords(freeze)}: ${freeze.reason}`,
  ]);
  throw new Declined(`${written} has ${own.length} freezes. Name one by its ID:`, ...rows);
}

export async function giveOverrideByCommand(
  deps: CommandDeps,
  { who, key }: Acting,
  deed: Of<'freeze_override'>,
): Promise<Outcome> {
  const freeze = await oneFreeze(deps, deed.freeze);
  const wanted = NewOverride.safeParse({
    reason: deed.reason,
    uses: deed.uses ?? 1,
    expires_at: plusSeconds(deps.clock.now(), deed.seconds ?? OVERRIDE_SECONDS),
    version: deed.version,
  });
  if (!wanted.success)
    throw new Declined(`${wanted.error.issues[0]?.message ?? 'The override is invalid'}. Nothing was done.`);
  const id = idOf('ovr', key, freeze);
  const override = await giveOverride(deps, who, { freeze, id, override: wanted.data });
  const what = `${override.uses ?? 'any number of'} ${override.uses === 1 ? 'deployment' : 'deployments'} until ${moment(override.expires_at)}`;
  const which: Text = [` (override `, { code: id }, ' of ', { code: freeze }, `): ${override.reason}`];
  const advice = warned(overrideWarnings(override));
  if (!override.needs_approval || override.approved_by !== null)
    return answered(`Override created: ${what}`, ...which, ...advice);
  const yes: ChatButton = {
    button: { verb: 'approve_override', freeze, override: id },
    text: 'Approve override',
    style: 'primary',
  };
  const { reason, ...scope } = await found(deps, freeze);
  const asks: Text = [
    `${who.shown ?? who.name} requests an override for ${what}, through the freeze of ${scopeInWords(scope)} (${reason})`,
    ...which,
    ...advice,
  ];
  return {
    answer: message([...asks, '\nThe policy requires the approval of a second person.'], [yes]),
    aloud: true,
  };
}

export async function overrideApproved(
  deps: CommandDeps,
  { who }: Acting,
  { freeze, override: id }: Of<'approve_override'>,
): Promise<Outcome> {
  const before = (await found(deps, freeze)).overrides.find((one) => one.id === id)?.approved_by ?? null;
  const override = await approveOverride(deps, who, { freeze, id });
  if (before !== null) return answered(`The override is already active: ${before} has approved it.`);
  const by = override.approved_by === who.name ? (who.shown ?? who.name) : (override.approved_by ?? who.name);
  const text: Text = [`${by} has approved the override `, { code: id }, '. It is active now.'];
  return { answer: message(text), aloud: true };
}

/** A service or a team that a name refers to. */
type Target = { service: string; team: string | undefined } | { service: null; team: string };

/** Returns the known service, or else team, of this name. @throws Declined with a suggestion */
async function targetCalled({ config, changes, freezes }: CommandDeps, written: string): Promise<Target> {
  const known = await config.current();
  const name = written.replace(/^team:/, '');
  const teams = knownTeams(known);
  // Frozen services count as known, even if they were renamed since.
  const frozen = (await freezes.current()).flatMap(({ service }) => service ?? []);
  const deployed = (await changes.live()).map(({ service }) => service);
  const services = knownServices(known, [...deployed, ...frozen]);
  if (name === written && services.has(name)) return { service: name, team: serviceEntry(known.services, name)?.team };
  if (teams.has(name)) return { service: null, team: name };
  // Without any known service, accept any name.
  if (name === written && services.size === 0) return { service: name, team: undefined };
  throw name === written
    ? unknownName('service or team', name, [...services, ...teams])
    : unknownName('team', name, teams);
}

const isOf = (freeze: Freeze, { service, team }: Target): boolean =>
  service === null ? freeze.team === team : freeze.service === service;

/** Returns whether a freeze applies to the target, alone or with others. */
const holdsFor = (freeze: Freeze, target: Target): boolean =>
  isOf(freeze, target) || (freeze.service === null && (freeze.team === null || freeze.team === target.team));

/** Lists all freezes, or those that apply to a service or to the services of a team. */
export async function showFreezes(
  deps: CommandDeps,
  { who }: Acting,
  { service: written }: Of<'freeze_status'>,
): Promise<Outcome> {
  const target = written === null ? null : await targetCalled(deps, written);
  const service = target?.service ?? null;
  who.allow('freezes:read', service === null ? {} : { service });
  await recordWhatHolds(deps);
  const now = deps.clock.now();
  const holds = (freeze: Freeze) => target === null || holdsFor(freeze, target);
  const all = (await deps.freezes.current()).filter(
    (freeze) => stateAt(freeze, now) !== 'over' && holds(freeze) && mayRead(who, freeze),
  );
  const of = target === null ? null : (target.service ?? `services of ${target.team}`);
  if (all.length === 0) return answered(`No freeze applies${of === null ? '' : ` to ${of}`}.`);
  const shown = all.slice(0, SHOWN_MAX);
  const rows = shown.flatMap((freeze): Text => [
    `\n❄️ `,
    { bold: scopeInWords(freeze) },
    `: ${freeze.reason}\n${stateAt(freeze, now) === 'scheduled' ? 'scheduled for' : 'since'} ${moment(freeze.starts_at)}, ${endOf(freeze)} · `,
    { code: freeze.id },
  ]);
  const more = all.length > shown.length ? [`\nand ${all.length - shown.length} more`] : [];
  const lifts = shown.slice(0, 5).map((freeze): ChatButton => ({
    button: { verb: 'lift_freeze', freeze: freeze.id },
    text: `Lift: ${scopeInWords(freeze)}`,
    confirm: { title: 'Lift this freeze?', text: list([freeze.reason]), yes: 'Lift', no: 'Cancel' },
  }));
  const title = of === null ? 'Freezes:' : `Deploys of ${of} are frozen:`;
  return { answer: message([title, ...rows, ...more], lifts) };
}

const endOf = ({ until, ends_when }: Freeze): string =>
  until === null ? `ends when ${ends_when}` : `until ${moment(until)}`;

/** Returns whether the person can read a freeze: read permission for a part of its scope is sufficient. */
function mayRead(who: Who, { service, environment }: Freeze): boolean {
  try {
    who.allow('freezes:read', { ...(service !== null && { service }), ...(environment !== null && { environment }) });
    return true;
  } catch (error) {
    if (error instanceof Declined) return false;
    throw error;
  }
}
