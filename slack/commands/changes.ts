import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { byThemselves } from '../../domain/incidents/children.ts';
import { clearedWords, inForce } from '../../domain/changes/cleared-suspects.ts';
import { whyNotTo } from '../../domain/changes/named-version.ts';
import { probablyMeant } from '../../domain/freeze/place-names.ts';
import { minuteOf, placeOf } from '../../domain/messages/story.ts';
import type { ChatButton, Text } from '../../domain/messages/channels.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Change } from '../../schemas/changes/change.ts';
import { EnvironmentName, ServiceName, Version } from '../../schemas/config/names.ts';
import { type Begun, rollBack } from '../../actions/rollback/roll-back.ts';
import { type Plan, planRollback, whyOther } from '../../actions/rollback/plan-rollback.ts';
import { setAutomation } from '../../actions/automation/set-automation.ts';
import type { ActionRequest } from './command.ts';
import type { Acting } from './incidents.ts';
import { answered, Declined, message, type Outcome, unknownName, nameIn } from './outcome.ts';
import type { CommandDeps } from './deps.ts';

type Of<A extends ActionRequest['act']> = Extract<ActionRequest, { act: A }>;

const SHOWN_MAX = 8;
const SUSPECTS_SHOWN = 3;

/** @throws Declined if the service or environment is unknown */
async function placeIn(deps: CommandDeps, service: string, environment: string | null): Promise<ServiceEnvironment> {
  const { services } = await deps.config.current();
  const entry = serviceEntry(services, service);
  if (entry === undefined) throw unknownName('service', service, Object.keys(services));
  const known = Object.keys(entry.environments);
  const where = environment ?? entry.defaultEnvironment ?? (known.length === 1 ? known[0] : undefined) ?? 'production';
  if (!known.includes(where)) throw noEnvironment(service, where, known);
  return { service: nameIn(ServiceName, service), environment: nameIn(EnvironmentName, where) };
}

/** Shows the suspect, the planned rollback, and a button for it. Changes nothing. */
export async function showRollback(deps: CommandDeps, { who }: Acting, deed: Of<'rollback'>): Promise<Outcome> {
  const place = await placeIn(deps, deed.service, deed.environment);
  const named = deed.version === null ? undefined : nameIn(Version, deed.version);
  const plan = await planRollback(deps, who, place, named);
  const { live, way, hasDeployer } = plan;
  const where = `${place.service} in ${place.environment}`;
  if (deed.environment === null && named !== undefined && (way === undefined || way.kind === 'unknown'))
    throw await neitherNor(deps, place, named, way);
  if (live === undefined || way === undefined)
    throw new Declined(`The running version of ${where} is unknown, because no deployment of it is recorded.`);
  if (way.kind === 'none_known_good')
    throw new Declined(
      `${where} runs ${live.version}, and no earlier version is known to be good. To roll back to a specific version, enter `,
      { code: `/rollback ${place.service} ${place.environment} VERSION` },
      '.',
    );
  if (way.kind === 'unsafe' && named === undefined)
    throw new Declined(
      `${where} runs ${live.version}. A rollback to ${way.version} is not safe, according to rollback_safe_to of ${way.by.version}.`,
    );
  if (way.kind !== 'version') throw new Declined(`${upperFirst(whyNotTo(way, place))}. Nothing was done.`);
  if (!hasDeployer) throw new Declined(`${where} has no deployer in services.yaml, so Firebreak cannot roll it back.`);
  const shown = [...shownPlan(plan, live, way), ...(await held(deps, plan))];
  return { answer: message(shown, [confirmOf(plan, live, way, named !== undefined)]) };
}

