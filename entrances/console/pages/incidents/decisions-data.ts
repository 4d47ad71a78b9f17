import { rollbackOf } from '../../../../core/domain/messages/incident-lines.ts';
import type { ComputeReport } from '../../../../features/manifest.ts';
import type { DecisionView, Effect, IncidentView } from '../../../../schemas/incidents/incident.ts';

/** Decisions of a page, at least; those of one incident stay together. */
const DECISIONS_SHOWN = 12;

/** Incidents that one request looks through for decisions that match. */
const INCIDENTS_SEARCHED_MAX = 300;
const INCIDENTS_PER_READ = 50;

/** Kinds of decisions that a person can select. */
export const KINDS = {
  all: { label: 'All', kinds: ['roll_back', 'approve', 'wait', 'suggest', 'shadow', 'none'] },
  acted: { label: 'Acted', kinds: ['roll_back'] },
  asked: { label: 'Asked', kinds: ['approve', 'suggest'] },
  wait: { label: 'Waited', kinds: ['wait'] },
  shadow: { label: 'Shadow mode', kinds: ['shadow'] },
  none: { label: 'Did nothing', kinds: ['none'] },
} as const satisfies Record<string, { label: string; kinds: readonly DecisionView['kind'][] }>;

export type Kind = keyof typeof KINDS;

/** `text`: part of the service, the environment, a version, or a reason. `from`: where the page begins. */
export type DecisionsQuery = { kind: Kind; text: string; from: string | null };

export type ListedDecisions = {
  /** Newest incidents first, with those decisions that match. */
  items: readonly {
    incident: Pick<IncidentView, 'id' | 'number' | 'service' | 'environment' | 'title'>;
    decision: DecisionView;
    /** The rollback that it led to. Absent: none. */
    effect?: Effect;
  }[];
  /** Where older ones begin. Null: there are none. */
  older: string | null;
};

/** Reads one page. */
export const decisions: ComputeReport<DecisionsQuery, ListedDecisions> = async (deps, { kind, text, from }, may) => {
  const kinds: readonly DecisionView['kind'][] = KINDS[kind].kinds;
  const items: ListedDecisions['items'][number][] = [];
  const limit = kind === 'all' && text === '' ? DECISIONS_SHOWN : INCIDENTS_PER_READ;
  let cursor = from;
  for (let searched = 0; searched < INCIDENTS_SEARCHED_MAX && items.length < DECISIONS_SHOWN; searched += limit) {
    const page = await deps.incidents.list({ limit, ...(cursor !== null && { cursor }) });
    for (const incident of page.items.filter((listed) => may('incidents:read', listed)))
      for (const decision of incident.decisions.toReversed())
        if (kinds.includes(decision.kind) && matches(incident, decision, text)) {
          const { id, number, service, environment, title } = incident;
          const effect = rollbackOf(decision, incident);
          items.push({
            incident: { id, number, service, environment, title },
            decision,
            ...(effect !== undefined && { effect }),
          });
        }
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  return { items, older: cursor };
};

function matches(incident: IncidentView, decision: DecisionView, text: string): boolean {
  const { from_version: from, to_version: to, reasons, target, question, answered_by: by } = decision;
  const words = [incident.service, incident.environment, target?.service, target?.environment, from, to, question, by];
  const searched = [...words, ...reasons.map((reason) => `${reason.code} ${reason.text}`)].join(' ').toLowerCase();
  return searched.includes(text.toLowerCase());
}
