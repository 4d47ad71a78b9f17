import * as z from 'zod';
import { AUTHOR_MAX_CHARS } from '../../schemas/changes/change.ts';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import { InstantIn, type Timestamp } from '../../schemas/time/time.ts';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import { type ReceivedWebhook, setOr, unreadable, versionOf, type ChangeSender } from '../shared/change-webhook.ts';
import { bodyHmac } from '../shared/webhook-signature.ts';
import { truncated } from '../../schemas/parsing/text.ts';

const Name = z.string().min(1).max(256);
const optionalText = z
  .string()
  .max(2048)
  .nullish()
  .transform((value) => (value ? value : undefined));

/** A verification has no run, so its fields are null or blank. */
const Verification = z.object({ notifications: z.tuple([z.object({ trigger: z.literal('verification') })]) });

/**
 * A notification about a run, payload version 1.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#run-notification-payload
 */
const RunNotification = z.object({
  payload_version: z.literal([1, '1']),
  run_id: Name,
  run_url: optionalText,
  run_created_by: optionalText,
  workspace_name: Name,
  organization_name: Name,
  notifications: z
    .array(
      z.object({
        trigger: z.string().max(128),
        run_status: z.string().max(128).nullish(),
        run_updated_at: InstantIn,
        run_updated_by: optionalText,
      }),
    )
    .min(1)
    .max(100),
});

/**
 * A notification about a health assessment, payload version 2.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#workspace-notification-payload
 */
const AssessmentNotification = z.object({
  payload_version: z.literal([2, '2']),
  trigger: z.string().max(128),
  details: z.object({
    new_assessment_result: z.object({ id: Name, drifted: z.boolean(), created_at: InstantIn }),
    workspace_name: Name,
    organization_name: Name,
  }),
});

export const terraformNotifications: ChangeSender = {
  source: 'terraform',
  path: '/integrations/terraform/webhook',
  sends: 'notifications of HCP Terraform',
  // https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#notification-authenticity
  signature: bodyHmac({
    secret: 'TERRAFORM_WEBHOOK_SECRET',
    header: 'X-TFE-Notification-Signature',
    algorithm: 'sha512',
  }),
  read: readTerraformNotification,
};

/** Reads a generic notification of HCP Terraform or Terraform Enterprise. */
export function readTerraformNotification({ payload, now }: Pick<ReceivedWebhook, 'payload' | 'now'>): ReadChanges {
  if (Verification.safeParse(payload).success) return { ignored: 'verification: the notification works' };
  const version = z.object({ payload_version: z.unknown() }).safeParse(payload).data?.payload_version;
  if (version === 2 || version === '2') return readAssessment(payload, now);
  const parsed = RunNotification.safeParse(payload);
  if (!parsed.success) return unreadable('notification of HCP Terraform', parsed.error);
  const run = parsed.data;
  const reports = run.notifications.flatMap((notification) => reportOf(run, notification, now) ?? []);
  if (reports.length > 0) return { reports };
  const events = run.notifications.map(({ trigger, run_status: status }) =>
    status ? `${trigger} (${status})` : trigger,
  );
  return { ignored: `${events.join(', ')}: nothing was applied` };
}

type RunNotification = z.infer<typeof RunNotification>;

/** Status of a completed run that has applied its plan. Others found nothing to change, or only planned. */
const APPLIED = 'applied';

function reportOf(
  run: RunNotification,
  { trigger, run_status, run_updated_at }: RunNotification['notifications'][number],
  now: Timestamp,
): ChangeReport | undefined {
  const at = setOr(now, run_updated_at);
  const reportFields = {
    source: 'terraform',
    key: run.run_id,
    at,
    subject: { terraformWorkspace: `${run.organization_name}/${run.workspace_name}` },
    kind: 'infrastructure',
  } as const;
  const runFields = {
    version: versionOf(run.run_id),
    ...(run.run_created_by !== undefined && { author: truncated(run.run_created_by, AUTHOR_MAX_CHARS) }),
    ...(run.run_url !== undefined && { url: run.run_url }),
  };
  if (trigger === 'run:applying') return { ...reportFields, ...runFields, status: 'started', started_at: at };
  if (trigger === 'run:completed' && run_status === APPLIED)
    return { ...reportFields, ...runFields, status: 'succeeded' };
  // A run can also fail while it plans. Without a version, this ends only a run that was applying.
  if (trigger === 'run:errored') return { ...reportFields, status: run_status === 'canceled' ? 'cancelled' : 'failed' };
  return undefined;
}

function readAssessment(payload: unknown, now: Timestamp): ReadChanges {
  const parsed = AssessmentNotification.safeParse(payload);
  if (!parsed.success) return unreadable('notification of HCP Terraform', parsed.error);
  const { trigger, details } = parsed.data;
  const { id, drifted } = details.new_assessment_result;
  const at = setOr(now, details.new_assessment_result.created_at);
  if (trigger !== 'assessment:drifted' || !drifted) return { ignored: `${trigger}: no drift` };
  return {
    reports: [
      {
        source: 'drift',
        key: `terraform ${id}`,
        at,
        subject: { terraformWorkspace: `${details.organization_name}/${details.workspace_name}` },
        kind: 'config',
        status: 'succeeded',
        version: versionOf(id),
        started_at: at,
      },
    ],
  };
}
