import { serviceEntry } from '../../domain/catalogue.ts';
import { byThemselves } from '../../domain/parts.ts';
import { clearedWords, inForce } from '../../domain/cleared.ts';
import { whyNotTo } from '../../domain/named-version.ts';
import { probablyMeant } from '../../domain/freeze/place-names.ts';
import { minuteOf, placeOf } from '../../domain/story.ts';
import type { ChatButton, Text } from '../../domain/outlets.ts';
import type { Place } from '../../domain/ports.ts';
import type { Change } from '../../schemas/change.ts';
import { EnvironmentName, ServiceName, Version } from '../../schemas/names.ts';
import { type Begun, rollBack } from '../acts/roll-back.ts';
import { type Plan, planRollback, whyOther } from '../acts/rollback-plan.ts';
import { setAutomation } from '../acts/automation.ts';
import type { Deed } from './errand.ts';
import type { Doing } from './incident-errands.ts';
import { answered, Declined, message, type Outcome, unknownName, nameIn } from './outcome.ts';
import type { HearDeps } from './hear-deps.ts';

type Of<A extends Deed['act']> = Extract<Deed, { act: A }>;

const SHOWN_MAX = 8;
const SUSPECTS_SHOWN = 3;

/** @throws Declined where nothing is known of such a service */
async function placeIn(deps: HearDeps, service: string, environment: string | null): Promise<Place> {
  const { services } = await deps.config.current();
  const entry = serviceEntry(services, service);
  if (entry === undefined) throw unknownName('service', service, Object.keys(services));
  const known = Object.keys(entry.environments);
  const where = environment ?? entry.defaultEnvironment ?? (known.length === 1 ? known[0] : undefined) ?? 'production';
  if (!known.includes(where)) throw noEnvironment(service, where, known);
  return { service: nameIn(ServiceName, service), environment: nameIn(EnvironmentName, where) };
}

/** What broke it, what would be done, and a button that does it: nothing is done by this. */
export async function rollbackShown(deps: HearDeps, { who }: Doing, deed: Of<'rollback'>): Promise<Outcome> {
  const place = await placeIn(deps, deed.service, deed.environment);
  const named = deed.version === null ? undefined : nameIn(Version, deed.version);
  const plan = await planRollback(deps, who, place, named);
  const { live, way, hasDeployer } = plan;
  const where = `${place.service} in ${place.environment}`;
  if (deed.environment === null && named !== undefined && (way === undefined || way.kind === 'unknown'))
    throw await neitherNor(deps, place, named, way);
  if (live === undefined || way === undefined)
    throw new Declined(`It is not known what runs of ${where}: no deployment of it is recorded.`);
  if (way.kind === 'none_known_good')
    throw new Declined(
      `${where} runs ${live.version}, and no earlier version is known to be good. `,
      { code: `/rollback ${place.service} ${place.environment} VERSION` },
      ' goes back to one that you name.',
    );
  if (way.kind === 'unsafe' && named === undefined)
    throw new Declined(
      `${where} runs ${live.version}; going back to ${way.version} is not safe, as ${way.by.version} says (rollback_safe_to).`,
    );
  if (way.kind !== 'version') throw new Declined(`${upperFirst(whyNotTo(way, place))}. Nothing was done.`);
  if (!hasDeployer)
    throw new Declined(`${where} has no deployer in services.yaml, so nothing can be rolled back from here.`);
  const shown = [...shownPlan(plan, live, way), ...(await held(deps, plan))];
  return { answer: message(shown, [confirmOf(plan, live, way, named !== undefined)]) };
}

/** A word that is a version only if it is no environment: what it was meant for nobody knows, least of all production. */
async function neitherNor(
  { config }: Pick<HearDeps, 'config'>,
  { service, environment }: Place,
  word: Version,
  way: Extract<Plan['way'], { kind: 'unknown' }> | undefined,
): Promise<Declined> {
  const environments = Object.keys(serviceEntry((await config.current()).services, service)?.environments ?? {});
  const meant = probablyMeant(word, environments);
  const versions = way?.known ?? [];
  return new Declined(
    `${service} has no environment "${word}", and no version of that name is recorded in ${environment}. `,
    ...(meant === null ? [] : ['Did you mean ', { code: `/rollback ${service} ${meant}` }, '? ']),
    `Environments: ${environments.join(', ') || 'none'}${versions.length === 0 ? '' : `; versions: ${versions.join(', ')}`}. `,
    'Nothing was done.',
  );
}

type Way = Extract<Plan['way'], { kind: 'version' }>;

/** What begins with the name of a version stays as it is. */
const upperFirst = (text: string): string =>
  /^\S*\d/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);

