import { sha256 } from '../../aws/hash.ts';
import { serviceEntry } from '../../domain/catalogue.ts';
import {
  configuredEnvironments,
  configuredPlaces,
  probablyMeant,
  theOneCalled,
} from '../../domain/freeze/place-names.ts';
import { stateAt } from '../../domain/freeze/state.ts';
import { list, moment, scopeInWords } from '../../domain/freeze/words.ts';
import type { ChatButton, Text } from '../../domain/outlets.ts';
import type { Change } from '../../schemas/change.ts';
import type { Config } from '../../schemas/config.ts';
import { type Freeze, type FreezeScope, NewFreeze, NewOverride } from '../../schemas/freeze.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';
import { plusSeconds } from '../../schemas/time.ts';
import { approveOverride, giveOverride } from '../acts/freeze-overrides.ts';
import { found, liftFreeze, openFreeze } from '../acts/freezes.ts';
import type { Who } from '../acts/who.ts';
import { knownServices, knownTeams, scopeAsKnown } from '../freeze/known-names.ts';
import { recordWhatHolds } from '../freeze/on-record.ts';
import { overrideWarnings } from '../../domain/freeze/overrides.ts';
import type { Deed } from './errand.ts';
import type { Doing } from './incident-errands.ts';
import { answered, Declined, message, type Outcome, nameIn, unknownName } from './outcome.ts';
import type { HearDeps } from './hear-deps.ts';

type Of<A extends Deed['act']> = Extract<Deed, { act: A }>;

/** Of an override for which nobody has said how long: it covers a deployment that is about to be made. */
const OVERRIDE_SECONDS = 2 * 3600;

const SHOWN_MAX = 10;

const idOf = (prefix: 'frz' | 'ovr', ...of: string[]): string => `${prefix}_${sha256(JSON.stringify(of)).slice(0, 26)}`;

/** What somebody has written is a service, else a team. What is neither is refused with what was probably meant. */
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

