import type { TimelineEntry } from '../../../../schemas/incidents/incident.ts';

/** Kinds of timeline entries that a person can select, by the kinds of entries that they cover. */
export const TIMELINE_KINDS = {
  all: { label: 'Everything', covers: /./ },
  decisions: { label: 'Decisions', covers: /^(decision|suspect|verification|change|mitigation\.not_taken)/ },
  actions: {
    label: 'Actions',
    covers: /^(rollback|mitigation|look|runbook|flag|scale|restart|http|ticket|automation)/,
  },
  pages: { label: 'Pages', covers: /^(page|reminder|commander\.unknown)/ },
  people: {
    label: 'People',
    covers: /^(note|role|command\.|incident\.(acknowledged|triaged|update|changed)|resolve|statuspage)/,
  },
  alerts: {
    label: 'Alerts',
    covers: /^(alerts|incident\.(opened|declared|joined|left|recovered|failing_again|resolved))/,
  },
} as const;

export type TimelineKind = keyof typeof TIMELINE_KINDS;

export type TimelineFilter = {
  kind: TimelineKind;
  /** Part of the text or of the actor, in any case. Empty: no limit. */
  text: string;
  /** Cursor of older entries. Null: the newest. */
  from: string | null;
};

const TEXT_MAX_CHARS = 200;

export function filterOf(query: URLSearchParams): TimelineFilter {
  const kind = query.get('kind') ?? '';
  return {
    kind: Object.hasOwn(TIMELINE_KINDS, kind) ? (kind as TimelineKind) : 'all',
    text: (query.get('text') ?? '').trim().slice(0, TEXT_MAX_CHARS),
    from: query.get('from') || null,
  };
}

export const isShown = ({ kind, text }: Omit<TimelineFilter, 'from'>, entry: TimelineEntry): boolean =>
  TIMELINE_KINDS[kind].covers.test(entry.kind) &&
  (text === '' || `${entry.actor} ${entry.text}`.toLowerCase().includes(text.toLowerCase()));
