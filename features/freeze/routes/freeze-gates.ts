import * as z from 'zod';
import { gatesSubject } from '../../../core/domain/incidents/projections.ts';
import { type Api, answers, createRoute, endpoint } from '../../../entrances/http/endpoint.ts';
import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { workloadProblems } from '../decisions/gates.ts';
import { mayRead } from '../actions/freezes.ts';
import { gated } from '../gates.ts';
import type { Deps } from '../ports.ts';
import { GatesOfService, GatesState } from '../schemas/freeze-gates.ts';

/** Registers the route that lists what freezes close in clusters. */
export function freezeGatesRoute(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'freezes:read',
    createRoute({
      method: 'get',
      path: '/v1/freeze-gates',
      tags: ['freezes'],
      summary: 'List what freezes close in Kubernetes clusters, as last seen',
      responses: {
        200: answers('The gates of each service and environment', z.object({ items: z.array(GatesOfService) })),
      },
    }),
    async (c) => {
      const config = await deps.config.current();
      const all = gated(config);
      const problems = workloadProblems(
        all.flatMap((scope) => {
          const entry = environmentEntry(config.services, scope);
          return entry === undefined ? [] : [{ ...scope, entry }];
        }),
      );
      const at = deps.clock.now();
      const items = await Promise.all(
        all
          .filter((scope) => mayRead(c.var.may, scope))
          .map(async (scope) => {
            const { service, environment } = scope;
            const state = GatesState.parse((await deps.projections.read('gates', gatesSubject(scope))) ?? {});
            const wrong = problems
              .filter((one) => one.service === service && one.environment === environment)
              .map(({ object, detail }) => ({ object, condition: 'refused' as const, detail, at }));
            return { service, environment, gates: [...state.gates, ...wrong] };
          }),
      );
      return c.json({ items }, 200);
    },
  );
}