function shownPlan({ place, past, incident, does }: Plan, live: Change, way: Way): Text {
  const suspects = (incident?.suspects ?? []).slice(0, SUSPECTS_SHOWN);
  const cleared = inForce(incident?.cleared);
  return [
    { bold: `${place.service} in ${place.environment}` },
    ` runs ${live.version} since ${minuteOf(live.finished_at ?? live.started_at)}${by(live)}.`,
    ...(suspects.length === 0
      ? [
          cleared.length > 0
            ? '\nNo change is suspected.'
            : '\nNo change is suspected: no incident is open there, or none could have caused it.',
        ]
      : suspects.flatMap(({ version, confidence, reasons }): Text => [
          `\nSuspect: `,
          { bold: version },
          ` ${Math.round(confidence * 100)} %, ${reasons.join('; ')}`,
        ])),
    ...(cleared.length === 0 ? [] : [`\n${clearedWords(cleared)}.`]),
    does?.goes === 'forward' ? `\nIt would go forward to ` : `\nIt would go back to `,
    { bold: way.version },
    does === undefined ? '.' : doesWords(does, live, way),
    ...shownPast(past),
    incident === undefined
      ? '\nAn incident is opened for it.'
      : `\nIt belongs to the incident ${placeOf(incident)}: ${incident.title}.`,
  ];
}

function doesWords({ goes, takes, already }: NonNullable<Plan['does']>, live: Change, { version }: Way): string {
  if (goes === 'forward')
    return version === live.version ? '.' : `: what runs is ${live.version}, to which it was rolled back.`;
  const taken = takes.map((change) => `${change.version} (${change.kind})`).join(', ') || 'nothing else';
  const versions = [...new Set(already.map((change) => change.version))];
  const before =
    versions.length === 0 ? '' : `; ${versions.join(', ')} ${versions.length === 1 ? 'is' : 'are'} taken back already`;
  return `, which takes back ${taken}${before}.`;
}

/** What is known of the version to which it would go. */
const shownPast = (past: Plan['past']): Text =>
  past === undefined
    ? []
    : [
        `\n${past.ran}.`,
        ...past.doubts.map((doubt) => `\n⚠️ ${upperFirst(doubt)}.`),
        ...past.safe.map((safe) => `\n${upperFirst(safe)}.`),
      ];

const by = ({ author }: Change): string => (author === null ? '' : `, by ${author}`);

/** What would keep it from being done. */
async function held({ automation }: HearDeps, { incident }: Plan): Promise<Text> {
  const { paused, reason } = await automation.read();
  if (paused)
    return [
      `\n⚠️ The kill switch is on${reason === null ? '' : ` (${reason})`}: `,
      { code: '/firebreak resume' },
      ' first.',
    ];
  return incident?.automation_paused === true ? ['\n⚠️ The automation of the incident is paused.'] : [];
}

const confirmOf = ({ place, past }: Plan, live: Change, way: Way, named: boolean): ChatButton => ({
  button: {
    verb: 'rollback',
    ...place,
    from: live.version,
    to: way.version,
    ...(named && { named }),
  },
  text: `Roll back to ${way.version}`,
  style: 'danger',
  confirm: {
    title: 'Roll back now?',
    text: [
      `${place.service} in ${place.environment}: ${live.version} back to ${way.version}`,
      ...(past?.doubts ?? []),
    ].join('. '),
    yes: 'Roll back',
    no: 'Not now',
  },
});

/**
 * What was shown is done, if it is still that. Once it was begun, it is that which goes on when it comes again: by then
 * it may be over, and another one would go back further.
 */
export async function rolledBack(deps: HearDeps, { who, key, trace }: Doing, deed: Of<'roll_back'>): Promise<Outcome> {
  const kept = `${key}-begun`;
  const begun = (await deps.hearings.read(kept))?.outcome as Begun | undefined; // as it is kept below
  const place = { service: deed.service, environment: deed.environment };
  const named = deed.named === true && deed.to !== null ? { to: deed.to } : {};
  if (begun === undefined) {
    const other = whyOther(await planRollback(deps, who, place, named.to), deed);
    if (other !== undefined) throw new Declined(`Superseded: ${other}. Nothing was done.`);
  }
  const keep = async (what: Begun): Promise<void> => void (await deps.hearings.did(kept, what));
  const agreed = { place, from: deed.from, ...named, ...(deed.to !== null && { shown: deed.to }), trace };
  const incident = await rollBack(deps, who, agreed, { begun, keep });
  return answered(
    `The rollback of ${deed.from}${named.to === undefined ? '' : ` to ${named.to}`} is begun, unless a guard holds it: `,
    incident.channel ?? 'its channel, which comes in a moment,',
    ' tells what becomes of it.',
  );
}

