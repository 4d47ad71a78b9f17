import * as z from 'zod';
import { ChangeId, IncidentId, Mode, Severity, Version } from '../config/names.ts';

/** How a mitigation ended. */
export const MitigationOutcome = z.enum([
  'succeeded',
  'failed',
  'superseded',
  'withheld',
  'refused',
  'gave_up',
  'rejected',
  'expired',
  'withdrawn',
  'not_taken',
  'waited',
]);
export type MitigationOutcome = z.infer<typeof MitigationOutcome>;

export const VerificationOutcome = z.enum(['passed', 'failed', 'inconclusive']);
export type VerificationOutcome = z.infer<typeof VerificationOutcome>;

/** Whether a page is needed: no, only if none was sent yet, or again in any case. */
export const PageNeed = z.enum(['no', 'if_nobody', 'again']);
export type PageNeed = z.infer<typeof PageNeed>;

/** Approval settings of a runbook. Null: the settings of the service apply. */
export const RunbookApproval = z.object({ people: z.array(z.string()).nullable(), seconds: z.number().nullable() });
export type RunbookApproval = z.infer<typeof RunbookApproval>;

/** What a page is about: an incident, which can be a child, or one of its questions. `decision`: the question's number. */
export const PageSubject = z.object({ incident_id: IncidentId, decision: z.number().optional() });
export type PageSubject = z.infer<typeof PageSubject>;

