import * as z from 'zod';
import type { ForgeAnswer, ForgeEvent } from '../../domain/ports/extensions.ts';
import { DeploymentEvent, isStartOrEnd, reportsOfDeployment } from '../../integrations/gitlab/changes.ts';
import { MergeRequestEvent, mergeRequestOf, PushEvent, pushOf } from '../../integrations/gitlab/code.ts';
import { type ForgeDeps, parsedEvent, receiveInFeature, reportChanges, storePush } from './forge-event.ts';

type Handler = (deps: ForgeDeps, event: ForgeEvent) => Promise<ForgeAnswer>;

/** What the core does with each event, by its `object_kind`. */
const EVENTS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['deployment', recordDeployment],
  ['push', recordGitlabPush],
  ['merge_request', recordMergeRequest],
]);

/**
 * Records what a webhook of GitLab reports.
 *
 * @throws Refusal 422 if the payload does not match its type
 */
export async function receiveGitlab(deps: ForgeDeps, payload: unknown, trace: string): Promise<ForgeAnswer> {
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
