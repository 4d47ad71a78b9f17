import { changeMark, incidentMark, markTag } from '../domain/marks.ts';
import type { Annotation, Annotations } from '../domain/outlets.ts';
import type { Changes, Incidents } from '../domain/ports.ts';
import { idOf, type Projections } from '../domain/projections.ts';
import { ChangeId, IncidentId } from '../schemas/names.ts';
import { GrafanaState, type Subject } from '../schemas/projection.ts';
import { plusSeconds } from '../schemas/time.ts';
import type { Projector } from './pass.ts';
import type { Method, Turn } from './turn.ts';

/** Grafana names no limit; a database stands behind it. */
const GRAFANA: Method = { name: 'grafana', allowances: { grafana: { perSecond: 5, burst: 20 } } };

/** Our time limit for a call and a minute on its side: then a creation has either arrived or never will. */
const UNCLEAR_SECONDS = 75;

const AFTER_A_REFUSAL_SECONDS = 600;

type Deps = {
  annotations: Annotations;
  projections: Projections;
  incidents: Pick<Incidents, 'read'>;
  changes: Pick<Changes, 'get'>;
};

/** Deploys, rollbacks and incidents on the graphs. */
export const grafanaProjector =
  (deps: Deps): Projector =>
  async (subject, turn) => {
    const mark = await markOf(deps, subject);
    if (mark === undefined) return;
    const before = GrafanaState.parse((await deps.projections.read('grafana', subject)) ?? {});
    const shown = JSON.stringify(mark);
    if (before.shown === shown) return;
    const save = (change: Partial<GrafanaState>) =>
      deps.projections.write('grafana', subject, { ...before, ...change });
    const { annotations } = deps;
    const id = before.id ?? (await found(annotations, subject, before, turn));
    if (id === undefined) return;
    if (id !== null) {
      const told = await turn.attempt(GRAFANA, () => annotations.update(id, mark));
      if (told?.kind === 'done') await save({ id, shown, creatingSince: null, problem: null });
      if (told?.kind === 'refused') await refused(told.code, told.detail, save, turn);
      return;
    }
    const told = await turn.attempt(GRAFANA, async () => {
      await save({ creatingSince: turn.now() });
      return annotations.create(mark);
    });
    if (told?.kind === 'done') await save({ id: told.value.id, shown, creatingSince: null, problem: null });
    else if (told?.kind === 'refused') await refused(told.code, told.detail, save, turn);
    else if (told !== undefined && told.kind !== 'unclear') await save({ creatingSince: null });
  };

async function markOf(deps: Deps, subject: Subject): Promise<Annotation | undefined> {
  if (subject.startsWith('change:')) {
    const change = await deps.changes.get(ChangeId.parse(idOf(subject)));
    return change && changeMark(change);
  }
  const incident = await deps.incidents.read(IncidentId.parse(idOf(subject)));
  return incident && incidentMark(incident);
}

/** Before it is written, it is looked for by its tag. Null: there is none. Undefined: not now. */
async function found(
  annotations: Annotations,
  subject: Subject,
  { creatingSince }: GrafanaState,
  turn: Turn,
): Promise<string | null | undefined> {
  const told = await turn.attempt(GRAFANA, () => annotations.find(markTag(idOf(subject))));
  if (told?.kind === 'refused') turn.comeAgain(plusSeconds(turn.now(), AFTER_A_REFUSAL_SECONDS));
  if (told?.kind !== 'done') return undefined;
  if (told.value !== null) return told.value.id;
  const sure = creatingSince === null ? null : plusSeconds(creatingSince, UNCLEAR_SECONDS);
  if (sure === null || turn.now() >= sure) return null;
  turn.comeAgain(sure);
  return undefined;
}

async function refused(
  code: string,
  detail: string,
  save: (change: Partial<GrafanaState>) => Promise<void>,
  turn: Turn,
): Promise<void> {
  turn.log.warn('Grafana refuses an annotation', { code, detail });
  // One that a person has deleted is written anew; for anything else somebody has to change something first.
  await save({ creatingSince: null, problem: detail, ...(code === 'not_found' && { id: null }) });
  turn.comeAgain(plusSeconds(turn.now(), code === 'not_found' ? 1 : AFTER_A_REFUSAL_SECONDS));
}
