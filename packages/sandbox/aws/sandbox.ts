import type { Hono } from 'hono';
import * as z from 'zod';
import { deploymentId, openDeployments, Revision } from './deployments.ts';
import { rolloutMillis } from './ecs.ts';
import { openFunctions } from './functions.ts';
import { absoluteName, openRecords, RecordSet } from './records.ts';
import { openServices, rolloutId } from './services.ts';
import { awsSettings, AwsSettings, setAwsSettings } from './settings.ts';
import { openTaskDefinitions } from './task-definitions.ts';
import { type Exchanges, exchanges } from '../core/exchanges.ts';
import { problem } from '../core/problem.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/** Returns the endpoints for actions of people and pipelines in AWS. */
export const awsSandbox = (deps: StandInDeps): Hono =>
  exchanges({
    ...lambdaExchanges(deps),
    ...ecsExchanges(deps),
    ...codeDeployExchanges(deps),
    ...recordExchanges(deps),
    'GET /settings': () => awsSettings(deps),
    'PUT /settings': ({ given }) => setAwsSettings(deps, given(AwsSettings)),
  });

const listOf = (items: object[]) => ({ items, next_cursor: null });

const Share = z.number().gt(0).lte(1);

const NewVersion = z.strictObject({
  description: z.string().max(256).default(''),
  state: z.enum(['Active', 'Failed']).default('Active'),
});

/** A function with its versions, which get the next numbers, and the version of an alias. */
const FunctionState = z.strictObject({
  function: z.string().min(1),
  versions: z.array(NewVersion).default([]),
  alias: z.string().min(1).optional(),
  /** The version of the alias. Default: the newest version. */
  version: z.int().min(1).optional(),
  weights: z.record(z.string(), Share).default({}),
});

const FunctionDeploy = NewVersion.extend({
  alias: z.string().min(1),
  /** Share of the traffic for the new version in a canary. The alias keeps its version. */
  weight: Share.optional(),
});

function lambdaExchanges({ db, now }: StandInDeps): Exchanges {
  const functions = openFunctions(db);
  const list = () =>
    listOf(
      functions.names().map((name) => ({
        function: name,
        versions: functions.versions(name).map(({ number, description, state }) => ({ number, description, state })),
        aliases: functions.aliases(name).map(({ name: alias, version, weights }) => ({ alias, version, weights })),
      })),
    );
  return {
    'GET /lambda/functions': list,
    'PUT /lambda/functions'({ given }) {
      const { function: name, versions, alias, version, weights } = given(FunctionState);
      for (const newVersion of versions) functions.publish(name, newVersion, now());
      const newest = functions.versions(name).at(-1);
      if (newest === undefined) throw problem(422, `versions: ${name} has no versions; add at least one`);
      const of = { function: name, version: String(version ?? newest.number), description: '', weights };
      if (alias !== undefined) functions.setAlias({ ...of, name: alias });
      return list();
    },
    'POST /lambda/functions/:function/deploy'({ param, given }) {
      const name = param('function');
      const { alias: of, weight, ...version } = given(FunctionDeploy);
      const alias = functions.alias(name, of);
      if (!alias) throw problem(422, `${name} has no alias ${of}`);
      const { number } = functions.publish(name, version, now());
      const whole = { ...alias, version: String(number), weights: {} };
      functions.setAlias(weight === undefined ? whole : { ...alias, weights: { [number]: weight } });
      return { version: String(number) };
    },
  };
}

/** A service that has run `images` in this order, each in a task definition of the service's name. */
const ServiceState = z.strictObject({
  cluster: z.string().min(1),
  service: z.string().min(1),
  images: z.array(z.string().min(1)).min(1),
  /** The tags of each task definition, in the order of `images`. */
  tags: z.array(z.record(z.string(), z.string())).default([]),
  desired: z.int().min(0).default(2),
  controller: z.enum(['ECS', 'CODE_DEPLOY', 'EXTERNAL']).default('ECS'),
  strategy: z.enum(['ROLLING', 'BLUE_GREEN']).default('ROLLING'),
  scheduling: z.enum(['REPLICA', 'DAEMON']).default('REPLICA'),
  breaker: z.enum(['off', 'on', 'rollback']).default('on'),
});

const ServiceDeploy = z.strictObject({ image: z.string().min(1), tags: z.record(z.string(), z.string()).default({}) });

