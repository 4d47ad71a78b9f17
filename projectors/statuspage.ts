import type { PublicUpdate, StatusPage } from '../domain/outlets.ts';
import type { ConfigSource, Incidents } from '../domain/ports.ts';
import { idOf, type Projections } from '../domain/projections.ts';
import { componentsOf, componentStatus, publicStatus, words, worst } from '../domain/public-words.ts';
import type { Config } from '../schemas/config.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import { IncidentId } from '../schemas/names.ts';
import type { ComponentStatus } from '../schemas/outlets.ts';
import { StatuspageState } from '../schemas/projection.ts';
import { plusSeconds } from '../schemas/time.ts';
import type { Projector } from './pass.ts';
import type { Method, Turn } from './turn.ts';

/**
 * One request a second and key, over a minute; a little below it.
 * @see https://developer.statuspage.io/ "Rate Limiting", read 2026-11
 */
const STATUSPAGE: Method = { name: 'statuspage', allowances: { statuspage: { perSecond: 0.8, burst: 8 } } };

/** Our time limit for a call and a minute on their side: then a creation has either arrived or never will. */
const UNCLEAR_SECONDS = 75;

const AFTER_A_REFUSAL_SECONDS = 600;

type Deps = {
  statusPage: StatusPage;
  projections: Projections;
  incidents: Pick<Incidents, 'read' | 'open' | 'note'>;
  config: ConfigSource;
};

/** The hosted status page: an incident that customers read, and the state of its components. */
export const statuspageProjector =
  (deps: Deps): Projector =>
  async (subject, turn) => {
    const incident = await deps.incidents.read(IncidentId.parse(idOf(subject)));
    const config = await deps.config.current();
    if (incident === undefined) return;
    const { names, publish } = componentsOf(incident, config);
    const before = StatuspageState.parse((await deps.projections.read('statuspage', subject)) ?? {});
    if (names.length === 0 && before.id === null) return;
    if (publish === 'ask' && before.id === null && before.creatingSince === null) return askFor(deps, incident, turn);
    let state = before;
    const save = async (change: Partial<StatuspageState>) => {
      state = { ...state, ...change };
      await deps.projections.write('statuspage', subject, state);
    };
    const known = await knownComponents(deps, names, before, save, turn);
    if (known === undefined) return;
    const update = await updateFor(deps, incident, config, names, known);
    if (before.id === null) return create(deps, incident, config, { ...update, names }, before, save, turn);
    await follow(deps, incident, before, update, save, turn);
  };

/** Once, on the timeline: nothing is public before a person says so. */
async function askFor({ incidents }: Deps, incident: IncidentRecord, turn: Turn): Promise<void> {
  if (incident.status === 'resolved') return;
  await incidents.note(incident.id, 'status-page-asks', {
    at: turn.now(),
    actor: 'firebreak',
    kind: 'statuspage.asks',
    text: `The status page waits for a person: POST /v1/incidents/${incident.id}/actions/publish`,
    detail: null,
  });
}

/** Ids by name, looked up once: their list is long and its limit low. Undefined: not now. */
async function knownComponents(
  { statusPage }: Deps,
  names: readonly string[],
  { known }: StatuspageState,
  save: Save,
  turn: Turn,
): Promise<Readonly<Record<string, string>> | undefined> {
  if (names.every((name) => Object.hasOwn(known, name))) return known;
  const told = await turn.attempt(STATUSPAGE, () => statusPage.components());
  if (told?.kind === 'refused') turn.comeAgain(plusSeconds(turn.now(), AFTER_A_REFUSAL_SECONDS));
  if (told?.kind !== 'done') return undefined;
  const found = names.flatMap((name) => {
    const component = told.value.find((one) => one.id === name || one.name === name);
    if (component === undefined) turn.log.warn('the status page has no such component', { component: name });
    return component === undefined ? [] : [[name, component.id] as const];
  });
  const all = { ...known, ...Object.fromEntries(found) };
  await save({ known: all });
  return all;
}

/** What the page should say. */
async function updateFor(
  deps: Deps,
  incident: IncidentRecord,
  config: Config,
  names: readonly string[],
  known: Readonly<Record<string, string>>,
): Promise<PublicUpdate> {
  const others = (await deps.incidents.open()).filter(({ id, status }) => id !== incident.id && status !== 'resolved');
  const status = publicStatus(incident);
  const components: Record<string, ComponentStatus> = {};
  for (const name of names) {
    const id = Object.hasOwn(known, name) ? known[name] : undefined;
    if (id === undefined) continue;
    // A component of several incidents does as badly as the worst of them says.
    const concerned = [incident, ...others.filter((other) => isPublicAbout(other, name, config))];
    components[id] = worst(concerned.map((one) => componentStatus(one, config.statusPage)));
  }
  return { status, body: words(config.statusPage.updates[status], names), components };
}