/** What was deployed lately. */
export async function deploysTold(deps: HearDeps, { who }: Doing, deed: Of<'deploys'>): Promise<Outcome> {
  const service = nameIn(ServiceName, deed.service);
  const environment = deed.environment === null ? null : nameIn(EnvironmentName, deed.environment);
  const scope = { service, ...(environment !== null && { environment }) };
  who.allow('deployments:read', scope);
  if (environment !== null) await refuseUnknownEnvironment(deps, { service, environment });
  const { items } = await deps.changes.list({ ...scope, limit: SHOWN_MAX });
  const where = `${service}${environment === null ? '' : ` in ${environment}`}`;
  if (items.length === 0) {
    const known = Object.keys((await deps.config.current()).services);
    if (!known.includes(service)) throw unknownName('service', service, known);
    return answered(`No deployment of ${where} is recorded.`);
  }
  const running = new Set((await deps.changes.live()).map(({ id }) => id));
  const rows = items.flatMap((change): Text => [
    `\n${running.has(change.id) ? '▶️' : '•'} ${minuteOf(change.started_at)} ${change.environment} `,
    { bold: change.version },
    ` ${change.kind}, ${change.status}${by(change)}${change.rolled_back_by === null ? '' : ', rolled back'}`,
  ]);
  return answered(`Deployments of ${where}, newest first; ▶️ is what runs:`, ...rows);
}

/** So many deployments are looked through for the environments that a service has been deployed to. */
const LOOKED_THROUGH = 100;

/** @throws Declined where neither the catalogue has it nor anything was deployed there, with what was probably meant */
async function refuseUnknownEnvironment({ config, changes }: HearDeps, { service, environment }: Place): Promise<void> {
  const entry = serviceEntry((await config.current()).services, service);
  const { items } = await changes.list({ service, limit: LOOKED_THROUGH });
  const known = new Set([...Object.keys(entry?.environments ?? {}), ...items.map((change) => change.environment)]);
  // Of a service of which nothing is known that is said.
  if (known.size === 0 || known.has(environment)) return;
  throw noEnvironment(service, environment, [...known]);
}

function noEnvironment(service: string, environment: string, known: readonly string[]): Declined {
  const meant = probablyMeant(environment, known);
  return new Declined(
    `${service} has no environment "${environment}"; it has ${known.join(', ') || 'none'}.`,
    meant === null ? ' ' : ` Did you mean "${meant}"? `,
    'Nothing was done.',
  );
}

/** The kill switch. */
export async function killSwitch(deps: HearDeps, { who }: Doing, deed: Of<'pause'> | Of<'resume'>): Promise<Outcome> {
  const paused = deed.act === 'pause';
  const before = await deps.automation.read();
  if (before.paused === paused && before.by !== null) {
    who.allow('automation:read', {});
    return answered(
      `It is so already: ${before.by} has ${paused ? 'paused' : 'resumed'} automation${reasonOf(before.reason)}.`,
    );
  }
  await setAutomation(deps, who, { paused, reason: deed.reason });
  return answered(
    paused
      ? `All automation is paused, everywhere${reasonOf(deed.reason)}. People are paged as ever.`
      : 'Automation acts again, as far as its modes let it.',
  );
}

const reasonOf = (reason: string | null): string => (reason === null || reason === '' ? '' : ` (${reason})`);

const OPEN_WORDS = ['No incident is open.', 'One incident is open.'];

export async function productTold(deps: HearDeps, { who }: Doing): Promise<Outcome> {
  who.allow('automation:read', {});
  const [{ paused, by: whose, reason, mode }, all] = await Promise.all([deps.automation.read(), deps.incidents.open()]);
  const open = all.filter((incident) => mayRead(who, incident));
  const automation = paused
    ? `Automation is paused by ${whose ?? 'somebody'}${reasonOf(reason)}.`
    : `Automation acts${mode === null ? '' : `, capped at ${mode}`}.`;
  return answered(`${automation} ${OPEN_WORDS[open.length] ?? `${open.length} incidents are open.`}`);
}

export async function openListed(deps: HearDeps, { who }: Doing): Promise<Outcome> {
  const open = (await deps.incidents.open()).filter((incident) => mayRead(who, incident));
  const seen = byThemselves(open);
  if (seen.length === 0) return answered('No incident is open.');
  const rows = seen
    .slice(0, 20)
    .flatMap((incident): Text => [
      '\n• ',
      { bold: placeOf(incident) },
      `: ${incident.title} (${incident.severity}, ${incident.status}${incident.channel === undefined ? '' : `, ${incident.channel}`})`,
    ]);
  return answered(`${seen.length} open:`, ...rows);
}

function mayRead(who: Doing['who'], { service, environment }: Place): boolean {
  try {
    who.allow('incidents:read', { service, environment });
    return true;
  } catch (error) {
    if (error instanceof Declined) return false;
    throw error;
  }
}
