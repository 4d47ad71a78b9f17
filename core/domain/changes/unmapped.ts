import type { ReportSubject, RolloutRecord } from '../../../schemas/changes/change-report.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { NamingConfig } from '../catalogue/known-names.ts';
import { mapSubject } from './map-subject.ts';
import { subjectOf } from './rollout.ts';

/** Rollouts of one sender with the same names, for which the catalogue has no service. */
export type UnmappedSubject = {
  reported_by: string;
  subject: ReportSubject;
  why: string;
  /** Lines of `config/services.yaml` that map them. */
  lines: string;
  /** Number of rollouts. */
  rollouts: number;
  first_at: Timestamp;
  last_at: Timestamp;
  /** Link to the newest one at its sender. */
  url: string | null;
};

/** Returns what the catalogue does not map, the newest first. */
export function unmappedSubjects(config: NamingConfig, records: readonly RolloutRecord[]): UnmappedSubject[] {
  const byNames = new Map<string, UnmappedSubject>();
  for (const { rollout } of records) {
    const subject = subjectOf(rollout);
    const mapping = mapSubject(config, rollout.source, subject);
    if (mapping.kind === 'mapped') continue;
    const { why, lines } = mapping;
    const name = JSON.stringify([rollout.source, Object.entries(subject).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
    const known = byNames.get(name);
    const isNewest = known === undefined || rollout.last_at >= known.last_at;
    byNames.set(name, {
      reported_by: rollout.source,
      subject,
      why,
      lines,
      rollouts: (known?.rollouts ?? 0) + 1,
      first_at: known !== undefined && known.first_at < rollout.first_at ? known.first_at : rollout.first_at,
      last_at: isNewest ? rollout.last_at : known.last_at,
      url: (isNewest ? rollout.values.url?.value : known.url) ?? null,
    });
  }
  return [...byNames.values()].toSorted((a, b) => (a.last_at > b.last_at ? -1 : 1));
}
