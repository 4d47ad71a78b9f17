import * as z from 'zod';
import {
  type ForgeDeps,
  parsedEvent,
  receiveInFeature,
  reportChanges,
  storePush,
} from '../../core/actions/changes/forge-event.ts';
import type { CodeHistory } from '../../core/domain/ports/changes.ts';
import type { ForgeAnswer, ForgeEvent } from '../../core/domain/ports/extensions.ts';
import { Refusal } from '../../core/domain/refusal.ts';
import { readFluxEvent } from '../flux/event.ts';
import type { Forge } from '../shared/forge.ts';
import { reportReadChanges } from '../shared/receive-webhook.ts';
import { bodyHmac } from '../shared/webhook-signature.ts';
import { DeploymentEvent, reportsOfDeployment } from './changes.ts';
import { PullRequestEvent, pullRequestOf, PushEvent, pushOf, ReleaseEvent, releaseOf } from './code.ts';

/**
 * Parses the payload as JSON or as a form field, depending on the webhook's content type. Returns undefined on failure.
 */
export function payloadOf(body: Uint8Array, contentType: string): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType);
    return JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text) as unknown;
  } catch {
    return undefined;
  }
}

type Handler = (deps: ForgeDeps, event: ForgeEvent) => Promise<ForgeAnswer>;

/** What the core does with each event, by its name or by its name and action. */
const EVENTS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['deployment.created', reportDeployment],
  ['deployment_status.created', reportDeployment],
  ['repository_dispatch', reportFluxDispatch],
  ['push', recordGithubPush],
  ['pull_request', recordPullRequest],
  ['pull_request_review.submitted', recordPullRequest],
  ['release.published', recordRelease],
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
  receive: receiveGithub,
};

/**
 * Records what a webhook of GitHub reports.
 *
 * @param event its type, from the header `X-GitHub-Event`
 * @throws Refusal 422 if the payload does not match its type
 */
async function receiveGithub(deps: ForgeDeps, event: ForgeEvent): Promise<ForgeAnswer> {
  const name = eventName(event);
  const handle = EVENTS.get(name) ?? EVENTS.get(event.type);
  if (handle !== undefined) return handle(deps, event);
  return (await receiveInFeature(deps, 'github', event)) ?? { ignored: name };
}

/** Returns the type of an event with its action, such as `deployment_status.created`. */
export function eventName({ type, payload }: Pick<ForgeEvent, 'type' | 'payload'>): string {
  const action = z.object({ action: z.string() }).safeParse(payload).data?.action;
  return [type, action].filter(Boolean).join('.');
}

async function reportDeployment(deps: ForgeDeps, event: ForgeEvent): Promise<ForgeAnswer> {
  return reportChanges(deps, reportsOfDeployment(parsedEvent(DeploymentEvent, event)), event.trace);
}

async function recordGithubPush(deps: ForgeDeps, event: ForgeEvent): Promise<ForgeAnswer> {
  const push = pushOf(parsedEvent(PushEvent, event), deps.clock.now());
  if (push === undefined) return { ignored: 'push: a tag, or the deletion of a branch' };
  return storePush(deps, push, event.trace);
}

/** Keeps a pull request with its reviews, for the figures of delivery. */
async function recordPullRequest(deps: ForgeDeps, event: ForgeEvent): Promise<ForgeAnswer> {
  const { repository, number } = await deps.code.pullRequest(pullRequestOf(parsedEvent(PullRequestEvent, event)));
  return { recorded: `${repository}#${number}` };
}

async function recordRelease({ code }: { code: CodeHistory }, event: ForgeEvent): Promise<ForgeAnswer> {
  const release = releaseOf(parsedEvent(ReleaseEvent, event));
  await code.release(release);
  return { recorded: `${release.repository} ${release.tag}` };
}

/** Flux names the type of the event, which is the `action` of the webhook, after its object. */
const Dispatch = z.object({ action: z.string(), client_payload: z.looseObject({ involvedObject: z.unknown() }) });

/**
 * Records the change that Flux reports through GitHub by a provider of type `githubdispatch`. Events that others
 * dispatch are ignored.
 *
 * @see https://fluxcd.io/flux/components/notification/providers/#github-dispatch
 */
async function reportFluxDispatch(deps: ForgeDeps, { payload, trace }: ForgeEvent): Promise<ForgeAnswer> {
  const dispatch = Dispatch.safeParse(payload).data;
  const involved = dispatch?.client_payload.involvedObject;
  if (dispatch === undefined || involved === undefined) return { ignored: 'repository_dispatch of another sender' };
  const read = readFluxEvent({ payload: dispatch.client_payload });
  const result = await reportReadChanges(deps, read, { allow: () => undefined, trace });
  if (result.kind === 'unreadable') throw new Refusal(422, 'invalid', `repository_dispatch: ${result.detail}`);
  if (result.kind === 'ignored') return { ignored: `repository_dispatch: ${result.why}` };
  const [why] = result.unmapped;
  return { changes: result.changes, ...(why !== undefined && { unmapped: why }) };
}
