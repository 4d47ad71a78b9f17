import * as z from 'zod';
import { incidentUrl, serviceUrl } from '../../../core/domain/incidents/console-link.ts';
import {
  changeAnnotation,
  incidentAnnotation,
  annotationTag,
} from '../../../core/domain/incidents/graph-annotations.ts';
import type { Annotation, Annotations } from '../../../core/domain/ports/annotations.ts';
import type { Changes } from '../../../core/domain/ports/changes.ts';
import type { Incidents } from '../../../core/domain/ports/incidents.ts';
import { idOf, type Projections } from '../../../core/domain/incidents/projections.ts';
import { ChangeId, IncidentId } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { plusSeconds, Timestamp } from '../../../schemas/time/time.ts';
import type { Projector } from '../../../core/projectors/sync.ts';
import type { Method, SyncSession } from '../../../core/projectors/session.ts';
import { unansweredAfter, setAgainFrom, outcomeKnownFrom } from '../../../core/domain/messages/unclear.ts';

/** Rate limit. Grafana publishes none, but stores annotations in a database. */
const GRAFANA: Method = { name: 'grafana', allowances: { grafana: { perSecond: 5, burst: 20 } } };

const GrafanaState = z.object({
  id: z.string().nullable().default(null),
  /** It was searched and not found. */
  missing: z.boolean().default(false),
  creatingSince: Timestamp.nullable().default(null),
  shown: z.string().nullable().default(null),
  /** When something was last sent without a response. */
  unsure: Timestamp.nullable().default(null),
  problem: z.string().nullable().default(null),
});
type GrafanaState = z.infer<typeof GrafanaState>;

type AnnotationDeps = { annotations: Annotations; projections: Projections };

type Deps = AnnotationDeps & {
  incidents: Pick<Incidents, 'read'>;
  changes: Pick<Changes, 'get'>;
  publicUrl?: string | undefined;
};

/** Returns the projector for Grafana: annotations for changes and incidents. */
export const grafanaProjector = (deps: Deps): Projector =>
  annotationProjector(deps, (subject) => annotationOf(deps, subject));

/** Returns a projector that shows subjects as annotations. @param shown undefined: the subject is not shown */
export const annotationProjector =
  (deps: AnnotationDeps, shown: (subject: Subject) => Promise<Annotation | undefined>): Projector =>
  async (subject, session) => {
    const annotation = await shown(subject);
    if (annotation === undefined) return;
    const state = GrafanaState.parse((await deps.projections.read('grafana', subject)) ?? {});
    await new GrafanaAnnotation(deps, subject, annotation, state, session).show();
  };

async function annotationOf(deps: Deps, subject: Subject): Promise<Annotation | undefined> {
  if (subject.startsWith('change:')) {
    const change = await deps.changes.get(ChangeId.parse(idOf(subject)));
    return change && changeAnnotation(change, serviceUrl(deps.publicUrl, change.service));
  }
  const incident = await deps.incidents.read(IncidentId.parse(idOf(subject)));
  return incident && incidentAnnotation(incident, incidentUrl(deps.publicUrl, incident));
}

class GrafanaAnnotation {
  readonly #deps: AnnotationDeps;
  readonly #subject: Subject;
  readonly #annotation: Annotation;
  readonly #shown: string;
  readonly #session: SyncSession;
  #state: GrafanaState;

  constructor(
    deps: AnnotationDeps,
    subject: Subject,
    annotation: Annotation,
    state: GrafanaState,
    session: SyncSession,
  ) {
    this.#deps = deps;
    this.#subject = subject;
    this.#annotation = annotation;
    this.#shown = JSON.stringify(annotation);
    this.#state = state;
    this.#session = session;
  }

  async show(): Promise<void> {
    if (this.#state.id === null && !this.#state.missing) await this.#find();
    if (this.#state.id !== null) await this.#update(this.#state.id);
    else if (this.#state.missing) await this.#create();
  }

  /** Looks for an existing annotation by its tag before one is created. */
  async #find(): Promise<void> {
    const began = this.#session.now();
    const response = await this.#session.attempt(GRAFANA, () =>
      this.#deps.annotations.find(annotationTag(idOf(this.#subject))),
    );
    if (response?.kind === 'refused') await this.#recordRefusal(response.code, response.detail);
    if (response?.kind !== 'done') return;
    if (response.value !== null) return this.#save({ id: response.value.id, creatingSince: null });
    const { creatingSince } = this.#state;
    if (creatingSince !== null && began < outcomeKnownFrom(creatingSince))
      this.#session.scheduleNext(outcomeKnownFrom(creatingSince));
    else await this.#save({ missing: true, creatingSince: null });
  }

  async #create(): Promise<void> {
    const response = await this.#session.attempt(
      GRAFANA,
      () => this.#deps.annotations.create(this.#annotation),
      async (at) => {
        await this.#save({ creatingSince: at, missing: false });
        return true;
      },
    );
    if (response === undefined || response.kind === 'unclear') return;
    if (response.kind === 'done')
      await this.#save({ id: response.value.id, creatingSince: null, shown: this.#shown, problem: null });
    else await this.#save({ creatingSince: null, missing: true });
    if (response.kind === 'refused') await this.#recordRefusal(response.code, response.detail);
  }

  async #update(id: string): Promise<void> {
    const before = this.#state.unsure;
    const sendAgainFrom = setAgainFrom(before);
    const began = this.#session.now();
    if (this.#state.shown === this.#shown && (sendAgainFrom === null || began < sendAgainFrom)) {
      if (sendAgainFrom !== null) this.#session.scheduleNext(sendAgainFrom);
      return;
    }
    const response = await this.#session.attempt(
      GRAFANA,
      () => this.#deps.annotations.update(id, this.#annotation),
      async (at) => {
        await this.#save({ unsure: at });
        return true;
      },
    );
    if (response === undefined || response.kind === 'unclear') return;
    const done = response.kind === 'done';
    const unansweredAt = unansweredAfter(before, done ? began : null);
    await this.#save({ unsure: unansweredAt, ...(done && { shown: this.#shown, problem: null }) });
    // A failed call is retried with its own delay.
    if (done && unansweredAt !== null) this.#session.scheduleNext(outcomeKnownFrom(unansweredAt));
    if (response.kind === 'refused') await this.#recordRefusal(response.code, response.detail);
  }

  /** Records a refusal. A deleted annotation is created again; other refusals require a change by a person. */
  async #recordRefusal(code: string, detail: string): Promise<void> {
    this.#session.log.warn('Grafana refused an annotation', { code, detail });
    await this.#save({ problem: detail, ...(code === 'not_found' && { id: null, shown: null }) });
    if (code === 'not_found') this.#session.scheduleNext(plusSeconds(this.#session.now(), 1));
    else this.#session.scheduleRetryAfterRefusal(this.#endOfUpdates());
  }

  /** Returns the end of updates. Null: the incident is open. A change without an end counts as a point in time. */
  #endOfUpdates(): Timestamp | null {
    const { from, until } = this.#annotation;
    return until ?? (this.#subject.startsWith('change:') ? from : null);
  }

  async #save(change: Partial<GrafanaState>): Promise<void> {
    await this.#session.checkLease();
    this.#state = { ...this.#state, ...change };
    await this.#deps.projections.write('grafana', this.#subject, this.#state);
  }
}
