import { reportReadChanges, type WebhookResult } from '../../../core/actions/changes/report-read-changes.ts';
import type { ReportDeps } from '../../../core/actions/changes/report-change.ts';
import type { Scope } from '../../../core/domain/access/access.ts';
import type { ChangeSender, ReceivedWebhook } from '../../../vendors/shared/change-webhook.ts';
import { parseJson } from '../../../vendors/shared/json-body.ts';

/** The body of a webhook whose sender is known. */
type SentBody = { body: Uint8Array; header: ReceivedWebhook['header'] };

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
  const read = await sender.read({ payload: parsed.value, header, now: deps.clock.now() });
  return reportReadChanges(deps, read, { allow, trace });
}
