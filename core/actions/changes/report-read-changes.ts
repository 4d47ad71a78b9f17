import { EVERYWHERE, type Scope } from '../../domain/access/access.ts';
import { mapSubject } from '../../domain/changes/map-subject.ts';
import { checkedChanges, type ReadChanges } from '../../domain/changes/read-changes.ts';
import { reportChange, type ReportDeps } from './report-change.ts';

/** What became of a webhook. */
export type WebhookResult =
  | { kind: 'unreadable'; isJson: boolean; detail: string }
  | { kind: 'ignored'; why: string }
  | {
      kind: 'reported';
      changes: string[];
      /** Waits for a version or its start. */ waiting: number;
      unmapped: string[];
    };

/**
 * Records what a reader of webhooks has found.
 *
 * @param allow refuses services and environments that the sender may not write
 * @throws Refusal 403; 422 if a time is too far in the future
 */
export async function reportReadChanges(
  deps: ReportDeps,
  read: ReadChanges,
  { allow, trace }: { allow: (scope: Scope) => void; trace: string },
): Promise<WebhookResult> {
  const checked = checkedChanges(read);
  if ('unreadable' in checked) return { kind: 'unreadable', isJson: true, detail: checked.unreadable };
  if ('ignored' in checked) return { kind: 'ignored', why: checked.ignored };
  const config = await deps.config.current();
  for (const { source, subject } of checked.reports) {
    const mapping = mapSubject(config, source, subject);
    // Nobody knows yet to which service an unmapped report belongs.
    for (const scope of mapping.kind === 'mapped' ? mapping.to : [EVERYWHERE]) allow(scope);
  }
  const result = { kind: 'reported' as const, changes: [] as string[], waiting: 0, unmapped: [] as string[] };
  for (const report of checked.reports) {
    const reported = await reportChange(deps, report, trace);
    if (reported.state === 'recorded') result.changes.push(...reported.changes.map(({ id }) => id));
    if (reported.state === 'waiting') result.waiting += 1;
    if (reported.state === 'unmapped') result.unmapped.push(reported.why);
  }
  return result;
}
