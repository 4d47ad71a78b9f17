import * as z from 'zod';
import type { Context, MiddlewareHandler } from 'hono';
import { withFile } from '../actions/file-view.ts';
import { changeItem } from '../actions/change-item.ts';
import { requireValidText, readPostmortem, savePostmortem } from '../actions/postmortem.ts';
import { proposeWording } from '../actions/propose-wording.ts';
import { requestIssue } from '../actions/issues/request.ts';
import { actionItemViews, withIssue } from '../actions/issues/view.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { matchesStatus } from '../decisions/action-items.ts';
import type { Deps } from '../ports.ts';
import { NAME_MAX_CHARS } from '../../../schemas/config/names.ts';
import { PostmortemInput, PostmortemState, PostmortemView } from '../schemas/postmortem.ts';
import {
  ActionItemId,
  ActionItemPatch,
  ActionItemStatus,
  ActionItemView,
} from '../../../schemas/action-items/action-item.ts';
import { Proposal } from '../schemas/proposal.ts';
import type { Env } from '../../../entrances/http/context.ts';
import {
  type Api,
  answers,
  body,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  problems,
  scopeOf,
} from '../../../entrances/http/endpoint.ts';
import { incidentParams } from '../../../entrances/http/incident-param.ts';
import { BODY_MAX_BYTES, readIJson, textIn } from '../../../entrances/http/middleware/i-json.ts';
import { readBody } from '../../../entrances/http/middleware/body.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

const Postmortem = PostmortemView.meta({ id: 'Postmortem' });
const Proposed = Proposal.meta({ id: 'PostmortemProposal' });
const Item = ActionItemView.meta({ id: 'ActionItem' });
const MARKDOWN = 'text/markdown';

/** Describes a response that is JSON or Markdown. */
const bothForms = (description: string) => ({
  description,
  content: {
    'application/json': { schema: Postmortem },
    [MARKDOWN]: { schema: z.string().meta({ description: 'The text, exactly as it was saved' }) },
  },
});