/** Returns the error for a word that is neither a known environment nor a known version. */
async function neitherNor(
  { config }: Pick<CommandDeps, 'config'>,
  { service, environment }: ServiceEnvironment,
  word: Version,
  way: Extract<Plan['way'], { kind: 'unknown' }> | undefined,
): Promise<Declined> {
  const environments = Object.keys(serviceEntry((await config.current()).services, service)?.environments ?? {});
  const meant = probablyMeant(word, environments);
  const versions = way?.known ?? [];
  return new Declined(
    `${service} has no environment "${word}", and no version "${word}" is recorded in ${environment}. `,
    ...(meant === null ? [] : ['Did you mean ', { code: `/rollback ${service} ${meant}` }, '? ']),
    `Environments: ${environments.join(', ') || 'none'}${versions.length === 0 ? '' : `; versions: ${versions.join(', ')}`}. `,
    'Nothing was done.',
  );
}

type Way = Extract<Plan['way'], { kind: 'version' }>;

/** Capitalizes the first letter, except of a version. */
const upperFirst = (text: string): string =>
  /^\S*\d/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);

function shownPlan({ place, past, incident, does }: Plan, live: Change, way: Way): Text {
  const suspects = (incident?.suspects ?? []).slice(0, SUSPECTS_SHOWN);
  const cleared = inForce(incident?.cleared);
  return [
    { bold: `${place.service} in ${place.environment}` },
    ` has been running ${live.version} since ${minuteOf(live.finished_at ?? live.started_at)}${by(live)}.`,
    ...(suspects.length === 0
      ? [
          cleared.length > 0
            ? '\nNo change is suspected.'
            : '\nNo change is suspected: no incident is open, or no change could have caused it.',
        ]
      : suspects.flatMap(({ version, confidence, reasons }): Text => [
          `\nSuspect: `,
          { bold: version },
          ` ${Math.round(confidence * 100)} %: ${reasons.join('; ')}.`,
        ])),
    ...(cleared.length === 0 ? [] : [`\n${clearedWords(cleared)}.`]),
    does?.goes === 'forward' ? `\nThe rollback would go forward to ` : `\nThe rollback would go back to `,
    { bold: way.version },
    does === undefined ? '.' : doesWords(does, live, way),
    ...shownPast(past),
    incident === undefined
      ? '\nFirebreak opens an incident for the rollback.'
      : `\nThe rollback belongs to the incident ${placeOf(incident)}: ${incident.title}.`,
  ];
}

function doesWords({ goes, takes, already }: NonNullable<Plan['does']>, live: Change, { version }: Way): string {
  if (goes === 'forward')
    return version === live.version ? '.' : `, because ${live.version} is running after a rollback.`;
  const taken = takes.map((change) => `${change.version} (${change.kind})`).join(', ') || 'nothing else';
  const versions = [...new Set(already.map((change) => change.version))];
  const before =
    versions.length === 0 ? '' : `; ${versions.join(', ')} ${versions.length === 1 ? 'was' : 'were'} already undone`;
  return `, which undoes ${taken}${before}.`;
}

/** Shows the recorded facts about the target version. */
const shownPast = (past: Plan['past']): Text =>
  past === undefined
    ? []
    : [
        `\n${past.ran}.`,
        ...past.doubts.map((doubt) => `\n⚠️ ${upperFirst(doubt)}.`),
        ...past.safe.map((safe) => `\n${upperFirst(safe)}.`),
      ];

const by = ({ author }: Change): string => (author === null ? '' : `, by ${author}`);

/** Shows what would block the rollback. */
async function held({ automation }: CommandDeps, { incident }: Plan): Promise<Text> {
  const { paused, reason } = await automation.read();
  if (paused)
    return [
      `\n⚠️ The kill switch is on${reason === null ? '' : ` (${reason})`}. First enter `,
      { code: '/firebreak resume' },
      '.',
    ];
  return incident?.automation_paused === true ? ['\n⚠️ The automation of this incident is paused.'] : [];
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
      `${place.service} in ${place.environment}: roll back from ${live.version} to ${way.version}`,
      ...(past?.doubts ?? []).map(upperFirst),
    ]
      .map((sentence) => `${sentence}.`)
      .join(' '),
    yes: 'Roll back',
    no: 'Cancel',
  },
});

/**
 * Executes the rollback that was shown, if it is still the same. A repeated delivery continues the rollback that was
 * started: if that has finished, a new one would go back further.
 */