function ecsExchanges(deps: StandInDeps): Exchanges {
  const services = openServices(deps.db);
  const definitions = openTaskDefinitions(deps.db);
  const times = () => ({ now: deps.now(), rolloutMs: rolloutMillis(deps) });
  const register = (family: string, image: string, tags: Record<string, string> = {}) => {
    const containerDefinitions = [{ name: 'app', image, essential: true }];
    const pairs = Object.entries(tags).map(([key, value]) => ({ key, value }));
    return definitions.register({ family, containerDefinitions, tags: pairs }, deps.now());
  };
  const requireService = (cluster: string, name: string) => {
    services.settle(times());
    const service = services.find(cluster, name);
    if (!service) throw problem(422, `there is no service ${name} in ${cluster}`);
    return service;
  };
  const list = () => {
    services.settle(times());
    return listOf(
      services.all().map((service) => ({
        cluster: service.cluster,
        service: service.name,
        desired: service.desired,
        deployments: services.rollouts(service).map((rollout) => ({
          id: rolloutId(rollout),
          image: definitions.find(`${rollout.family}:${rollout.revision}`).containers[0]?.image ?? '',
          state: rollout.state,
        })),
      })),
    );
  };
  return {
    'GET /ecs/services': list,
    'PUT /ecs/services'({ given }) {
      const { service: name, images, tags, desired, ...kind } = given(ServiceState);
      const service = services.put({ ...kind, name, desired, running: desired, counted_at: 0 });
      const atOnce = { now: deps.now(), rolloutMs: 0 };
      for (const [i, image] of images.entries()) {
        services.begin(service, register(name, image, tags[i]), atOnce);
        services.settle(atOnce);
      }
      return list();
    },
    'POST /ecs/services/:cluster/:service/deploy'({ param, given }) {
      const service = requireService(param('cluster'), param('service'));
      const { image, tags } = given(ServiceDeploy);
      return { id: rolloutId(services.begin(service, register(service.name, image, tags), times())) };
    },
    'POST /ecs/services/:cluster/:service/fail'({ param }) {
      services.fail(requireService(param('cluster'), param('service')));
      return list();
    },
  };
}

const NewDeployment = z.strictObject({
  revision: Revision,
  description: z.string().max(256).nullable().default(null),
  creator: z.enum(['user', 'autoscaling']).default('user'),
});

/** A deployment group with its successful deployments, oldest first. */
const GroupState = z.strictObject({
  application: z.string().min(1),
  group: z.string().min(1),
  platform: z.enum(['Server', 'Lambda', 'ECS']).default('Server'),
  auto_rollback: z.boolean().default(false),
  deployments: z.array(NewDeployment).default([]),
});

function codeDeployExchanges(deps: StandInDeps): Exchanges {
  const deployments = openDeployments(deps.db);
  const times = () => ({ now: deps.now(), rolloutMs: rolloutMillis(deps) });
  const requireGroup = (application: string, name: string) => {
    deployments.settle(times());
    const group = deployments.group(application, name);
    if (!group) throw problem(422, `there is no deployment group ${name} of ${application}`);
    return group;
  };
  const list = () => {
    deployments.settle(times());
    return listOf(
      deployments
        .groups()
        .flatMap(deployments.inGroup)
        .map(({ seq, grp: group, ...deployment }) => ({ id: deploymentId(seq), group, ...deployment })),
    );
  };
  return {
    'GET /codedeploy/deployments': list,
    'PUT /codedeploy/groups'({ given }) {
      const { deployments: earlier, group: name, ...of } = given(GroupState);
      const group = deployments.putGroup({ ...of, name });
      const atOnce = { now: deps.now(), rolloutMs: 0 };
      for (const deployment of earlier) {
        deployments.begin(group, deployment, atOnce);
        deployments.settle(atOnce);
      }
      return list();
    },
    'POST /codedeploy/groups/:application/:group/deploy'({ param, given }) {
      const group = requireGroup(param('application'), param('group'));
      return { id: deploymentId(deployments.begin(group, given(NewDeployment), times()).seq) };
    },
    'POST /codedeploy/groups/:application/:group/fail'({ param }) {
      deployments.fail(requireGroup(param('application'), param('group')));
      return list();
    },
  };
}

/** Weighted records of one name and type, each with an address. */
const WeightedRecords = z.strictObject({
  zone: z.string().min(1),
  name: z.string().min(1),
  type: z.enum(['A', 'AAAA', 'CNAME']).default('A'),
  ttl: z.int().min(0).default(60),
  weights: z.record(z.string(), z.int().min(0).max(255)),
  health_check: z.string().optional(),
});

const Refusal = z.strictObject({ code: z.string().min(1), message: z.string().default('') });

function recordExchanges({ db }: StandInDeps): Exchanges {
  const { zones, changes, refusals } = openRecords(db);
  const list = () =>
    listOf(
      zones.all().flatMap(({ zone, records }) =>
        records.map(({ Name, Type, SetIdentifier = null, Weight, ...fields }) => ({
          zone,
          name: Name,
          type: Type,
          identifier: SetIdentifier,
          weight: Weight === undefined ? null : Number(Weight),
          fields,
        })),
      ),
    );
  return {
    'GET /route53/records': list,
    'PUT /route53/records'({ given }) {
      const { zone, name, type, ttl, weights, health_check } = given(WeightedRecords);
      const others = (zones.get(zone)?.records ?? []).filter(
        (one) => one.Name !== absoluteName(name) || one.Type !== type,
      );
      const records = Object.entries(weights).map(([identifier, weight], index) =>
        RecordSet.parse({
          Name: name,
          Type: type,
          SetIdentifier: identifier,
          Weight: String(weight),
          TTL: String(ttl),
          ResourceRecords: {
            ResourceRecord: { Value: type === 'AAAA' ? `2001:db8::${index + 1}` : `192.0.2.${index + 1}` },
          },
          ...(health_check !== undefined && { HealthCheckId: health_check }),
        }),
      );
      zones.put({ zone, records: [...others, ...records] }, zone);
      return list();
    },
    'GET /route53/changes': () => listOf(changes.all()),
    'POST /route53/refusals'({ given }) {
      const refusal = given(Refusal);
      const id = String(refusals.count());
      refusals.put({ id, ...refusal }, id);
      return Response.json(refusal, { status: 201 });
    },
  };
}