/** Messages of an incident's inbox. The callback only wakes the workflow; the content is here. */
export const Message = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('signals'),
    fired: z.number(),
    resolved: z.number(),
    critical: z.boolean(),
    /** Whether to page. Absent: only if critical. */
    pages: z.boolean().optional(),
    requestsRollback: z.boolean(),
    /** The signals came with the request that opened the incident: a large group is admitted in parts. */
    opening: z.literal(true).optional(),
    /**
     * All signals that would page may be about the failure before the mitigation whose verification is still running.
     */
    looks_back: z.literal(true).optional(),
    /** Another problem has begun after the recovery from the mitigated one, or after a newer change. */
    new_onset: z.literal(true).optional(),
    /** Name of the change after which it began. Absent: it began after the recovery. */
    after_change: z.string().optional(),
    /** The signals page although the incident has paged: it is the shared incident of unmatched alerts. */
    again: z.literal(true).optional(),
    /** One of the firing signals was measured, for the first time in the incident. */
    measured: z.literal(true).optional(),
    /** All signals that fired are muted: they start nothing. */
    muted: z.literal(true).optional(),
  }),
  /**
   * An alert has returned after the incident was resolved, and reopened it. `pages`: one that pages. `by`: the person who
   * reopened it. Absent: an alert did.
   */
  z.object({
    kind: z.literal('reopened'),
    critical: z.boolean(),
    pages: z.boolean(),
    requestsRollback: z.boolean(),
    by: z.string().optional(),
  }),
  z.object({ kind: z.literal('severity'), severity: Severity, by: z.string() }),
  /**
   * A person declared an incident that is already open: from now on a person must resolve it. `page`: page again.
   * `child`: it was declared for this child incident, which decides when it is over.
   */
  z.object({
    kind: z.literal('declared'),
    severity: Severity,
    by: z.string(),
    page: z.boolean(),
    child: IncidentId.optional(),
  }),
  z.object({ kind: z.literal('answered'), decision: z.string(), by: z.string() }),
  /**
   * `from`: the version running at the time of the request. `to`: the requested version. `moved_known`: the person was told
   * that the name of the version to restore means another commit now.
   */
  z.object({
    kind: z.literal('rollback'),
    by: z.string(),
    note: z.string(),
    from: Version.optional(),
    to: Version.optional(),
    moved_known: z.literal(true).optional(),
  }),
  /** As `rollback`, from a program: a person is asked. Of a kind of its own, so that no older version takes it for a request. */
  z.object({
    kind: z.literal('rollback_proposed'),
    by: z.string(),
    note: z.string(),
    from: Version,
    to: Version.optional(),
  }),
  /** A person ruled a change out as the cause, or took that back. `judge`: judge the remaining changes. */
  z.object({ kind: z.literal('cleared'), by: z.string(), change: ChangeId, judge: z.boolean() }),
  /** A change was recorded, or has ended, that concerns the incident. */
  z.object({ kind: z.literal('change_recorded'), change: ChangeId }),
  /**
   * A person has put an earlier version live again, by this change, which is verified as a mitigation. `number`: of the judgement
   * that suspects the version that it replaces.
   */
  z.object({ kind: z.literal('redeployed'), change: ChangeId, number: z.number() }),
  /** The newest decision did not know these changes, or their ends. */
  z.object({ kind: z.literal('judge_again'), changes: z.array(ChangeId) }),
  /** Health has been within its limit since the mitigation. */
  z.object({ kind: z.literal('recovered'), number: z.number() }),
  /**
   * Health is above its limit again, after the recovery; or the change after which alerts began was recorded only later
   * (`after_change`: its name). `judged`: number of the newest judgement before.
   */
  z.object({
    kind: z.literal('new_onset'),
    judged: z.number(),
    pages: z.boolean(),
    after_change: z.string().optional(),
  }),
  /** `about`: absent: the incident itself. */
  z.object({ kind: z.literal('page'), by: z.string(), note: z.string(), about: PageSubject.optional() }),
  /** The open page shows an older state of the incident. */
  z.object({ kind: z.literal('page_outdated') }),
  /** A person requests a controlled look for a question. `number`: of its decision. */
  z.object({ kind: z.literal('look'), by: z.string(), number: z.number() }),
  z.object({ kind: z.enum(['pause', 'resume', 'abort', 'publish']), by: z.string(), note: z.string() }),
  z.object({ kind: z.literal('resolve'), by: z.string(), note: z.string() }),
  /** The incident's parent is resolved, and the incident continues by itself. `page`: a page is needed. */
  z.object({ kind: z.literal('left'), parent: IncidentId, page: z.boolean() }),
  /**
   * A runbook requests a rollback; `mode` limits it. `approval`: the runbook requires approval, by whom and how long.
   */
  z.object({
    kind: z.literal('runbook_rollback'),
    runbook: z.string(),
    mode: Mode.nullable(),
    approval: RunbookApproval.optional(),
  }),
  /** A person has started a run of a runbook. */
  z.object({ kind: z.literal('runbook_run'), number: z.number() }),
  /** A runbook has ended. `acted`: it has changed production, and the result must be verified. */
  z.object({ kind: z.literal('runbook'), number: z.number(), acted: z.boolean(), page: PageNeed }),
  z.object({
    kind: z.literal('mitigation'),
    number: z.number(),
    outcome: MitigationOutcome,
    page: PageNeed,
    /** Judged again: a limit was reached after the decision, so that a person is asked, or the decision was to wait. */
    again: z.literal(true).optional(),
  }),
  /**
   * `runbook`: verifies what this runbook has done; `number` has no meaning then. `change`: verifies the redeploy by a person that
   * it is.
   */
  z.object({
    kind: z.literal('verification'),
    number: z.number(),
    runbook: z.number().optional(),
    change: ChangeId.optional(),
    outcome: VerificationOutcome,
    /** Alerts were firing at the verification, and there was no other evidence. */
    alerts_fired: z.literal(true).optional(),
  }),
]);
export type Message = z.infer<typeof Message>;

/** A message with its sequence number in the incident. */
export type InboxMessage = { seq: number; message: Message };

/** A message of an unknown kind, written by a newer version. `kind` is the kind that it names. */
export type UnreadableMessage = { seq: number; kind: string };

/**
 * Reads messages up to the first one that this version cannot read. Later messages wait, so that messages are handled
 * in order.
 *
 * @param schema the messages that the version knows
 */
export function readInboxRows(
  rows: readonly { seq: number; message: unknown }[],
  schema: z.ZodType<Message> = Message,
): { messages: InboxMessage[]; unreadable?: UnreadableMessage } {
  const messages: InboxMessage[] = [];
  for (const { seq, message } of rows) {
    const parsed = schema.safeParse(message);
    if (!parsed.success) return { messages, unreadable: { seq, kind: kindOf(message) } };
    messages.push({ seq, message: parsed.data });
  }
  return { messages };
}

const Kind = z.object({ kind: z.string().max(64) });

const kindOf = (message: unknown): string => Kind.safeParse(message).data?.kind ?? 'unknown';
