import * as z from 'zod';
import type { ChangeSender, ReadChanges, ReceivedWebhook } from './change-webhook.ts';
import { mapSubject } from '../../core/domain/changes/map-subject.ts';
import { EVERYWHERE, type Scope } from '../../core/domain/access/access.ts';
import { ChangeReport } from '../../schemas/changes/change-report.ts';
import { reportChange, type ReportDeps } from '../../core/actions/changes/report-change.ts';

/** The body of a webhook whose sender is known. */
export type SentBody = { body: Uint8Array; header: ReceivedWebhook['header'] };

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
 * Parses a webhook, and records the changes that it reports.
 *
 * @param allow refuses services and environments that the sender may not write
 * @throws Refusal 403; 422 if a time is too far in the future
 */
export async function receiveWebhook(
  deps: ReportDeps,
  sender: Pick<ChangeSender, 'read'>,
  { body, header }: SentBody,
  { allow, trace }: { allow: (scope: Scope) => void; trace: string },
): Promise<WebhookResult> {
  const parsed = parseJson(body);
  if (parsed === undefined) return { kind: 'unreadable', isJson: false, detail: 'the body is not JSON in UTF-8' };
  return reportReadChanges(deps, sender.read({ payload: parsed.value, header, now: deps.clock.now() }), {
    allow,
    trace,
  });
}

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
  if ('unreadable' in read) return { kind: 'unreadable', isJson: true, detail: read.unreadable };
  if ('ignored' in read) return { kind: 'ignored', why: read.ignored };
  const reports = z.array(ChangeReport).safeParse(read.reports);
  if (!reports.success) return { kind: 'unreadable', isJson: true, detail: z.prettifyError(reports.error) };
  const { services } = await deps.config.current();
  for (const { source, subject } of reports.data) {
    const mapping = mapSubject(services, source, subject);
    // Nobody knows yet to which service an unmapped report belongs.
    for (const scope of mapping.kind === 'mapped' ? mapping.to : [EVERYWHERE]) allow(scope);
  }
  const result = { kind: 'reported' as const, changes: [] as string[], waiting: 0, unmapped: [] as string[] };
  for (const report of reports.data) {
    const reported = await reportChange(deps, report, trace);
    if (reported.state === 'recorded') result.changes.push(...reported.changes.map(({ id }) => id));
    if (reported.state === 'waiting') result.waiting += 1;
    if (reported.state === 'unmapped') result.unmapped.push(reported.why);
  }
  return result;
}

/** Parses JSON in UTF-8. Undefined: it is something else. */
export function parseJson(body: Uint8Array): { value: unknown } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return { value: JSON.parse(text, wellFormed) as unknown };
  } catch {
    return undefined;
  }
}

/** JSON can contain half a surrogate pair, which the table cannot store. */
const wellFormed = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed() : value;
