import * as z from 'zod';
import { parsedEvent, type ReadForgeEvent } from '../../core/domain/changes/forge-event.ts';
import { checkedChanges } from '../../core/domain/changes/read-changes.ts';
import type { ForgeEvent } from '../../core/domain/ports/extensions.ts';
import { Refusal } from '../../core/domain/refusal.ts';
import { utf8Form } from '../../schemas/parsing/utf-8.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { readFluxEvent } from '../flux/event.ts';
import type { Forge } from '../shared/forge.ts';
import { parseJson } from '../shared/json-body.ts';
import { bodyHmac } from '../shared/webhook-signature.ts';
import { DeploymentEvent, reportsOfDeployment, unknownStateIn } from './changes.ts';
import { PullRequestEvent, pullRequestOf, PushEvent, pushOf, ReleaseEvent, releaseOf } from './code.ts';

/**
 * Parses the payload as JSON or as a form field, depending on the webhook's content type. Returns undefined on failure.
 */
export function payloadOf(body: Uint8Array, contentType: string): unknown {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType);
  const json = isForm ? Buffer.from(utf8Form(body)?.get('payload') ?? '') : body;
  return parseJson(json)?.value;
}

type Event = Pick<ForgeEvent, 'type' | 'payload'>;
type Reader = (event: Event, now: Timestamp) => ReadForgeEvent;

/** Events that the core records, by their type or by their type and action. */
const EVENTS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['deployment.created', readDeployment],
  ['deployment_status.created', readDeployment],
  ['repository_dispatch', readFluxDispatch],
  ['push', readPush],
  ['pull_request', readPullRequest],
  ['pull_request_review.submitted', readPullRequest],
  ['release.published', readRelease],
]);

const Answer = z
  .object({
    /** The event and action that Firebreak ignores. */
    ignored: z.string().optional(),
    gate: z.string().optional(),
    state: z.enum(['approved', 'rejected', 'waiting', 'over', 'answered_before']).optional(),
    /** IDs of the changes that the event has recorded or updated. */
    changes: z.array(z.string()).optional(),
    /** ID of the run that the event has recorded or updated. */
    pipeline_run: z.string().optional(),
    /** The push, pull request, or release that was kept, or the issue whose action item will be compared. */
    recorded: z.string().optional(),
    /** Why no service was found for the change or the run. It is kept. */
    unmapped: z.string().optional(),
  })
  .meta({ id: 'GithubWebhook' });

/** Signed webhooks of GitHub. Deployment protection rules are answered by the receiver, everything else is recorded. */
export const github: Forge = {
  source: 'github',
  name: 'GitHub',
  path: '/integrations/github/webhook',
  summary:
    'Receive GitHub webhooks, signed with GITHUB_WEBHOOK_SECRET: deployment, deployment_status, deployment_protection_rule, push, pull_request, pull_request_review, release, workflow_run, workflow_job, issues of action items, and repository_dispatch of Flux; ignores others',
  answer: Answer,
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  signature: bodyHmac({ secret: 'GITHUB_WEBHOOK_SECRET', header: 'X-Hub-Signature-256', prefix: 'sha256=' }),
  deliveryHeader: 'x-github-delivery',
  typeHeader: 'x-github-event',
  notJson: 'neither the body nor its form field "payload" is JSON',
  payloadOf: (body, header) => payloadOf(body, header('content-type') ?? ''),
  read: readGithub,
};

/**
 * Reads a webhook of GitHub.
 *
 * @param event its type, from the header `X-GitHub-Event`
 * @throws Refusal 422 if the payload does not match its type
 */
function readGithub(event: Event, now: Timestamp): ReadForgeEvent {
  const name = eventName(event);
  const read = EVENTS.get(name) ?? EVENTS.get(event.type);
  return read === undefined ? { kind: 'other', type: event.type, name } : read(event, now);
}

/** Returns the type of an event with its action, such as `deployment_status.created`. */
export function eventName({ type, payload }: Event): string {
  const action = z.object({ action: z.string() }).safeParse(payload).data?.action;
  return [type, action].filter(Boolean).join('.');
}

function readDeployment(event: Event): ReadForgeEvent {
  const deployment = parsedEvent(DeploymentEvent, event);
  const unknown = unknownStateIn(deployment);
  return {
    kind: 'changes',
    reports: reportsOfDeployment(deployment),
    ...(unknown !== undefined && { ifNone: `deployment_status: the state ${unknown} is unknown` }),
  };
}

function readPush(event: Event, now: Timestamp): ReadForgeEvent {
  const push = pushOf(parsedEvent(PushEvent, event), now);
  return push === undefined
    ? { kind: 'ignored', why: 'push: a tag, or the deletion of a branch' }
    : { kind: 'push', push };
}

/** A pull request with its reviews, for the figures of delivery. */
function readPullRequest(event: Event): ReadForgeEvent {
  return { kind: 'pull-request', report: pullRequestOf(parsedEvent(PullRequestEvent, event)), sign: '#' };
}

function readRelease(event: Event): ReadForgeEvent {
  return { kind: 'release', release: releaseOf(parsedEvent(ReleaseEvent, event)) };
}

/** Flux names the type of the event, which is the `action` of the webhook, after its object. */
const Dispatch = z.object({ action: z.string(), client_payload: z.looseObject({ involvedObject: z.unknown() }) });

/**
 * Reads the change that Flux reports through GitHub by a provider of type `githubdispatch`. Events that others dispatch
 * are ignored.
 *
 * @see https://fluxcd.io/flux/components/notification/providers/#github-dispatch
 */
function readFluxDispatch({ payload }: Event, now: Timestamp): ReadForgeEvent {
  const dispatch = Dispatch.safeParse(payload).data;
  const involved = dispatch?.client_payload.involvedObject;
  if (dispatch === undefined || involved === undefined)
    return { kind: 'ignored', why: 'repository_dispatch of another sender' };
  const read = checkedChanges(readFluxEvent({ payload: dispatch.client_payload, now }));
  if ('unreadable' in read) throw new Refusal(422, 'invalid', `repository_dispatch: ${read.unreadable}`);
  if ('ignored' in read) return { kind: 'ignored', why: `repository_dispatch: ${read.ignored}` };
  return { kind: 'changes', reports: read.reports };
}