function isPublicAbout(incident: IncidentRecord, name: string, config: Config): boolean {
  const { names, publish } = componentsOf(incident, config);
  return publish === 'now' && names.includes(name);
}

type Save = (change: Partial<StatuspageState>) => Promise<void>;

async function create(
  { statusPage }: Deps,
  incident: IncidentRecord,
  config: Config,
  update: PublicUpdate & { names: readonly string[] },
  before: StatuspageState,
  save: Save,
  turn: Turn,
): Promise<void> {
  if (before.creatingSince === null && incident.status === 'resolved') return; // over before anybody was told
  const { names, ...said } = update;
  if (before.creatingSince !== null) {
    const found = await turn.attempt(STATUSPAGE, () => statusPage.findIncident(incident.id));
    if (found?.kind === 'refused') return gone(found.code, save, turn);
    if (found?.kind !== 'done') return;
    if (found.value !== null) {
      await save({ id: found.value.id, creatingSince: null });
      return turn.comeAgain(turn.now());
    }
    const sure = plusSeconds(before.creatingSince, UNCLEAR_SECONDS);
    if (turn.now() < sure) return turn.comeAgain(sure);
    if (incident.status === 'resolved') return save({ creatingSince: null });
  }
  const told = await turn.attempt(STATUSPAGE, async () => {
    await save({ creatingSince: turn.now() });
    const title = words(config.statusPage.title, names);
    return statusPage.createIncident({ ...said, key: incident.id, name: title });
  });
  if (told?.kind === 'done')
    await save({ id: told.value.id, creatingSince: null, status: said.status, components: { ...said.components } });
  else if (told !== undefined && told.kind !== 'unclear') await save({ creatingSince: null });
  if (told?.kind === 'refused') turn.comeAgain(plusSeconds(turn.now(), AFTER_A_REFUSAL_SECONDS));
}

async function follow(
  { statusPage }: Deps,
  incident: IncidentRecord,
  before: StatuspageState,
  update: PublicUpdate,
  save: Save,
  turn: Turn,
): Promise<void> {
  const { id, status } = before;
  if (id === null) return;
  const same = status === update.status && JSON.stringify(before.components) === JSON.stringify(update.components);
  if (same) return;
  // Mailed to subscribers: only what is new to them. Components by themselves are set quietly.
  if (status !== update.status) {
    if (before.updatingSince !== null && !(await settled(statusPage, incident, before, update, save, turn))) return;
    const told = await turn.attempt(STATUSPAGE, async () => {
      await save({ updatingSince: turn.now() });
      return statusPage.updateIncident(id, update);
    });
    if (told?.kind === 'done')
      await save({ status: update.status, components: { ...update.components }, updatingSince: null });
    else if (told !== undefined && told.kind !== 'unclear') await save({ updatingSince: null });
    if (told?.kind === 'refused') await gone(told.code, save, turn);
    return;
  }
  let components = before.components;
  for (const [component, state] of Object.entries(update.components)) {
    if (components[component] === state) continue;
    const told = await turn.attempt(STATUSPAGE, () => statusPage.setComponent(component, state));
    if (told?.kind !== 'done') return;
    components = { ...components, [component]: state };
    await save({ components });
  }
}

/** Whether an update whose answer was lost is certainly not there, and may be sent. One that is there is taken as done. */
async function settled(
  statusPage: StatusPage,
  incident: IncidentRecord,
  { updatingSince }: StatuspageState,
  update: PublicUpdate,
  save: Save,
  turn: Turn,
): Promise<boolean> {
  const found = await turn.attempt(STATUSPAGE, () => statusPage.findIncident(incident.id));
  if (found?.kind === 'refused') await gone(found.code, save, turn);
  if (found?.kind !== 'done') return false;
  if (found.value?.status === update.status) {
    await save({ status: update.status, components: { ...update.components }, updatingSince: null });
    return false;
  }
  const sure = plusSeconds(updatingSince ?? turn.now(), UNCLEAR_SECONDS);
  if (turn.now() >= sure) return true;
  turn.comeAgain(sure);
  return false;
}

/** Somebody has deleted it there, or the key may no more: looked at again later. */
async function gone(code: string, save: Save, turn: Turn): Promise<void> {
  turn.log.warn('the status page refuses an update', { code });
  await save({ problem: code });
  turn.comeAgain(plusSeconds(turn.now(), AFTER_A_REFUSAL_SECONDS));
}
