import type { Scope } from '../../../core/domain/access/access.ts';
import type { ApiDeps } from '../deps.ts';
import { Automation, AutomationInput } from '../../../schemas/access/access.ts';
import { lowestMode } from '../../../schemas/config/names.ts';
import { setAutomation } from '../../../core/actions/automation/set-automation.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../endpoint.ts';

type AutomationDeps = Pick<ApiDeps, 'automation' | 'changes' | 'clock' | 'config' | 'incidents'>;

const View = Automation.meta({ id: 'Automation' });

/** Registers the routes of the kill switch and the automation modes. */
export function automationRoutes(app: Api, deps: AutomationDeps): void {
  endpoint(
    app,
    deps,
    'automation:read',
    createRoute({
      method: 'get',
      path: '/v1/automation',
      tags: ['automation'],
      summary: 'Read the kill switch, and the modes of the services and environments that the token may read',
      responses: { 200: answers('The settings in force', View) },
    }),
    async (c) => c.json(readablePart(inForce(await deps.automation.read()), c.var.may), 200),
  );

  endpoint(
    app,
    deps,
    'automation:write',
    createRoute({
      method: 'put',
      path: '/v1/automation',
      tags: ['automation'],
      summary: 'Set the kill switch and the modes; omitted fields stay unchanged',
      request: body(AutomationInput),
      responses: { 200: answers('The settings now in force', View), 422: problems('Validation failed') },
    }),
    async (c) => {
      const automation = await setAutomation({ ...deps, log: c.var.log }, c.var.caller, c.req.valid('json'));
      return c.json(readablePart(inForce(automation), c.var.may), 200);
    },
  );
}

/** Returns the settings in force: a demoted service has at most the mode `approve`. */
function inForce(automation: Automation): Automation {
  const demoted = Object.keys(automation.demoted).map((name) => {
    const setting = Object.hasOwn(automation.services, name) ? automation.services[name] : undefined;
    const mode = lowestMode('approve', ...(setting?.mode ? [setting.mode] : []));
    return [name, { environments: {}, ...setting, mode }] as const;
  });
  return { ...automation, services: { ...automation.services, ...Object.fromEntries(demoted) } };
}

/**
 * Removes the services and environments that the caller may not read. The kill switch and global mode are visible to
 * all.
 */
function readablePart(automation: Automation, may: (scope: Scope) => boolean): Automation {
  const readableServices = <T>(entries: Record<string, T>) =>
    Object.entries(entries).filter(([service]) => may({ service }));
  const services = readableServices(automation.services).map(([service, { mode, environments }]) => {
    const readableEnvironments = Object.entries(environments).filter(([environment]) => may({ service, environment }));
    return [service, { mode, environments: Object.fromEntries(readableEnvironments) }] as const;
  });
  return {
    ...automation,
    services: Object.fromEntries(services),
    demoted: Object.fromEntries(readableServices(automation.demoted)),
  };
}
