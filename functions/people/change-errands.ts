import { serviceEntry } from '../../domain/catalogue.ts';
import { minuteOf, placeOf } from '../../domain/story.ts';
import type { ChatButton, Text } from '../../domain/outlets.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import type { Change } from '../../schemas/change.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';
import { type Plan, planRollback, rollBack, whyOther } from '../acts/roll-back.ts';
import { setAutomation } from '../acts/automation.ts';
import type { Deed } from './errand.ts';
import type { Doing } from './incident-errands.ts';
import { answered, Declined, message, type Outcome, unknownName, nameIn } from './outcome.ts';

type Of<A extends Deed['act']> = Extract<Deed, { act: A }>;

const SHOWN_MAX = 8;
const SUSPECTS_SHOWN = 3;

/** @throws Declined where nothing is known of such a service */
async function placeIn(deps: Deps, service: string, environment: string | null): Promise<Place> {
  const { services } = await deps.config.current();
  const entry = serviceEntry(services, service);
  if (entry === undefined) throw unknownName('service', service, Object.keys(services));
  const known = Object.keys(entry.environments);
  const where = environment ?? entry.defaultEnvironment ?? (known.length === 1 ? known[0] : undefined) ?? 'production';
  if (!known.includes(where))
    throw new Declined(
      `${service} has no environment "${where}"; it has ${known.join(', ') || 'none'}. Nothing was done.`,
    );
  return { service: nameIn(ServiceName, service), environment: nameIn(EnvironmentName, where) };
}

/** What broke it, what would be done, and a button that does it: nothing is done by this. */
export async function rollbackShown(deps: Deps, { who }: Doing, deed: Of<'rollback'>): Promise<Outcome> {
  const place = await placeIn(deps, deed.service, deed.environment);
  const plan = await planRollback(deps, who, place);
  const { live, way, hasDeployer } = plan;
  const where = `${place.service} in ${place.environment}`;
  if (live === undefined) throw new Declined(`It is not known what runs of ${where}: no deployment of it is recorded.`);
  if (way?.kind === 'none_known_good')
    throw new Declined(`${where} runs ${live.version}, and no earlier version is known to be good.`);
  if (way?.kind === 'unsafe')
    throw new Declined(
      `${where} runs ${live.version}; going back to ${way.version} is not safe, as ${way.by.version} says (rollback_safe_to).`,
    );
  if (way === undefined || !hasDeployer)
    throw new Declined(`${where} has no deployer in services.yaml, so nothing can be rolled back from here.`);
  if (deed.version !== null && deed.version !== way.version)
    throw new Declined(
      `Rollbacks go to the newest version that is known good, and of ${where} that is ${way.version}, not ${deed.version}. `,
      { code: `/rollback ${place.service} ${place.environment}` },
      ' shows what would be done; for another version use your CD system.',
    );
  return { answer: message([...shownPlan(plan, live), ...(await held(deps, plan))], [confirmOf(plan, live, way)]) };
}

function shownPlan({ place, way, incident }: Plan, live: Change): Text {
  const undone = way?.kind === 'version' ? way.undoes : [];
  const suspects = (incident?.suspects ?? []).slice(0, SUSPECTS_SHOWN);
  return [
    { bold: `${place.service} in ${place.environment}` },
    ` runs ${live.version} since ${minuteOf(live.finished_at ?? live.started_at)}${by(live)}.`,
    ...(suspects.length === 0
      ? ['\nNo change is suspected: no incident is open there, or none could have caused it.']
      : suspects.flatMap(({ version, confidence, reasons }): Text => [
          `\nSuspect: `,
          { bold: version },
          ` ${Math.round(confidence * 100)} %, ${reasons.join('; ')}`,
        ])),
    `\nIt would go back to `,
    { bold: way?.kind === 'version' ? way.version : '' },
    `, which takes back ${undone.map(({ version, kind }) => `${version} (${kind})`).join(', ') || 'nothing else'}.`,
    incident === undefined
      ? '\nAn incident is opened for it.'
      : `\nIt belongs to the incident ${placeOf(incident)}: ${incident.title}.`,
  ];
}

