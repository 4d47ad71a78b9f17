import { createRoute } from '@hono/zod-openapi';
import { answerOf, placesOf } from '../../domain/gate.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import { putsVersionLive } from '../../domain/versions.ts';
import type { Config } from '../../schemas/config.ts';
import { type CheckAnswer, CheckRequest, Verdict } from '../../schemas/freeze-check.ts';
import { EnvironmentName, ServiceName, type Version } from '../../schemas/names.ts';
import type { Env } from '../api/context.ts';
import { answers, type Api, body, endpoint, problems } from '../api/endpoint.ts';
import { check } from '../freeze/check.ts';
import { asWhatItIs } from '../freeze/rollbacks.ts';
import { canaryOf, Hook, query, toldPlace } from './flagger-hook.ts';

const Answer = Verdict.pick({ allowed: true, verdict: true, reasons: true, clears_when: true }).meta({
  id: 'FlaggerGate',
});

/** Deployments of a place that are looked through for the one that is under way. */
const CHANGES_READ = 20;

const ID_MAX_CHARS = 256;

/**
 * Gates of Flagger (`confirm-rollout`, `confirm-promotion`, `confirm-traffic-increase`): 200 lets it go on, anything else
 * keeps it waiting, and it asks again at its next interval.
 */
export function flaggerGateRoute(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'flagger:gate',
    createRoute({
      method: 'post',
      path: '/integrations/flagger/gate',
      tags: ['integrations'],
      summary: 'May a canary be rolled out, or promoted? 200 when it is allowed, 423 when it is frozen',
      request: { query, ...body(Hook) },
      responses: {
        200: answers('Go on', Answer),
        423: answers('Wait', Answer),
        403: problems('Not for this key'),
        503: problems('Unknown, so wait'),
      },
    }),
    async (c) => {
      const hook = c.req.valid('json');
      const { services } = await deps.config.current();
      const places = placesFor(services, hook);
      for (const place of places) c.var.allow(place);
      const all = await Promise.all(places.map((place) => answerAt(deps, hook, place, c.var)));
      const answer = together(all);
      c.var.log.debug('a canary asks to go on', { canary: canaryOf(hook), phase: hook.phase, allowed: answer.allowed });
      return answer.allowed ? c.json(answer, 200) : c.json(answer, 423);
    },
  );
}

/**
 * What the metadata names; else where a deployer of `kind: flagger` has this canary; else the service of its name. Of
 * several, all have to be allowed.
 */
function placesFor(services: Config['services'], hook: Hook): Place[] {
  const { service, environment } = toldPlace(hook);
  const known = placesOf(services, canaryOf(hook)).filter(
    (place) => service === undefined || service === place.service,
  );
  const meant = known.filter((place) => environment === undefined || environment === place.environment);
  if (meant.length > 0) return meant;
  const name = service ?? known[0]?.service ?? hook.name;
  return [
    {
      service: ServiceName.parse(name),
      environment: EnvironmentName.parse(environment || defaultEnvironment(services, name)),
    },
  ];
}

function defaultEnvironment(services: Config['services'], name: string): string {
  const entry = Object.hasOwn(services, name) ? services[ServiceName.parse(name)] : undefined;
  const [only, another] = Object.keys(entry?.environments ?? {});
  return entry?.defaultEnvironment ?? (another === undefined ? only : undefined) ?? 'production';
}

type Told = Pick<CheckAnswer, 'allowed' | 'verdict' | 'reasons' | 'clears_when'>;

type Caller = Pick<Env['Variables'], 'principal' | 'allow'>;

async function answerAt(deps: Deps, hook: Hook, place: Place, { principal, allow }: Caller): Promise<Told> {
  const { phase, checksum } = hook;
  const wish = answerOf(await deps.gates.get(place), { canary: canaryOf(hook), phase, checksum }, deps.clock.now());
  if (wish.open) return beingRolledBack(wish.wish);
  const version = hook.metadata['version'] || (await versionUnderWay(deps, place));
  // The same roll-out asks at every interval; only by its name it counts once.
  const deployment_id = checksum === '' ? null : `flagger ${checksum} ${canaryOf(hook)}`.slice(0, ID_MAX_CHARS);
  const request = await asWhatItIs(deps, CheckRequest.parse({ ...place, version, deployment_id }));
  const consume = request.version !== null || deployment_id !== null;
  return check(deps, { request, by: principal.name, allow, consume, identityToken: null });
}

/** Where a deployment that has begun is on record, and no other: Flagger does not say what it rolls out. */
async function versionUnderWay({ changes }: Pick<Deps, 'changes'>, place: Place): Promise<Version | null> {
  const begun = (await changes.recent(place, CHANGES_READ)).filter(
    (change) => putsVersionLive(change) && change.status === 'started',
  );
  const [one, another] = begun;
  return one !== undefined && another === undefined ? one.version : null;
}

/** Flagger asks whether to promote and whether to roll back at the same check. */
const beingRolledBack = ({ from, to, incident_id }: { from: string; to: string; incident_id: string }): Told => ({
  allowed: false,
  verdict: 'freeze',
  reasons: [
    {
      code: 'incident',
      text: `${from} is being rolled back to ${to} in incident ${incident_id}, so it goes no further`,
    },
  ],
  clears_when: 'when another version is deployed',
});

function together(all: readonly Told[]): Told {
  const refused = all.filter(({ allowed }) => !allowed);
  const verdicts = all.map(({ verdict }) => verdict);
  return {
    allowed: refused.length === 0,
    verdict: refused.length > 0 ? 'freeze' : verdicts.includes('warn') ? 'warn' : 'allow',
    reasons: (refused.length > 0 ? refused : all).flatMap(({ reasons }) => reasons),
    clears_when: refused.length === 0 ? null : refused.flatMap(({ clears_when }) => clears_when ?? []).join('; and '),
  };
}
