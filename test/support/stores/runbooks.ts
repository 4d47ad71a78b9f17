import { selectionEntry, planRun, planRunEnd } from '../../../domain/runbooks/plan-runs.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { Page } from '../../../domain/ports/common.ts';
import type {
  BegunRunbook,
  SelectedRunbook,
  RunbookEnd,
  RunbookRun,
  RunbookRuns,
  StartedRun,
} from '../../../domain/ports/runbooks.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { type FakeStore, copy, type Dossier } from './store.ts';

export class FakeRunbooks implements RunbookRuns {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async of(id: IncidentId): Promise<BegunRunbook[]> {
    return begunOf(this.#store.dossier(id));
  }

  async get(id: IncidentId, number: number): Promise<SelectedRunbook | undefined> {
    return copy(this.#store.dossier(id).runbooks.get(number)?.followed);
  }

  async choose(
    id: IncidentId,
    number: number,
    followed: SelectedRunbook,
    because: string,
  ): Promise<SelectedRunbook | undefined> {
    const dossier = this.#store.dossier(id);
    const known = dossier.runbooks.get(number);
    if (known) return copy(known.followed);
    if (begunOf(dossier).some(({ name }) => name === followed.runbook.name)) return undefined;
    const at = this.#store.clock.now();
    dossier.runbooks.set(number, begun(followed, at));
    dossier.timeline.push(selectionEntry(followed, number, because, at));
    return copy(followed);
  }

  async remember<T extends Json>(id: IncidentId, number: number, what: string, value: T): Promise<T> {
    const memory = this.#store.dossier(id).runbooks.get(number)?.memory;
    if (memory === undefined) throw new Error(`incident ${id} has no runbook ${number}`);
    if (!memory.has(what)) memory.set(what, copy(value));
    return copy(memory.get(what)) as T;
  }

  async recall(id: IncidentId, number: number, what: string): Promise<Json | undefined> {
    return copy(this.#store.dossier(id).runbooks.get(number)?.memory.get(what));
  }

  async list(): Promise<Page<{ incident: IncidentId; number: number }>> {
    const runs = [...this.#store.dossiers].flatMap(([incident, { runbooks }]) =>
      [...runbooks].map(([number, { at }]) => ({ incident, number, at })),
    );
    const items = runs.toSorted((a, b) => (a.at < b.at ? 1 : -1)).map(({ incident, number }) => ({ incident, number }));
    return { items, next_cursor: null };
  }

  async memories(id: IncidentId, number: number): Promise<Map<string, Json>> {
    return copy(this.#store.dossier(id).runbooks.get(number)?.memory ?? new Map<string, Json>());
  }

  async run(id: IncidentId, number: number): Promise<RunbookRun | undefined> {
    const kept = this.#store.dossier(id).runbooks.get(number);
    if (kept === undefined) return undefined;
    const { followed, outcome, at, text } = kept;
    return copy({ ...followed, number, at, outcome, text });
  }

  async start(id: IncidentId, followed: SelectedRunbook & { by: string }): Promise<StartedRun> {
    const dossier = this.#store.dossier(id);
    const at = this.#store.clock.now();
    const plan = planRun(dossier.record, begunOf(dossier), followed, at);
    if (plan.kind !== 'starts') return plan;
    dossier.runbooks.set(plan.number, begun(followed, at));
    this.#store.post(plan.post);
    return { kind: 'started', number: plan.number };
  }

  async conclude(id: IncidentId, number: number, end: RunbookEnd): Promise<void> {
    const { runbooks, record, effects, timeline } = this.#store.dossier(id);
    const runbook = runbooks.get(number);
    if (runbook === undefined || runbook.outcome !== null) return;
    const { outcome, acted, text } = end;
    Object.assign(runbook, { outcome, acted, text });
    const told = planRunEnd(record, [...effects.values()], { ...end, number }, this.#store.clock.now());
    if (told.kind === 'entry') timeline.push(told.entry);
    else this.#store.post(told.post);
  }
}

const begun = (followed: SelectedRunbook, at: Timestamp) => ({
  followed: copy(followed),
  outcome: null,
  acted: false,
  memory: new Map<string, Json>(),
  at,
  text: null,
});

export const begunOf = ({ runbooks }: Dossier): BegunRunbook[] =>
  [...runbooks].map(([number, { followed, outcome, acted }]) => ({
    number,
    name: followed.runbook.name,
    done: outcome !== null,
    acted,
  }));
