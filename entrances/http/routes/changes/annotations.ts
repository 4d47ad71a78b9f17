import type { Context } from 'hono';
import * as z from 'zod';
import { inConfiguredSpelling } from '../../../../core/domain/catalogue/known-names.ts';
import { recordChange, updateChange, withAnnotation } from '../../../../core/actions/changes/record-change.ts';
import type { PostedAnnotation } from '../../../../core/domain/changes/annotation.ts';
import type { ApiDeps } from '../../deps.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { sha256 } from '../../../../core/stores/hash.ts';
import { whyTooFarAhead } from '../../../../schemas/changes/change.ts';
import { traceContextOf } from '../../../../schemas/parsing/traceparent.ts';
import type { Env } from '../../context.ts';
import { type Api, answers, body, createRoute, endpoint, problems, requirePrincipal } from '../../endpoint.ts';

/** The last millisecond of the year 9999. */
const MILLIS_MAX = 253_402_300_799_999;
const Millis = z
  .number()
  .int()
  .min(0)
  .max(MILLIS_MAX)
  .nullish()
  .transform((at) => at ?? 0)
  .meta({ description: 'Epoch milliseconds' });
const Text = z
  .string()
  .max(64 * 1024)
  .nullish()
  .transform((text) => text ?? '');
const TAGS_MAX = 50;
/** A list, or one text with commas or blanks between the tags. Absent: no tags, as in Grafana. */
const Tags = z
  .union([z.array(z.string().max(256)).max(TAGS_MAX), z.string().max(4096)], {
    error: `must be a list of at most ${TAGS_MAX} texts, each of at most 256 characters, or one text of at most 4096`,
  })
  .nullish()
  .transform((tags) => (typeof tags === 'string' ? tags.trim().split(tags.includes(',') ? ',' : /\s+/) : (tags ?? [])));
const Annotation = z
  .looseObject({
    time: Millis,
    timeEnd: Millis,
    tags: Tags.meta({ description: 'Such as deploy, order-service, v2.4.1' }),
    text: Text,
  })
  .meta({ id: 'Annotation' });

/** Grafana's form for clients of Graphite. */
const GraphiteAnnotation = z
  .looseObject({
    what: z.string().min(1).max(1024),
    when: z
      .number()
      .int()
      .min(0)
      .max(Math.floor(MILLIS_MAX / 1000))
      .nullish()
      .meta({ description: 'Epoch seconds' }),
    tags: Tags.meta({ description: 'A list, or names with spaces between them' }),
    data: Text,
  })
  .meta({ id: 'GraphiteAnnotation' });

/** A change of an annotation. Absent and empty fields stay. */
const AnnotationUpdate = z
  .looseObject({
    time: Millis,
    timeEnd: Millis,
    tags: Tags,
    text: Text,
  })
  .meta({ id: 'AnnotationUpdate' });
const updateParams = z.object({
  id: z.coerce.number().int().min(0).meta({ description: 'The ID in the response to the annotation' }),
});

/** Describes a route that records a deployment. */
const recording = <P extends string, S extends z.ZodType>(path: P, form: S, summary: string) =>
  createRoute({
    method: 'post',
    path,
    // As in Grafana, a slash at the end changes nothing.
    hide: path.endsWith('/'),
    tags: ['deployments'],
    summary,
    request: body(form),
    responses: {
      200: answers('Recorded', z.object({ message: z.string(), id: z.number().int() })),
      422: problems('The annotation is no deployment, or its service or version is not clear'),
    },
  });

