import type { Deps } from '../domain/ports.ts';
import type { VendorState } from '../domain/vendors.ts';
import type { DeployerConfig } from '../schemas/deployers.ts';
import { mail, webhooks } from './connections/outgoing.ts';
import { onCall, pagerDutyPages, pagerDutyWebhooks, slack, slackCommands } from './connections/people.ts';
import {
  ANSWERS,
  type Connection,
  credential,
  credentialOf,
  inTime,
  off,
  type Seen,
  told,
  unreachable,
  wrong,
} from './connections/seen.ts';
import { lanesOf } from './drills.ts';
import { vendorModes } from './vendor-modes.ts';

type Asked = Pick<
  Deps,
  | 'audit'
  | 'secrets'
  | 'config'
  | 'directory'
  | 'onCall'
  | 'statusPage'
  | 'annotations'
  | 'externalPager'
  | 'metrics'
  | 'silences'
  | 'signer'
  | 'standIns'
  | 'tokens'
  | 'databaseWarning'
>;

/** Something that nobody has: looked for to see whether looking works. */
const NOTHING = 'firebreak-doctor';

/** Each vendor, asked something that changes nothing and that nobody sees. */
export async function connections(deps: Asked): Promise<Connection[]> {
  const secret = (key: string): Promise<Seen> => credential(deps, { key, untried: 'not tried' });
  const [outgoing, ...vendors] = await Promise.all([
    webhooks(deps),
    inTime('PagerDuty pages', pagerDutyPages(deps)),
    inTime('PagerDuty API', told(deps.externalPager.check())),
    inTime('PagerDuty on call', onCall(deps)),
    inTime('PagerDuty webhooks', pagerDutyWebhooks(deps)),
    inTime('Slack', slack(deps)),
    inTime('Slack commands', slackCommands(deps)),
    inTime('mail', mail(deps)),
    inTime('Statuspage', told(deps.statusPage.components())),
    inTime('Grafana annotations', told(deps.annotations.find(NOTHING))),
    inTime('Prometheus', prometheus(deps)),
    inTime('Alertmanager', alertmanager(deps)),
    inTime('GitHub', secret('GITHUB_TOKEN')),
    inTime('Argo CD', secret('ARGOCD_TOKEN')),
    inTime('Kubernetes', secret('KUBERNETES_TOKEN')),
    inTime('LaunchDarkly', secret('LAUNCHDARKLY_TOKEN')),
    inTime('signing key', signingKey(deps)),
    inTime('tokens', tokenRecords(deps)),
    inTime('sealed log', sealedLog(deps)),
  ]);
  const modes = await vendorModes(deps);
  return [...located(vendors, modes), ...database(deps), ...callees(modes), ...outgoing];
}

/** Adds to each connection of a vendor where it leads, and by which credentials. */
const located = (seen: readonly Connection[], modes: readonly VendorState[]): Connection[] =>
  seen.map((one) => {
    const vendor = modes.find(({ name }) => name === one.name);
    return vendor === undefined ? one : { ...one, ...placeOf(vendor), ...(one.state === 'off' && { mode: 'off' }) };
  });

const placeOf = ({
  mode,
  address,
  credentials,
}: VendorState): Pick<Connection, 'mode' | 'address' | 'credentials'> => ({
  mode,
  ...(address !== null && { address }),
  credentials,
});

/** Vendors that are only called to act, so that there is nothing to ask them. */
const callees = (modes: readonly VendorState[]): Connection[] =>
  modes
    .filter(({ vendor }) => vendor === 'cd' || vendor === 'aws')
    .map((one) => ({
      name: one.name,
      ...placeOf(one),
      ...(one.missing === null
        ? { state: 'set', detail: 'not tried, since that would change something' }
        : off(`${one.missing}; deployers that name no address are off`)),
    }));

async function prometheus({ metrics, secrets }: Asked): Promise<Seen> {
  const value = await metrics.value('vector(1)');
  if (value === null) return off('PROMETHEUS_URL is not set; verification goes by the alerts');
  if (value.kind === 'unreadable') return unreachable(value.detail);
  if (await secrets.get('ALERTMANAGER_URL')) return ANSWERS;
  return { ...ANSWERS, detail: 'it answers; it is asked whether alerts of its own rules have ended' };
}