const by = ({ author }: Change): string => (author === null ? '' : `, by ${author}`);

/** What would keep it from being done. */
async function held({ automation }: Deps, { incident }: Plan): Promise<Text> {
  const { paused, reason } = await automation.read();
  if (paused)
    return [
      `\n⚠️ The kill switch is on${reason === null ? '' : ` (${reason})`}: `,
      { code: '/firebreak resume' },
      ' first.',
    ];
  return incident?.automation_paused === true ? ['\n⚠️ The automation of the incident is paused.'] : [];
}

const confirmOf = ({ place }: Plan, live: Change, way: Extract<Plan['way'], { kind: 'version' }>): ChatButton => ({
  button: { verb: 'rollback', ...place, from: live.version, to: way.version },
  text: `Roll back to ${way.version}`,
  style: 'danger',
  confirm: {
    title: 'Roll back now?',
    text: `${place.service} in ${place.environment}: ${live.version} back to ${way.version}`,
    yes: 'Roll back',
    no: 'Not now',
  },
});

/**
 * What was shown is done, if it is still that. Once it was begun it is not begun again: by then it may be over, and
 * another one would go back further.
 */
export async function rolledBack(deps: Deps, { who, key, trace }: Doing, deed: Of<'roll_back'>): Promise<Outcome> {
  const begun = `${key}-begun`;
  if ((await deps.hearings.read(begun)) !== undefined)
    return answered('This was begun before, and interrupted: the timeline of the incident tells what became of it.');
  const place = { service: deed.service, environment: deed.environment };
  const other = whyOther(await planRollback(deps, who, place), deed);
  if (other !== undefined) throw new Declined(`Superseded: ${other}. Nothing was done.`);
  await deps.hearings.did(begun, {});
  const incident = await rollBack(deps, who, { place, from: deed.from, trace });
  return answered(
    `The rollback of ${deed.from} is begun, unless a guard holds it: `,
    incident.channel ?? 'its channel, which comes in a moment,',
    ' tells what becomes of it.',
  );
}

/** What was deployed lately. */
export async function deploysTold(deps: Deps, { who }: Doing, deed: Of<'deploys'>): Promise<Outcome> {
  const service = nameIn(ServiceName, deed.service);
  const environment = deed.environment === null ? null : nameIn(EnvironmentName, deed.environment);
  const scope = { service, ...(environment !== null && { environment }) };
  who.allow('deployments:read', scope);
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

/** The kill switch. */
export async function killSwitch(deps: Deps, { who }: Doing, deed: Of<'pause'> | Of<'resume'>): Promise<Outcome> {
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

export async function productTold(deps: Deps, { who }: Doing): Promise<Outcome> {
  who.allow('automation:read', {});
  const [{ paused, by: whose, reason, mode }, open] = await Promise.all([
    deps.automation.read(),
    deps.incidents.open(),
  ]);
  const automation = paused
    ? `Automation is paused by ${whose ?? 'somebody'}${reasonOf(reason)}.`
    : `Automation acts${mode === null ? '' : `, capped at ${mode}`}.`;
  return answered(`${automation} ${open.length === 0 ? 'No incident is open.' : `${open.length} incidents are open.`}`);
}

export async function openListed(deps: Deps, { who }: Doing): Promise<Outcome> {
  const open = (await deps.incidents.open()).filter(({ parent_id }) => parent_id === undefined);
  const seen = open.filter(({ service, environment }) =>
    allowed(() => who.allow('incidents:read', { service, environment })),
  );
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

function allowed(look: () => void): boolean {
  try {
    look();
    return true;
  } catch (error) {
    if (error instanceof Declined) return false;
    throw error;
  }
}