/** Registers the annotations API of Grafana, for pipelines that annotate their deploys there. */
export function annotationRoutes(app: Api, deps: ApiDeps): void {
  for (const path of ['/api/annotations', '/api/annotations/']) {
    endpoint(
      app,
      deps,
      'deployments:write',
      recording(path, Annotation, 'Record a deployment, sent as an annotation of Grafana'),
      async (c) => c.json({ message: 'Annotation added', id: await record(deps, c, c.req.valid('json')) }, 200),
    );
    refuseOtherMethods(app, path, 'POST');
  }

  for (const path of ['/api/annotations/graphite', '/api/annotations/graphite/']) {
    endpoint(
      app,
      deps,
      'deployments:write',
      recording(
        path,
        GraphiteAnnotation,
        'Record a deployment, sent as an annotation of Grafana in the form of Graphite',
      ),
      async (c) => {
        const { what, when, tags, data } = c.req.valid('json');
        const id = await record(deps, c, {
          time: (when ?? 0) * 1000,
          timeEnd: 0,
          tags,
          text: `${what}\n${data}`,
          what,
        });
        return c.json({ message: 'Graphite annotation added', id }, 200);
      },
    );
    refuseOtherMethods(app, path, 'POST');
  }

  // Grafana lists its tags there.
  refuseOtherMethods(app, '/api/annotations/tags', '');
  for (const method of ['patch', 'put'] as const)
    endpoint(
      app,
      deps,
      'deployments:write',
      createRoute({
        method,
        path: '/api/annotations/{id}',
        tags: ['deployments'],
        summary: 'Add the end, and other fields, to a deployment that was sent as an annotation of Grafana',
        request: { params: updateParams, ...body(AnnotationUpdate) },
        responses: {
          200: answers('Updated', z.object({ message: z.string() })),
          404: problems('No annotation has this ID'),
          422: problems('Validation failed'),
        },
      }),
      async (c) => {
        await update(deps, c, c.req.valid('param').id, c.req.valid('json'));
        return c.json({ message: method === 'put' ? 'Annotation updated' : 'Annotation patched' }, 200);
      },
    );
  refuseOtherMethods(app, '/api/annotations/:id', 'PATCH, PUT');
}

/**
 * Answers the methods that no route before takes, and that the API therefore does not describe. `allow`: those that one takes.
 *
 * @throws Refusal 401, 405
 */
function refuseOtherMethods(app: Api, path: string, allow: string): void {
  app.all(path, async (c) => {
    await requirePrincipal(c);
    throw new Refusal(
      405,
      'method-not-allowed',
      `annotations are recorded as deployments, so this address takes ${allow === '' ? 'no method' : `only ${allow}`}: GET /v1/deployments lists the deployments; read and delete annotations in Grafana`,
      { allow },
    );
  });
}

/** Loads what reads annotations with the first one: it has all the words that people use, and the names of HTML. */
const reading = () => import('../../../../core/domain/changes/annotation.ts');

type Request = Pick<Context<Env>, 'req' | 'var'>;

/** Records the deployment of an annotation, and returns the number of the annotation. */
async function record(deps: ApiDeps, { req, var: variables }: Request, annotation: PostedAnnotation): Promise<number> {
  const config = await deps.config.current();
  const { changeOfAnnotation } = await reading();
  const found = changeOfAnnotation(config, annotation);
  const why = found.kind === 'none' ? found.why : whyTooFarAhead(found.change, deps.clock.now());
  if (found.kind === 'none' || why !== undefined) throw refusal(why);
  const named = inConfiguredSpelling(config, found.change);
  variables.allow(named);
  const { change } = await recordChange(deps, named, variables.trace, {
    ...traceContextOf(req.header('traceparent')),
    ...(found.note !== '' && { note: found.note }),
    tags: found.tags,
  });
  const annotationId = numberOf(change.id);
  await deps.changes.nameAnnotation(annotationId, change.id);
  return annotationId;
}

/** Adds to a deployment what its annotation says now. */
async function update(
  deps: ApiDeps,
  { var: variables }: Request,
  id: number,
  annotation: PostedAnnotation,
): Promise<void> {
  const before = await deps.changes.ofAnnotation(id);
  if (before === undefined) throw new Refusal(404, 'unknown-annotation', `no annotation has the ID ${id}`);
  variables.allow(before);
  const { patchOfAnnotation } = await reading();
  const found = patchOfAnnotation(before, annotation);
  if (found.kind === 'none') throw refusal(found.why);
  const { shown, patch } = found;
  const why = whyTooFarAhead(patch, deps.clock.now());
  if (why !== undefined) throw refusal(why);
  const annotated = await withAnnotation(deps, before, shown);
  if (Object.keys(patch).length > 0) await updateChange(deps, annotated, patch, variables.trace);
}

const refusal = (why: string | undefined): Refusal => new Refusal(422, 'invalid', `the annotation: ${why}`);

/** Grafana's IDs are integers. */
const numberOf = (id: string): number => Number.parseInt(sha256(id).slice(0, 12), 16);
