import { createRoute } from '@hono/zod-openapi';
import type { Scope } from '../../domain/access.ts';
import type { Deps } from '../../domain/ports.ts';
import { Automation, AutomationInput } from '../../schemas/access.ts';
import { lowestMode } from '../../schemas/names.ts';
import { setAutomation } from '../acts/automation.ts';
import { answers, type Api, body, endpoint, problems } from './endpoint.ts';

const View = Automation.meta({ id: 'Automation' });

/** The kill switch and the modes. */
export function automationRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'automation:read',
    createRoute({
      method: 'get',
      path: '/v1/automation',
      tags: ['automation'],
      summary: 'Kill switch and modes; of services and environments that the token may read',
      responses: { 200: answers('In force', View) },
    }),
    async (c) => c.json(visible(inForce(await deps.automation.read()), c.var.may), 200),
  );

  endpoint(
    app,
    deps,
    'automation:write',
    createRoute({
      method: 'put',
      path: '/v1/automation',
      tags: ['automation'],
      summary: 'Set kill switch and modes; what is left out stays',
      request: body(AutomationInput),
      responses: { 200: answers('In force now', View), 422: problems('What is wrong with it') },
    }),
    async (c) => {
      const automation = await setAutomation({ ...deps, log: c.var.log }, c.var.who, c.req.valid('json'));
      return c.json(visible(inForce(automation), c.var.may), 200);
    },
  );
}

/** A service that was demoted is shown with the mode that it has by that. */
function inForce(automation: Automation): Automation {
  const demoted = Object.keys(automation.demoted).map((name) => {
    const own = Object.hasOwn(automation.services, name) ? automation.services[name] : undefined;
    const mode = lowestMode('approve', ...(own?.mode ? [own.mode] : []));
    return [name, { environments: {}, ...own, mode }] as const;
  });
  return { ...automation, services: { ...automation.services, ...Object.fromEntries(demoted) } };
}

/** The kill switch and the global mode concern everybody; caps of services and environments only those who may read them. */
function visible(automation: Automation, may: (scope: Scope) => boolean): Automation {
  const ofService = <T>(entries: Record<string, T>) => Object.entries(entries).filter(([service]) => may({ service }));
  const services = ofService(automation.services).map(([service, { mode, environments }]) => {
    const own = Object.entries(environments).filter(([environment]) => may({ service, environment }));
    return [service, { mode, environments: Object.fromEntries(own) }] as const;
  });
  return {
    ...automation,
    services: Object.fromEntries(services),
    demoted: Object.fromEntries(ofService(automation.demoted)),
  };
}
