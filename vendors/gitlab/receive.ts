import * as z from 'zod';
import { parsedEvent, type ReadForgeEvent } from '../../core/domain/changes/forge-event.ts';
import type { ForgeEvent } from '../../core/domain/ports/extensions.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { Forge } from '../shared/forge.ts';
import { parseJson } from '../shared/json-body.ts';
import { gitlabSignature } from './webhook.ts';
import { DeploymentEvent, isStartOrEnd, reportsOfDeployment } from './changes.ts';
import { MergeRequestEvent, mergeRequestOf, PushEvent, pushOf } from './code.ts';

type Event = Pick<ForgeEvent, 'type' | 'payload'>;
type Reader = (event: Event, now: Timestamp) => ReadForgeEvent;

/** Events that the core records, by their `object_kind`. */
const EVENTS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['deployment', readDeployment],
  ['push', readPush],
  ['merge_request', readMergeRequest],
]);

const Answer = z
  .object({
    /** The event that Firebreak ignores. */
    ignored: z.string().optional(),
    /** IDs of the changes that the event has recorded or updated. */
    changes: z.array(z.string()).optional(),
    /** The push or merge request that was kept. */
    recorded: z.string().optional(),
    /** ID of the run that the event has recorded or updated. */
    pipeline_run: z.string().optional(),
    /** Why no service was found for the change or the run. It is kept. */
    unmapped: z.string().optional(),
  })
  .meta({ id: 'GitlabWebhook' });

/** Webhooks of GitLab. */
export const gitlab: Forge = {
  source: 'gitlab',
  name: 'GitLab',
  path: '/integrations/gitlab/webhook',
  summary:
    'Receive GitLab webhooks, signed with GITLAB_WEBHOOK_SECRET or with it as secret token: deployment, push, merge_request, pipeline, build; ignores others',
  answer: Answer,
  signature: gitlabSignature,
  deliveryHeader: 'x-gitlab-event-uuid',
  notJson: 'the body is not JSON',
  payloadOf: (body) => parseJson(body)?.value,
  read: readGitlab,
};

/**
 * Reads a webhook of GitLab.
 *
 * @throws Refusal 422 if the payload does not match its type
 */
function readGitlab({ payload }: Event, now: Timestamp): ReadForgeEvent {
  const type = z.object({ object_kind: z.string() }).safeParse(payload).data?.object_kind ?? 'no event';
  return EVENTS.get(type)?.({ type, payload }, now) ?? { kind: 'other', type, name: type };
}

function readDeployment(event: Event): ReadForgeEvent {
  const deployment = parsedEvent(DeploymentEvent, event);
  return {
    kind: 'changes',
    reports: reportsOfDeployment(deployment),
    ...(!isStartOrEnd(deployment) && {
      ifNone: `deployment: the status ${deployment.status} is neither a start nor an end`,
    }),
  };
}

function readPush(event: Event, now: Timestamp): ReadForgeEvent {
  const push = pushOf(parsedEvent(PushEvent, event), now);
  return push === undefined ? { kind: 'ignored', why: 'push: the deletion of a branch' } : { kind: 'push', push };
}

function readMergeRequest(event: Event): ReadForgeEvent {
  return { kind: 'pull-request', report: mergeRequestOf(parsedEvent(MergeRequestEvent, event)), sign: '!' };
}
