import * as z from 'zod';
import { ChangeId, IncidentId, Mode, Severity, Version } from './names.ts';

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
  'not_taken',
]);
export type MitigationOutcome = z.infer<typeof MitigationOutcome>;

export const VerificationOutcome = z.enum(['passed', 'failed', 'inconclusive']);
export type VerificationOutcome = z.infer<typeof VerificationOutcome>;

/** Whether somebody has to be woken for it: not at all, if nobody has been yet, or again in any case. */
export const PageNeed = z.enum(['no', 'if_nobody', 'again']);
export type PageNeed = z.infer<typeof PageNeed>;

/** What a runbook says of the question whether to do what it asks for. Null: as it is for everything of the service. */
export const RunbookApproval = z.object({ people: z.array(z.string()).nullable(), seconds: z.number().nullable() });
export type RunbookApproval = z.infer<typeof RunbookApproval>;

/** What can arrive in an incident's inbox. The doorbell carries nothing; all meaning is here. */
export const Message = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('signals'),
    fired: z.number(),
    resolved: z.number(),
    critical: z.boolean(),
    /** It is to wake somebody. Absent: if it is critical. */
    pages: z.boolean().optional(),
    asksRollback: z.boolean(),
    /** They came by the request that opened the incident: a large group is taken in piece by piece. */
    opening: z.literal(true).optional(),
    /** All that would page may be about what failed before the mitigation whose verification is not over. */
    looks_back: z.literal(true).optional(),
    /** They page although the incident has paged: it is the one that unmatched alerts share. */
    again: z.literal(true).optional(),
  }),
  z.object({ kind: z.literal('severity'), severity: Severity, by: z.string() }),
  /**
   * Somebody has declared what is open already: from now on a person says when it is over. `rings`: it is paged anew.
   * `part`: it was declared of this part, and the part says when that is over.
   */
  z.object({
    kind: z.literal('declared'),
    severity: Severity,
    by: z.string(),
    rings: z.boolean(),
    part: IncidentId.optional(),
  }),
  z.object({ kind: z.literal('answered'), decision: z.string(), by: z.string() }),
  /** `from`: what ran when they asked. `to`: the version that they have named. */
  z.object({
    kind: z.literal('rollback'),
    by: z.string(),
    note: z.string(),
    from: Version.optional(),
    to: Version.optional(),
  }),
  /** A person has said of a change that it was not the cause, or that it may be after all. `judge`: what is left is. */
  z.object({ kind: z.literal('cleared'), by: z.string(), change: ChangeId, judge: z.boolean() }),
  /** A change was recorded that may have been made before the problem began. */
  z.object({ kind: z.literal('change_recorded'), change: ChangeId }),
  /** The newest judgement did not know these changes. */
  z.object({ kind: z.literal('judge_again'), changes: z.array(ChangeId) }),
  z.object({ kind: z.literal('page'), by: z.string(), note: z.string() }),
  z.object({ kind: z.enum(['pause', 'resume', 'abort', 'publish']), by: z.string(), note: z.string() }),
  z.object({ kind: z.literal('resolve'), by: z.string(), note: z.string() }),
  /** The incident that it was a part of is over, and it goes on by itself. `page`: somebody has to be woken for it. */
  z.object({ kind: z.literal('left'), parent: IncidentId, page: z.boolean() }),
  /** A runbook wants a rollback; `mode` caps it. `approval`: it wants a person to be for it, who and how long. */
  z.object({
    kind: z.literal('runbook_rollback'),
    runbook: z.string(),
    mode: Mode.nullable(),
    approval: RunbookApproval.optional(),
  }),
  /** A person has started a run of a runbook. */
  z.object({ kind: z.literal('runbook_run'), number: z.number() }),
  /** A runbook has come to its end. `acted`: it has changed production, and whether that has helped is to be seen. */
  z.object({ kind: z.literal('runbook'), number: z.number(), acted: z.boolean(), page: PageNeed }),
  z.object({
    kind: z.literal('mitigation'),
    number: z.number(),
    outcome: MitigationOutcome,
    page: PageNeed,
    /** A limit was reached after it was judged: judged again, a person is asked. */
    again: z.literal(true).optional(),
  }),
  /** `runbook`: it is about what that one has done, and `number` says nothing. */
  z.object({
    kind: z.literal('verification'),
    number: z.number(),
    runbook: z.number().optional(),
    outcome: VerificationOutcome,
    /** Alerts were firing when it was judged, and there was nothing else to judge it by. */
    alerts_fired: z.literal(true).optional(),
  }),
]);
export type Message = z.infer<typeof Message>;

/** A message with its place in the incident's sequence. */
export type Mail = { seq: number; message: Message };

/** A message that this version can't read, because a newer version wrote it. `kind` is the kind that it names. */
export type Unread = { seq: number; kind: string };

/**
 * Reads messages up to the first one that this version can't read. What comes after it waits, so that messages are handled
 * in their order.
 *
 * @param schema the messages that the version knows
 */
export function readMail(
  rows: readonly { seq: number; message: unknown }[],
  schema: z.ZodType<Message> = Message,
): { mail: Mail[]; unread?: Unread } {
  const mail: Mail[] = [];
  for (const { seq, message } of rows) {
    const read = schema.safeParse(message);
    if (!read.success) return { mail, unread: { seq, kind: kindOf(message) } };
    mail.push({ seq, message: read.data });
  }
  return { mail };
}

const Kind = z.object({ kind: z.string().max(64) });

const kindOf = (message: unknown): string => Kind.safeParse(message).data?.kind ?? 'unknown';
