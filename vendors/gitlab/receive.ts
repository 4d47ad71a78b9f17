import * as z from 'zod';
import type { ForgeAnswer, ForgeEvent } from '../../core/domain/ports/extensions.ts';
import type { Forge } from '../shared/forge.ts';
import { parseJson } from '../shared/receive-webhook.ts';
import { gitlabSignature } from './webhook.ts';
import { DeploymentEvent, isStartOrEnd, reportsOfDeployment } from './changes.ts';
import { MergeRequestEvent, mergeRequestOf, PushEvent, pushOf } from './code.ts';
import {
  type ForgeDeps,
  parsedEvent,
  receiveInFeature,
  reportChanges,
  storePush,
} from '../../core/actions/changes/forge-event.ts';

type Handler = (deps: ForgeDeps, event: ForgeEvent) => Promise<ForgeAnswer>;

/** What the core does with each event, by its `object_kind`. */
const EVENTS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['deployment', recordDeployment],
  ['push', recordGitlabPush],
  ['merge_request', recordMergeRequest],
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
  receive: receiveGitlab,
};

/**
 * Records what a webhook of GitLab reports.
 *
 * @throws Refusal 422 if the payload does not match its type
 */
async function receiveGitlab(deps: ForgeDeps, { payload, trace }: ForgeEvent): Promise<ForgeAnswer> {
  const type = z.object({ object_kind: z.string() }).safeParse(payload).data?.object_kind ?? 'no event';
  const handle = EVENTS.get(type);
  const event = { type, payload, trace };
  if (handle !== undefined) return handle(deps, event);
  return (await receiveInFeature(deps, 'gitlab', event)) ?? { ignored: type };
}

async function recordDeployment(deps: ForgeDeps, event: ForgeEvent): Promise<ForgeAnswer> {
  const deployment = parsedEvent(DeploymentEvent, event);
  const answer = await reportChanges(deps, reportsOfDeployment(deployment), event.trace);
  const isIgnored = !isStartOrEnd(deployment) && answer.changes?.length === 0 && answer.unmapped === undefined;
  return isIgnored ? { ignored: `deployment: the status ${deployment.status} is neither a start nor an end` } : answer;
}

async function recordGitlabPush(deps: ForgeDeps, event: ForgeEvent): Promise<ForgeAnswer> {
  const push = pushOf(parsedEvent(PushEvent, event), deps.clock.now());
  if (push === undefined) return { ignored: 'push: the deletion of a branch' };
  return storePush(deps, push, event.trace);
}

async function recordMergeRequest({ code }: ForgeDeps, event: ForgeEvent): Promise<ForgeAnswer> {
  const { repository, number } = await code.pullRequest(mergeRequestOf(parsedEvent(MergeRequestEvent, event)));
  return { recorded: `${repository}!${number}` };
}