/** Registers the routes for post-mortems and their action items. */
export function postmortemRoutes(app: Api, deps: Deps): void {
  const params = incidentParams(deps);
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/incidents/{id}/postmortem',
      tags: ['post-mortems'],
      summary: 'Get the post-mortem of an incident, as JSON or, with Accept: text/markdown, as Markdown',
      request: {
        params,
        query: z.object({
          revision: z.coerce
            .number()
            .int()
            .min(0)
            .optional()
            .meta({ description: 'A saved version; absent: the newest' }),
        }),
      },
      responses: { 200: bothForms('The post-mortem'), 404: problems('Not found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const view = await readPostmortem(deps, c.var.caller, { id, revision: c.req.valid('query').revision });
      return respondWith(c, await withFile(deps, view));
    },
  );

  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'put',
      path: '/v1/incidents/{id}/postmortem',
      // Reads the body up to the limit, before the validation of JSON would read all of it.
      middleware: limitBody,
      tags: ['post-mortems'],
      summary: 'Save a new version of a post-mortem, or change its state',
      request: {
        params,
        headers: z.object({
          'if-match': z.string().max(64).optional().meta({
            description: 'The ETag of the version on which the change is based. Absent: whatever is current',
          }),
        }),
        query: z.object({
          state: PostmortemState.optional().meta({ description: 'The new state. In JSON, the body can contain it' }),
        }),
        body: {
          content: {
            'application/json': { schema: PostmortemInput },
            [MARKDOWN]: { schema: z.string() },
          },
        },
      },
      responses: {
        200: bothForms('The saved post-mortem'),
        400: problems('Neither JSON nor Markdown in UTF-8'),
        404: problems('Not found'),
        409: problems('The incident is not resolved, or another version has been saved'),
        415: problems('The content type is neither application/json nor text/markdown'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const input = await inputOf(c);
      const expected = revisionIn(c.req.header('if-match'));
      const { state } = c.req.valid('query');
      const view = await savePostmortem(deps, c.var.caller, id, {
        ...input,
        ...(expected !== undefined && { revision: expected }),
        ...(state !== undefined && { state }),
      });
      return respondWith(c, await withFile(deps, view));
    },
  );

  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/postmortem/proposal',
      tags: ['post-mortems'],
      summary: 'Send the redacted timeline to the configured model, and get wording that it proposes; nothing is saved',
      request: { params },
      responses: {
        200: answers('The proposal', Proposed),
        404: problems('Not found'),
        409: problems('No model is configured, or the incident is not resolved'),
        503: problems('The model did not answer, or its answer has another format'),
      },
    }),
    async (c) => c.json(await proposeWording(deps, c.var.caller, c.req.valid('param').id), 200),
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/action-items',
      tags: ['post-mortems'],
      summary: 'List action items of post-mortems and experiments, newest first',
      request: {
        query: z.object({
          ...listQuery,
          status: ActionItemStatus.optional().meta({ description: '`open` includes those that are overdue' }),
          owner: z.string().max(NAME_MAX_CHARS).optional(),
          service: z.string().max(NAME_MAX_CHARS).optional(),
        }),
      },
      responses: { 200: answers('A page of results', pageOf(Item)) },
    }),
    async (c) => {
      const { limit, cursor, status, owner, ...query } = c.req.valid('query');
      const { service } = await scopeOf(deps, c, query);
      const now = deps.clock.now();
      const { items, next_cursor } = await deps.postmortems.actionItems({
        limit,
        ...(cursor !== undefined && { cursor }),
        keep: (item) =>
          (status === undefined || matchesStatus(item, status, now)) &&
          (owner === undefined || item.owner === owner) &&
          (service === undefined || item.service === service) &&
          c.var.may({ service: item.service, environment: item.environment }),
      });
      return c.json({ items: await actionItemViews(deps, items), next_cursor }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'patch',
      path: '/v1/action-items/{id}',
      tags: ['post-mortems'],
      summary: 'Change an action item; for one of a post-mortem, this changes a line of its text',
      request: { params: z.object({ id: ActionItemId }), ...body(ActionItemPatch) },
      responses: {
        200: answers('The changed action item', Item),
        404: problems('Not found'),
        409: problems('The post-mortem keeps changing'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const item = await changeItem(deps, c.var.caller, c.req.valid('param').id, c.req.valid('json'));
      return c.json(await withIssue(deps, item), 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:write',
    createRoute({
      method: 'post',
      path: '/v1/action-items/{id}/issue',
      tags: ['post-mortems'],
      summary: 'Create the issue of an action item in the configured tracker, within a minute; once',
      request: { params: z.object({ id: ActionItemId }) },
      responses: {
        202: answers('The action item. Its issue has a key when it is created', Item),
        404: problems('Not found'),
        409: problems('No tracker is configured for the service, or the item is done'),
      },
    }),
    async (c) => c.json(await requestIssue(deps, c.var.caller, c.req.valid('param').id), 202),
  );
}

/** Reads the body up to the limit. */
const limitBody: MiddlewareHandler<Env> = async (c, next) => {
  await readBody(c, BODY_MAX_BYTES);
  await next();
};

/** Responds with a post-mortem in the format that the caller prefers. Its ETag is the revision. */
function respondWith(c: Context<Env>, view: PostmortemView): Response {
  c.header('etag', `"${view.revision}"`);
  c.header('vary', 'accept');
  if (!prefersMarkdown(c.req.header('accept'))) return c.json(view, 200);
  return c.body(view.markdown, 200, { 'content-type': `${MARKDOWN}; charset=utf-8` });
}

/** Returns whether Markdown has the highest quality among the accepted forms; at equal quality, the first one counts. */
function prefersMarkdown(accept: string | undefined): boolean {
  const accepted = (accept ?? '')
    .split(',')
    .map((part) => {
      const [type = '', ...more] = part.split(';').map((parameter) => parameter.trim().toLowerCase());
      const quality = Number(more.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
      return { type, quality: Number.isNaN(quality) ? 0 : quality };
    })
    .filter(
      ({ type, quality }) =>
        quality > 0 && [MARKDOWN, 'text/*', 'application/json', 'application/*', '*/*'].includes(type),
    )
    .toSorted((a, b) => b.quality - a.quality);
  return accepted[0]?.type === MARKDOWN || accepted[0]?.type === 'text/*';
}

/** Reads the body, which is JSON or Markdown. @throws Refusal 400, 415, 422 */
async function inputOf(c: Context<Env>): Promise<PostmortemInput> {
  const type = (c.req.header('content-type') ?? 'application/json').split(';')[0]?.trim().toLowerCase();
  const bytes = await readBody(c, BODY_MAX_BYTES);
  if (type === MARKDOWN) return { markdown: requireValidText(textIn(bytes, 'not-utf-8')) };
  if (type !== 'application/json')
    throw new Refusal(415, 'unsupported-media-type', `send application/json or text/markdown, not ${type}`);
  const read = PostmortemInput.safeParse(readIJson(textIn(bytes) || '{}'));
  if (read.success) return read.data;
  throw new Refusal(422, 'invalid', `json: ${inputProblemText(read.error)}`);
}

/** Returns the revision in `If-Match`. Undefined: any. @throws Refusal 422 */
function revisionIn(header: string | undefined): number | undefined {
  if (header === undefined || header === '*') return undefined;
  const [, revision] = /^(?:W\/)?"(\d{1,9})"$/.exec(header.trim()) ?? [];
  if (revision === undefined)
    throw new Refusal(422, 'invalid', 'if-match: send the ETag of a post-mortem, such as "3"');
  return Number(revision);
}
