import { nextByHand, whereFrom } from '../../../domain/runbooks/by-hand.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { Page } from '../../../domain/ports/common.ts';
import type { IncidentChange } from '../../../domain/ports/incidents.ts';
import type {
  BegunRunbook,
  Followed,
  RunbookEnd,
  RunbookRun,
  RunbookRuns,
  StartedRun,
} from '../../../domain/ports/runbooks.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { type FakeStore, copy, type Dossier } from './store.ts';

export class FakeRunbooks implements RunbookRuns {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async of(id: IncidentId): Promise<BegunRunbook[]> {
    return begunOf(this.#store.dossier(id));
  }

  async get(id: IncidentId, number: number): Promise<Followed | undefined> {
    return copy(this.#store.dossier(id).runbooks.get(number)?.followed);
  }

  async choose(id: IncidentId, number: number, followed: Followed): Promise<Followed | undefined> {
    const { runbooks, timeline } = this.#store.dossier(id);
    const known = runbooks.get(number);
    if (known) return copy(known.followed);
    if ([...runbooks.values()].some((other) => other.followed.runbook.name === followed.runbook.name)) return undefined;
    const at = this.#store.clock.now();
    runbooks.set(number, { followed: copy(followed), outcome: null, acted: false, memory: new Map(), at, text: null });
    const text = followed.runbook.title;
    timeline.push({ at: this.#store.clock.now(), actor: 'firebreak', kind: 'runbook.started', text, detail: null });
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

  async start(id: IncidentId, followed: Followed & { by: string }): Promise<StartedRun> {
    const dossier = this.#store.dossier(id);
    if (dossier.record.status === 'resolved') return { kind: 'closed' };
    const begun = begunOf(dossier);
    const running = begun.find(({ name, done }) => name === followed.runbook.name && !done);
    if (running !== undefined) return { kind: 'running', number: running.number };
    const number = nextByHand(begun.map((run) => run.number));
    if (number === null) return { kind: 'too_many' };
    const at = this.#store.clock.now();
    dossier.runbooks.set(number, {
      followed: copy(followed),
      outcome: null,
      acted: false,
      memory: new Map(),
      at,
      text: null,
    });
    const again =
      followed.again === undefined ? '' : ` again, from ${whereFrom(followed.runbook, followed.again.done)}`;
    this.#store.mail(
      dossier,
      { kind: 'runbook_run', number },
      {
        timeline: {
          actor: followed.by,
          kind: 'runbook.started',
          text: `${followed.runbook.title}${again}`,
          detail: null,
        },
      },
    );
    return { kind: 'started', number };
  }

  async conclude(id: IncidentId, number: number, { outcome, text, acted, page }: RunbookEnd): Promise<void> {
    const dossier = this.#store.dossier(id);
    const runbook = dossier.runbooks.get(number);
    if (runbook === undefined || runbook.outcome !== null) return;
    runbook.outcome = outcome;
    runbook.acted = acted;
    runbook.text = text;
    const timeline = { actor: 'firebreak', kind: `runbook.${outcome}`, text, detail: null };
    if (dossier.record.status === 'resolved') {
      dossier.timeline.push({ ...timeline, at: this.#store.clock.now() });
      return;
    }
    const underWay = [...dossier.effects.values()].some(
      ({ resource, state }) => resource !== undefined && (state === 'intended' || state === 'accepted'),
    );
    const change: IncidentChange = acted
      ? {
          status: 'mitigated',
          verification: 'pending',
          verifying: { number: 0, runbook: number, at: this.#store.clock.now() },
        }
      : dossier.record.status === 'mitigating' && !underWay
        ? { status: ['not_needed', 'failed'].includes(dossier.record.verification) ? 'open' : 'mitigated' }
        : {};
    this.#store.mail(dossier, { kind: 'runbook', number, acted, page }, { ...change, timeline });
  }
}

export const begunOf = ({ runbooks }: Dossier): BegunRunbook[] =>
  [...runbooks].map(([number, { followed, outcome, acted }]) => ({
    number,
    name: followed.runbook.name,
    done: outcome !== null,
    acted,
  }));
