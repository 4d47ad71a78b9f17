import * as z from 'zod';
import { codeFiguresOf } from '../actions/code-figures.ts';
import { PIPELINE_WINDOW_SECONDS } from '../actions/pipeline-figures.ts';
import { teamNamed } from '../../../core/domain/catalogue/known-names.ts';
import type { Deps } from '../ports.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import { CodeFigures } from '../code-figures.ts';
import {
  type Api,
  Window,
  answers,
  createRoute,
  endpoint,
  problems,
  scopeOf,
} from '../../../entrances/http/endpoint.ts';

/** Registers the figures of commits, pull requests, reviews, and coverage. */
export function codeFigureRoutes(app: Api, deps: Pick<Deps, 'clock' | 'code' | 'config' | 'pipelineRuns'>): void {
  endpoint(
    app,
    deps,
    'pipelines:read',
    createRoute({
      method: 'get',
      path: '/v1/metrics/code',
      tags: ['pipelines'],
      summary: 'Get figures of commits, pull requests, reviews, and coverage of a service, a team, or all services',
      request: {
        query: z.object({
          service: ServiceName.optional(),
          team: z.string().min(1).max(256).optional(),
          window: Window.default(PIPELINE_WINDOW_SECONDS),
        }),
      },
      responses: {
        200: answers('The figures', CodeFigures.meta({ id: 'CodeFigures' })),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { service: named, team: namedTeam, window: seconds } = c.req.valid('query');
      const { service } = await scopeOf(deps, c, { service: named });
      const { services } = await deps.config.current();
      const team = namedTeam && teamNamed({ services }, namedTeam);
      const names = Object.entries(services)
        .filter(([name, entry]) => (service ?? name) === name && (team ?? entry.team) === entry.team)
        .map(([name]) => ServiceName.parse(name))
        .filter((name) => c.var.may({ service: name }));
      return c.json(await codeFiguresOf(deps, names.toSorted(), seconds), 200);
    },
  );
}
