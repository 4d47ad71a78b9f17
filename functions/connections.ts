import { setTimeout as sleep } from 'node:timers/promises';
import type { Told } from '../domain/outlets.ts';
import type { Deps } from '../domain/ports.ts';
import type { DeployerConfig } from '../schemas/deployers.ts';
import { lanesOf } from './drills.ts';

/**
 * `set`: there is a credential, and it cannot be tried without doing something. `wrong`: it was tried, and refused.
 * `unreachable`: nobody can tell at this moment.
 */
export type State = 'connected' | 'set' | 'off' | 'wrong' | 'unreachable';
export type Connection = { name: string; state: State; detail: string };

type Asked = Pick<
  Deps,
  'secrets' | 'chat' | 'statusPage' | 'annotations' | 'externalPager' | 'metrics' | 'silences' | 'clock' | 'signer'
>;

/** All are asked at once, and the function of the API has twenty seconds. */
const PATIENCE_MS = 10_000;

/** Something that nobody has: looked for to see whether looking works. */
const NOTHING = 'firebreak-doctor';

/** Each vendor, asked something that changes nothing. One that cannot be told about keeps no other from it. */
export async function connections(deps: Asked): Promise<Connection[]> {
  return Promise.all([
    secret(deps, 'PagerDuty pages', 'PAGERDUTY_ROUTING_KEY', 'not tried, since that would page'),
    inTime('PagerDuty incidents', told(deps.externalPager.read(NOTHING))),
    inTime('Slack', told(deps.chat.channelNames(NOTHING))),
    inTime('Statuspage', told(deps.statusPage.components())),
    inTime('Grafana annotations', told(deps.annotations.find(NOTHING))),
    inTime('Prometheus', prometheus(deps)),
    inTime('Alertmanager', alertmanager(deps)),
    secret(deps, 'GitHub', 'GITHUB_TOKEN', 'not tried'),
    secret(deps, 'Argo CD', 'ARGOCD_TOKEN', 'not tried'),
    secret(deps, 'Kubernetes', 'KUBERNETES_TOKEN', 'not tried'),
    secret(deps, 'LaunchDarkly', 'LAUNCHDARKLY_TOKEN', 'not tried'),
    inTime('signing key', signingKey(deps)),
  ]);
}

async function secret({ secrets }: Pick<Deps, 'secrets'>, name: string, key: string, why: string): Promise<Connection> {
  const set = await credentialOf(secrets, key);
  return { name, ...(set ? { state: 'set', detail: `${set} is set; ${why}` } : off(`${key} is not set`)) };
}

/** What is set of a credential, by its name. A GitHub App does for a token. Undefined: nothing. */
async function credentialOf(secrets: Deps['secrets'], key: string): Promise<string | undefined> {
  if (await secrets.get(key)) return key;
  const isApp = key === 'GITHUB_TOKEN' && (await secrets.get('GITHUB_APP_ID'));
  return isApp && (await secrets.get('GITHUB_APP_PRIVATE_KEY')) ? 'GITHUB_APP_ID' : undefined;
}

type Seen = Omit<Connection, 'name'>;

async function inTime(name: string, looked: Promise<Seen>): Promise<Connection> {
  const late = sleep(PATIENCE_MS, unreachable(`no answer within ${PATIENCE_MS / 1000} s`), { ref: false });
  return { name, ...(await Promise.race([looked.catch((error: unknown) => unreachable(String(error))), late])) };
}

async function told(asked: Promise<Told<unknown>>): Promise<Seen> {
  const answer = await asked;
  switch (answer.kind) {
    case 'done':
      return ANSWERS;
    case 'off':
      return off(answer.detail);
    case 'refused':
      // Nobody has what was looked for, which is an answer.
      return answer.code === 'not_found' ? ANSWERS : { state: 'wrong', detail: answer.detail };
    case 'later':
    case 'unclear':
      return unreachable(answer.detail);
  }
}

