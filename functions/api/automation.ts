import { createRoute } from '@hono/zod-openapi';
import { EVERYWHERE } from '../../domain/access.ts';
import { serviceEntry } from '../../domain/catalogue.ts';
import type { Deps } from '../../domain/ports.ts';
import { didYouMean } from '../../domain/runbooks/nearest.ts';
import { Automation, AutomationInput } from '../../schemas/access.ts';
import { lowestMode, ServiceName } from '../../schemas/names.ts';
import { answers, type Api, body, endpoint, problems } from './endpoint.ts';
import { Refusal } from './problem.ts';

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
      summary: 'Kill switch and modes',
      responses: { 200: answers('In force', View) },
    }),
    async (c) => c.json(inForce(await deps.automation.read()), 200),
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
      c.var.allow(EVERYWHERE);
      const told = c.req.valid('json');
      await refuseMisspelt(deps, told);
      const automation = await deps.automation.write(told, c.var.principal.name);
      c.var.log.warn('automation set', {
        by: c.var.principal.name,
        paused: automation.paused,
        mode: automation.mode,
        reason: automation.reason,
      });
      return c.json(inForce(automation), 200);
    },
  );
}

/**
 * A cap under a name that is nearly one that is known would leave the service that was meant as automatic as it was. Any
 * other name may be that of a service to come; until then there is nothing to cap.
 * @throws Refusal 422 with the name that was probably meant
 */
async function refuseMisspelt(deps: Deps, { services: told }: AutomationInput): Promise<void> {
  if (told === undefined) return;
  const [{ services }, { services: capped, demoted }] = await Promise.all([
    deps.config.current(),
    deps.automation.read(),
  ]);
  const known = new Set([...Object.keys(services), ...Object.keys(capped), ...Object.keys(demoted)]);
  for (const [service, caps] of Object.entries(told)) {
    const meant = known.has(service) ? null : didYouMean(service, known);
    if (meant !== null && !(await isRecorded(deps, service)))
      throw misspelt(`services.${service}: nothing is known of a service "${service}"; ${meant}`);
    const environments = Object.keys(serviceEntry(services, service)?.environments ?? {});
    const before = Object.hasOwn(capped, service) ? Object.keys(capped[service]?.environments ?? {}) : [];
    for (const name of Object.keys(caps?.environments ?? {})) {
      const named = [...environments, ...before].includes(name) ? null : didYouMean(name, environments);
      if (named !== null)
        throw misspelt(`services.${service}.environments.${name}: ${service} has no environment "${name}"; ${named}`);
    }
  }
}

/** Somebody has told of a deploy or an incident of it. */
async function isRecorded(deps: Deps, name: string): Promise<boolean> {
  const { success, data: service } = ServiceName.safeParse(name);
  if (!success) return false;
  const found = await Promise.all([
    deps.changes.list({ service, limit: 1 }),
    deps.incidents.list({ service, limit: 1 }),
  ]);
  return found.some(({ items }) => items.length > 0);
}

const misspelt = (text: string): Refusal => new Refusal(422, 'invalid', `json: ${text}`);

/** A service that was demoted is shown with the mode that it has by that. */
function inForce(automation: Automation): Automation {
  const demoted = Object.keys(automation.demoted).map((name) => {
    const own = Object.hasOwn(automation.services, name) ? automation.services[name] : undefined;
    const mode = lowestMode('approve', ...(own?.mode ? [own.mode] : []));
    return [name, { environments: {}, ...own, mode }] as const;
  });
  return { ...automation, services: { ...automation.services, ...Object.fromEntries(demoted) } };
}