/** Whether Prometheus scrapes Firebreak as the job that deploy/monitoring/ relies on. Null: not known. */
export async function isWatched({ metrics }: Pick<Deps, 'metrics'>): Promise<boolean | null> {
  const seen = await metrics.value('count(up{job="firebreak"})');
  return seen === null || seen.kind === 'unreadable' ? null : seen.kind === 'value' && seen.value > 0;
}

async function alertmanager({ config, secrets, silences }: Asked): Promise<Seen> {
  if (!(await secrets.get('ALERTMANAGER_URL')))
    return off(
      'ALERTMANAGER_URL is not set; silences are not known, nor the ends of alerts that are not told (send_resolved: false), ' +
        'except of those by rules of PROMETHEUS_URL',
    );
  if ((await silences.active()) === null) return unreachable('its silences could not be read');
  if ((await config.current()).slos.length === 0) return ANSWERS;
  const inhibits = await silences.inhibitsSlowBurns();
  if (inhibits === null) return unreachable('its configuration could not be read');
  return inhibits
    ? { ...ANSWERS, detail: 'it answers; SLOFastBurn inhibits SLOSlowBurn of the same objective' }
    : NO_INHIBITION;
}

const NO_INHIBITION: Seen = {
  state: 'incomplete',
  detail:
    'none of its inhibit_rules lets SLOFastBurn inhibit SLOSlowBurn of the same objective, so each page comes with a ticket ' +
    '(take the rule over from alertmanager/firebreak.yaml of firebreak slo generate)',
};

/** What the freeze check signs with. It is no vendor, and missed in the same way. */
async function signingKey({ signer, secrets }: Asked): Promise<Seen> {
  const problem = await signer.problem();
  if (problem === null) return { state: 'set', detail: 'allowed deployments get tokens, and clients the signed state' };
  return (await secrets.get('FIREBREAK_SIGNING_KEY')) ? wrong(problem) : off(problem);
}

/** Checks the newest seals; all of the log can take long. */
async function sealedLog({ audit }: Pick<Asked, 'audit'>): Promise<Seen> {
  const { intact, brokenAt, because } = await audit.check({ last: SEALS_CHECKED });
  if (intact)
    return { state: 'set', detail: 'the newest entries are as they were written; firebreak audit checks all' };
  return wrong(`${brokenAt === null ? '' : `${brokenAt}: `}${because ?? 'it is not as it was written'}`);
}

/** A seal has the entries of one minute. */
const SEALS_CHECKED = 60;

/** Whether all tokens were written by Firebreak. Somebody who can write the table could have put others there. */
async function tokenRecords({ tokens }: Pick<Asked, 'tokens'>): Promise<Seen> {
  const { valid, previous, refused, used } = await tokens.check();
  const problems = [
    ...(refused.length === 0
      ? []
      : [
          `refused, since Firebreak did not write them in this form: ${few(refused.map(({ id, name }) => `${id} (${name})`))}`,
        ]),
    ...(used.length === 0
      ? []
      : [`tried and refused: ${few(used.map(({ name, at }) => `${JSON.stringify(name)} at ${at}`))}`]),
  ];
  if (problems.length > 0) return wrong(`${problems.join('; ')}. ${FORGED}`);
  if (previous.length === 0) return { state: 'set', detail: `${valid} on record, all written by Firebreak` };
  return {
    state: 'incomplete',
    detail:
      `not used since FIREBREAK_ADMIN_TOKEN was replaced: ${few(previous.map(({ id, name }) => `${id} (${name})`))}. Use or ` +
      'revoke them, then remove FIREBREAK_ADMIN_TOKEN_PREVIOUS',
  };
}

const FORGED =
  'Either FIREBREAK_ADMIN_TOKEN was replaced without FIREBREAK_ADMIN_TOKEN_PREVIOUS, or they are from before records were ' +
  'signed, or somebody else writes to the table. Revoke those on the list, and create what you need anew';

const SHOWN = 5;
const few = (all: readonly string[]): string =>
  `${all.slice(0, SHOWN).join(', ')}${all.length > SHOWN ? ` and ${all.length - SHOWN} more` : ''}`;

const database = ({ databaseWarning }: Pick<Asked, 'databaseWarning'>): Connection[] =>
  databaseWarning === undefined ? [] : [{ name: 'database', state: 'incomplete', detail: databaseWarning }];

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