export async function freezeOpened(deps: HearDeps, { who, key }: Doing, deed: Of<'freeze_open'>): Promise<Outcome> {
  if ((deed.targets.length === 0 && deed.environment === null) || deed.reason === null)
    throw new Declined('Say what is to be frozen, and why. Nothing was done.');
  const config = await deps.config.current();
  const until = deed.seconds === null ? null : plusSeconds(deps.clock.now(), deed.seconds);
  const rows: Text[] = [];
  // Of none it is all of the environment.
  const targets = deed.targets.length === 0 ? [null] : deed.targets;
  const scopes = targets.map((target) => scopeOf(config, target, deed.environment));
  // All of them, or none.
  for (const scope of scopes) {
    who.allow('freezes:write', { service: scope.service, environment: scope.environment });
    const { service } = await scopeAsKnown(deps, scope);
    await refuseUnknownEnvironment(deps, { ...scope, service });
  }
  for (const [index, scope] of scopes.entries()) {
    const target = targets[index] ?? null;
    const wanted = NewFreeze.safeParse({ ...scope, reason: deed.reason, until });
    if (!wanted.success)
      throw new Declined(`${wanted.error.issues[0]?.message ?? 'this is no freeze'}. Nothing was done.`);
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

/** @throws Declined where nobody knows of such an environment there: it would hold nothing, and nobody would find out */
async function refuseUnknownEnvironment({ config, changes }: HearDeps, scope: FreezeScope): Promise<void> {
  const { environment } = scope;
  if (environment === null) return;
  const { name, known: all } = environmentsOfScope(await config.current(), await changes.live(), scope);
  const known = [...new Set(all)].toSorted();
  if (known.length === 0 || theOneCalled(environment, known) !== undefined) return;
  const meant = probablyMeant(environment, known);
  throw new Declined(
    `${name} environment "${environment}"; known are ${known.join(', ')}.`,
    meant === null ? ' ' : ` Did you mean "${meant}"? `,
    'Nothing was done. Where that word is part of the reason, write ',
    { code: 'reason="…"' },
    '.',
  );
}

/** Where a service, the services of a team, or any of them are. */
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
  const places = [...configuredPlaces(config)].flatMap(([name, environments]) =>
    isMeant(name) ? [...environments] : [],
  );
  const deployed = live.flatMap((change) => (isMeant(change.service) ? change.environment : []));
  return { name: `${service ?? `team ${team}`} has no`, known: [...places, ...deployed] };
}

const untilOf = ({ until }: Freeze): string => (until === null ? 'somebody lifts it' : moment(until));

const warned = (warnings: readonly string[]): Text => warnings.map((warning) => `\n⚠️ ${warning}`);

export async function freezeLifted(deps: HearDeps, { who }: Doing, deed: Of<'freeze_lift'>): Promise<Outcome> {
  const id = await oneFreeze(deps, deed.freeze);
  const { freeze, wasOver } = await liftFreeze(deps, who, { id, reason: deed.reason || null });
  if (!wasOver)
    return answered(`Lifted: ${scopeInWords(freeze)} may be deployed again, as far as nothing else holds it.`);
  const by = freeze.ended_by === null ? '' : ` by ${freeze.ended_by}`;
  return answered(`Superseded: it is over since ${moment(freeze.ended_at ?? freeze.until ?? freeze.starts_at)}${by}.`);
}

/** All of an environment, as it was written when it was frozen. */
const OF_ALL = /^env(?:ironment)?=(.+)$/i;

/** A freeze by its id, or the only one of a service or team. @throws Declined */
async function oneFreeze(deps: HearDeps, written: string): Promise<string> {
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
    throw new Declined(`No freeze of ${written} alone is in force. `, { code: '/freeze status' }, ' shows what is.');
  if (others.length === 0) return only.id;
  const rows = own.flatMap((freeze): Text => [
    '\n• ',
    { code: freeze.id },
    ` ${scopeInWords(freeze)}: ${freeze.reason}`,
  ]);
  throw new Declined(`${written} has ${own.length} freezes; say which by its id:`, ...rows);
}

export async function overrideGiven(
  deps: HearDeps,
  { who, key }: Doing,
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
    throw new Declined(`${wanted.error.issues[0]?.message ?? 'this is no override'}. Nothing was done.`);
  const id = idOf('ovr', key, freeze);
  const override = await giveOverride(deps, who, { freeze, id, override: wanted.data });
  const what = `${override.uses ?? 'any number of'} ${override.uses === 1 ? 'deployment' : 'deployments'} until ${moment(override.expires_at)}`;
  const which: Text = [` (override `, { code: id }, ' of ', { code: freeze }, `): ${override.reason}`];
  const advice = warned(overrideWarnings(override));
  if (!override.needs_approval || override.approved_by !== null)
    return answered(`Let through: ${what}`, ...which, ...advice);
  const yes: ChatButton = {
    button: { verb: 'approve_override', freeze, override: id },
    text: 'I am for it',
    style: 'primary',
  };
  const { reason, ...scope } = await found(deps, freeze);
  const asks: Text = [
    `${who.shown ?? who.name} asks to let ${what} through the freeze of ${scopeInWords(scope)} (${reason})`,
    ...which,
    ...advice,
  ];
  return {
    answer: message([...asks, '\nPolicy wants a second person, who is not the one who asks.'], [yes]),
    aloud: true,
  };
}

export async function overrideApproved(
  deps: HearDeps,
  { who }: Doing,
  { freeze, override: id }: Of<'approve_override'>,
): Promise<Outcome> {
  const before = (await found(deps, freeze)).overrides.find((one) => one.id === id)?.approved_by ?? null;
  const override = await approveOverride(deps, who, { freeze, id });
  if (before !== null) return answered(`It holds already: ${before} was for it before.`);
  const by = override.approved_by === who.name ? (who.shown ?? who.name) : (override.approved_by ?? who.name);
  const text: Text = [`${by} is for it, too: the override `, { code: id }, ' holds.'];
  return { answer: message(text), aloud: true };
}

/** What somebody calls by this name. */
type Target = { service: string; team: string | undefined } | { service: null; team: string };

/** A service, else a team, that is known. @throws Declined with what was probably meant */
async function targetCalled({ config, changes, freezes }: HearDeps, written: string): Promise<Target> {
  const known = await config.current();
  const name = written.replace(/^team:/, '');
  const teams = knownTeams(known);
  // What is frozen is known, whatever has become of its name since.
  const frozen = (await freezes.current()).flatMap(({ service }) => service ?? []);
  const deployed = (await changes.live()).map(({ service }) => service);
  const services = knownServices(known, [...deployed, ...frozen]);
  if (name === written && services.has(name)) return { service: name, team: serviceEntry(known.services, name)?.team };
  if (teams.has(name)) return { service: null, team: name };
  // Where nothing is known of any service, this may be one.
  if (name === written && services.size === 0) return { service: name, team: undefined };
  throw name === written
    ? unknownName('service or team', name, [...services, ...teams])
    : unknownName('team', name, teams);
}

const isOf = (freeze: Freeze, { service, team }: Target): boolean =>
  service === null ? freeze.team === team : freeze.service === service;

/** It, or more than it. */
const holdsFor = (freeze: Freeze, target: Target): boolean =>
  isOf(freeze, target) || (freeze.service === null && (freeze.team === null || freeze.team === target.team));

/** What is frozen, and why: all, or what holds a service or the services of a team. */
export async function freezesTold(
  deps: HearDeps,
  { who }: Doing,
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
  if (all.length === 0) return answered(`Nothing${of === null ? '' : ` of ${of}`} is frozen.`);
  const shown = all.slice(0, SHOWN_MAX);
  const rows = shown.flatMap((freeze): Text => [
    `\n❄️ `,
    { bold: scopeInWords(freeze) },
    `: ${freeze.reason}\n${stateAt(freeze, now) === 'scheduled' ? 'planned from' : 'since'} ${moment(freeze.starts_at)}, ${endOf(freeze)} · `,
    { code: freeze.id },
  ]);
  const more = all.length > shown.length ? [`\nand ${all.length - shown.length} more`] : [];
  const lifts = shown.slice(0, 5).map((freeze): ChatButton => ({
    button: { verb: 'lift_freeze', freeze: freeze.id },
    text: `Lift: ${scopeInWords(freeze)}`,
    confirm: { title: 'Lift it?', text: list([freeze.reason]), yes: 'Lift it', no: 'Leave it' },
  }));
  const title = of === null ? 'Frozen:' : `Deploys of ${of} are frozen:`;
  return { answer: message([title, ...rows, ...more], lifts) };
}

const endOf = ({ until, ends_when }: Freeze): string =>
  until === null ? `ends when ${ends_when}` : `until ${moment(until)}`;

/** Whoever may read anything of a scope may read what holds for more than that. */
function mayRead(who: Who, { service, environment }: Freeze): boolean {
  try {
    who.allow('freezes:read', { ...(service !== null && { service }), ...(environment !== null && { environment }) });
    return true;
  } catch (error) {
    if (error instanceof Declined) return false;
    throw error;
  }
}
