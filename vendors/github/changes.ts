import * as z from 'zod';
import type { ChangeReport } from '../../schemas/changes/change-report.ts';
import { type ChangeKind, WrittenStatus, WrittenVersion } from '../../schemas/changes/change.ts';
import { outcomeOf } from '../../schemas/changes/words.ts';
import { InstantIn } from '../../schemas/time/time.ts';

const Name = z.string().min(1).max(256);
const Address = z.string().max(2048).nullish();

/** What a creator of a deployment can state in its payload, an object or its JSON text. */
const DeploymentPayload = z
  .object({
    service: Name.optional().catch(undefined),
    path: Name.optional().catch(undefined),
    version: z.string().trim().min(1).max(256).optional().catch(undefined),
    image: Name.optional().catch(undefined),
    has_migration: z.boolean().optional().catch(undefined),
  })
  .catch({});

/**
 * The webhooks about a deployment and its statuses.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status
 */
export const DeploymentEvent = z.object({
  deployment: z.object({
    id: z.number().int(),
    sha: Name,
    ref: z.string().max(1024).nullish(),
    task: z.string().max(1024).nullish(),
    environment: Name,
    payload: z.preprocess(jsonIn, DeploymentPayload),
    created_at: InstantIn,
    creator: z.object({ login: Name }).nullish(),
  }),
  deployment_status: z
    .object({
      state: z.string().max(64),
      /** Empty: not set. */
      environment: z.string().max(256).nullish(),
      created_at: InstantIn,
      log_url: Address,
      target_url: Address,
    })
    .nullish(),
  repository: z.object({ full_name: Name }),
});
export type DeploymentEvent = z.infer<typeof DeploymentEvent>;

function jsonIn(value: unknown): unknown {
  if (typeof value !== 'string') return value ?? {};
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return {};
  }
}

/** The state of a deployment that a later one has replaced. */
const REPLACED = 'inactive';

/** Returns the state of the deployment if it is none that is known: a state that GitHub adds later says nothing. */
export const unknownStateIn = ({ deployment_status: status }: DeploymentEvent): string | undefined =>
  status == null || status.state === REPLACED || outcomeOf(status.state) !== undefined ? undefined : status.state;

/** A tag such as `v1.2.3` or `refs/tags/v1.2.3`. GitHub does not say whether a short ref is a branch or a tag. */
const VERSION_TAG = /^(?:refs\/tags\/)?v?\d+\.\d+(?:[-+.][\w.+-]+)?$/;

/** Returns what the event says about its change. */
export function reportsOfDeployment({
  deployment,
  deployment_status: status,
  repository,
}: DeploymentEvent): ChangeReport[] {
  const { sha, ref, task, payload } = deployment;
  const at = status?.created_at ?? deployment.created_at;
  // A deployment that waits for its approval or a runner has not started.
  const state = status && WrittenStatus.safeParse(status.state).data;
  const url = [status?.log_url, status?.target_url].find((address) => /^https?:\/\//.test(address ?? '')) ?? undefined;
  const tag = ref != null && VERSION_TAG.test(ref) ? ref : undefined;
  const hasMigration = payload.has_migration ?? (task === 'deploy:migrations' ? true : undefined);
  const kind = kindOf(task ?? 'deploy');
  return [
    {
      source: 'github',
      key: `deployment ${deployment.id}`, // unique at GitHub; the repository can be renamed
      at,
      created_at: deployment.created_at,
      subject: {
        repository: repository.full_name,
        environment: status?.environment || deployment.environment,
        ...(payload.service !== undefined && { service: payload.service }),
        ...(payload.path !== undefined && { path: payload.path }),
        ...(payload.image !== undefined && { image: payload.image }),
      },
      version: WrittenVersion.parse(payload.version ?? tag ?? sha),
      commit: sha,
      ...(kind && { kind }),
      ...(state && { status: state }),
      ...(state === 'started' && { started_at: at }),
      ...(deployment.creator && { author: deployment.creator.login }),
      ...(url !== undefined && { url }),
      ...(hasMigration !== undefined && { has_migration: hasMigration }),
    },
  ];
}

/** A deployment's task is any text; these are the names in GitHub's documentation, and `rollback`. */
function kindOf(task: string): ChangeKind | undefined {
  if (/^rollback\b/i.test(task)) return 'rollback';
  return /^(?:deploy:)?hotfix\b/i.test(task) ? 'hotfix' : undefined;
}