export async function rollBackVersion(
  deps: CommandDeps,
  { who, key, trace }: Acting,
  deed: Of<'roll_back'>,
): Promise<Outcome> {
  const kept = `${key}-begun`;
  const begun = (await deps.processedEvents.read(kept))?.outcome as Begun | undefined; // stored below
  const place = { service: deed.service, environment: deed.environment };
  const named = deed.named === true && deed.to !== null ? { to: deed.to } : {};
  if (begun === undefined) {
    const other = whyOther(await planRollback(deps, who, place, named.to), deed);
    if (other !== undefined) throw new Declined(`Superseded: ${other}. Nothing was done.`);
  }
  const keep = async (what: Begun): Promise<void> => void (await deps.processedEvents.did(kept, what));
  const agreed = { place, from: deed.from, ...named, ...(deed.to !== null && { shown: deed.to }), trace };
  const incident = await rollBack(deps, who, agreed, { begun, keep });
  return answered(
    `The rollback of ${deed.from}${named.to === undefined ? '' : ` to ${named.to}`} was requested, and starts unless a guard blocks it. See its progress in `,
    incident.channel ?? 'the channel of the incident, which Firebreak is creating',
    '.',
  );
}

/** Lists recent deploys. */
export async function showDeploys(deps: CommandDeps, { who }: Acting, deed: Of<'deploys'>): Promise<Outcome> {
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
  return answered(`Deployments of ${where}, newest first (▶️: running):`, ...rows);
}

/** Number of deployments that are searched for the environments of a service. */
const LOOKED_THROUGH = 100;

/** @throws Declined if the environment is neither in the catalogue nor has deployments, with a suggestion */
async function refuseUnknownEnvironment(
  { config, changes }: CommandDeps,
  { service, environment }: ServiceEnvironment,
): Promise<void> {
  const entry = serviceEntry((await config.current()).services, service);
  const { items } = await changes.list({ service, limit: LOOKED_THROUGH });
  const known = new Set([...Object.keys(entry?.environments ?? {}), ...items.map((change) => change.environment)]);
  // The caller reports an unknown service.
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

/** Sets the kill switch. */
export async function killSwitch(
  deps: CommandDeps,
  { who }: Acting,
  deed: Of<'pause'> | Of<'resume'>,
): Promise<Outcome> {
  const paused = deed.act === 'pause';
  const before = await deps.automation.read();
  if (before.paused === paused && before.by !== null) {
    who.allow('automation:read', {});
    return answered(`${before.by} has already ${paused ? 'paused' : 'resumed'} automation${reasonOf(before.reason)}.`);
  }
  await setAutomation(deps, who, { paused, reason: deed.reason });
  return answered(
    paused
      ? `All automation is paused, everywhere${reasonOf(deed.reason)}. Paging continues.`
      : 'Automation is resumed, within the limits of its modes.',
  );
}

const reasonOf = (reason: string | null): string => (reason === null || reason === '' ? '' : ` (${reason})`);

const OPEN_WORDS = ['No incident is open.', 'One incident is open.'];

export async function productTold(deps: CommandDeps, { who }: Acting): Promise<Outcome> {
  who.allow('automation:read', {});
  const [{ paused, by: whose, reason, mode }, all] = await Promise.all([deps.automation.read(), deps.incidents.open()]);
  const open = all.filter((incident) => mayRead(who, incident));
  const automation = paused
    ? `Automation is paused by ${whose ?? 'an unknown person'}${reasonOf(reason)}.`
    : `Automation is on${mode === null ? ', with the mode of each service' : `, limited to mode "${mode}"`}.`;
  return answered(`${automation} ${OPEN_WORDS[open.length] ?? `${open.length} incidents are open.`}`);
}

export async function openListed(deps: CommandDeps, { who }: Acting): Promise<Outcome> {
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
  return answered(`Open incidents: ${seen.length}`, ...rows);
}

function mayRead(who: Acting['who'], { service, environment }: ServiceEnvironment): boolean {
  try {
    who.allow('incidents:read', { service, environment });
    return true;
  } catch (error) {
    if (error instanceof Declined) return false;
    throw error;
  }
}