async function prometheus({ metrics, secrets }: Asked): Promise<Seen> {
  const value = await metrics.value('vector(1)');
  if (value === null) return off('PROMETHEUS_URL is not set; verification goes by the alerts');
  if (value.kind === 'unreadable') return unreachable(value.detail);
  if (await secrets.get('ALERTMANAGER_URL')) return ANSWERS;
  return { ...ANSWERS, detail: 'it answers; it is asked whether alerts of its own rules have ended' };
}

async function alertmanager({ secrets, silences }: Asked): Promise<Seen> {
  if (!(await secrets.get('ALERTMANAGER_URL')))
    return off(
      'ALERTMANAGER_URL is not set; silences are not known, nor the ends of alerts that are not told (send_resolved: false), ' +
        'except of those by rules of PROMETHEUS_URL',
    );
  return (await silences.active()) === null ? unreachable('its silences could not be read') : ANSWERS;
}

/** What the freeze check signs with. It is no vendor, and missed in the same way. */
async function signingKey({ signer, secrets }: Asked): Promise<Seen> {
  const problem = await signer.problem();
  if (problem === null) return { state: 'set', detail: 'allowed deployments get tokens, and clients the signed state' };
  return (await secrets.get('FIREBREAK_SIGNING_KEY')) ? { state: 'wrong', detail: problem } : off(problem);
}

const ANSWERS: Seen = { state: 'connected', detail: 'it answers' };
const off = (detail: string): Seen => ({ state: 'off', detail });
const unreachable = (detail: string): Seen => ({ state: 'unreachable', detail });

export type TargetState = {
  service: string;
  environment: string;
  /** Null: none, so it is paged about and never acted upon. */
  deployer: string | null;
  mode: string;
  drills: boolean;
  /** What is wrong with it; null: nothing that can be seen without calling it. */
  problem: string | null;
};

/** Every place of the catalogue, and whether what would roll it back could be called. */
export async function targets(deps: Pick<Deps, 'config' | 'deployerFor' | 'secrets'>): Promise<TargetState[]> {
  const { services } = await deps.config.current();
  const lanes = lanesOf(services);
  const places = Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).map(([environment, entry]) => ({ service, environment, entry })),
  );
  return Promise.all(
    places.map(async ({ service, environment, entry: { deployer, autoRollback } }) => ({
      service,
      environment,
      deployer: deployer?.kind ?? null,
      mode: autoRollback.mode,
      drills: lanes.some((lane) => lane.service === service && lane.environment === environment),
      problem: deployer === undefined ? null : await problemOf(deps, deployer, { service, environment }),
    })),
  );
}

async function problemOf(
  deps: Pick<Deps, 'deployerFor' | 'secrets'>,
  deployer: DeployerConfig,
  place: { service: string; environment: string },
): Promise<string | null> {
  if ((await deps.deployerFor(deployer, place as Parameters<Deps['deployerFor']>[1])) === undefined)
    return `its deployer (${deployer.kind}) names no address, and none is set`;
  const key = secretOf(deployer);
  if (key !== null && !(await credentialOf(deps.secrets, key))) return `its deployer's secret ${key} is not set`;
  return deployer.kind === 'http' && deployer.auth === undefined
    ? 'its deployer is called without credentials (no "auth")'
    : null;
}

/** The secret that it is called with; null: none, or the role of the functions. */
function secretOf(deployer: DeployerConfig): string | null {
  if ('auth' in deployer && deployer.auth !== undefined)
    return 'bearer' in deployer.auth ? deployer.auth.bearer : deployer.auth.webhookSignature;
  switch (deployer.kind) {
    case 'argo-cd':
      return 'ARGOCD_TOKEN';
    case 'github':
      return 'GITHUB_TOKEN';
    case 'kubernetes':
    case 'argo-rollouts':
    case 'flagger':
      return 'KUBERNETES_TOKEN';
    default:
      return null;
  }
}
