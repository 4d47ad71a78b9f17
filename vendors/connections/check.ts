import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Targets } from '../../core/domain/ports/rollback.ts';
import type { Spans } from '../../core/domain/changes/span.ts';
import type { Counters, Secrets } from '../../core/domain/ports/system.ts';
import type { AuditLog } from '../../core/domain/ports/audit.ts';
import type { Annotations } from '../../core/domain/ports/annotations.ts';
import type { Directory } from '../../core/domain/ports/chat.ts';
import type { Silences } from '../../core/domain/ports/silences.ts';
import { RETURN_PATH, type Tokens } from '../../core/domain/ports/access.ts';
import { TARGETS_WITH_CREDENTIALS, TRIED_BY_ROLLBACKS, type VendorState } from '../../core/domain/catalogue/vendors.ts';
import type { ConnectionName } from '../../schemas/config/vendors.ts';
import { type DeployerConfig, targetOf } from '../../schemas/rollback/targets.ts';
import { SILENCES_TIMEOUT_MS } from '../alertmanager/silences.ts';
import { mail, webhooks } from './outgoing.ts';
import { faultySigningSecrets } from './signing-secrets.ts';
import { onCall, pagerDutyPages, pagerDutyWebhooks, slack, slackCommands } from './slack-and-pagerduty.ts';
import {
  REACHABLE,
  type Connection,
  credential,
  credentialOf,
  ended,
  inTime,
  off,
  type CheckResult,
  checked,
  unreachable,
  wrong,
} from './check-result.ts';
import { failingWorkflows } from '../../core/domain/incidents/failed-runs.ts';
import { drillEnvironments } from '../../core/domain/automation/drill.ts';
import { refusedRequests } from './refused-requests.ts';
import { ignoredEvents, uncheckedServices, unknownSeverities } from './unrecognized.ts';
import { vendorModes } from './vendor-modes.ts';

type CheckDeps = Pick<
  Deps,
  | 'clock'
  | 'incidents'
  | 'timeScale'
  | 'config'
  | 'onCall'
  | 'extensions'
  | 'externalPager'
  | 'metrics'
  | 'publicUrl'
  | 'standIns'
> & {
  audit: AuditLog;
  secrets: Secrets;
  counters: Counters;
  directory: Directory;
  annotations: Annotations;
  spans: Spans;
  silences: Silences;
  tokens: Tokens;
};

/** A name that does not exist. The search for it shows whether the vendor's search works. */
const UNUSED_NAME = 'firebreak-doctor';

type Check = (deps: CheckDeps) => Promise<CheckResult>;

/** The check of each vendor's connections, with a read-only request that has no visible effect. */
const VENDOR_CHECKS: Readonly<Record<ConnectionName, Check> & Record<string, Check>> = {
  'PagerDuty pages': pagerDutyPages,
  'PagerDuty API': ({ externalPager }) => checked(externalPager.check()),
  'PagerDuty on call': onCall,
  'PagerDuty webhooks': pagerDutyWebhooks,
  Slack: slack,
  'Slack commands': slackCommands,
  mail,
  Statuspage: (deps) => checkedByFeature(deps, 'Statuspage'),
  'Grafana annotations': ({ annotations }) => checked(annotations.find(UNUSED_NAME)),
  Jira: (deps) => checkedByFeature(deps, 'Jira'),
  'language model': (deps) => checkedByFeature(deps, 'language model'),
  OpenTelemetry: ({ spans }) => checked(spans.check()),
  Prometheus: prometheus,
  Alertmanager: alertmanager,
};

/** Checks a connection that only a feature uses, also if the configuration does not use it yet. */
async function checkedByFeature({ extensions }: CheckDeps, name: string): Promise<CheckResult> {
  const systems = await Promise.all(extensions.systems.map((one) => one.load()));
  const check = systems.flatMap(({ checks }) => checks?.[name] ?? [])[0];
  return check === undefined ? off('nothing uses it') : checked(check());
}

/** Returns the state of a key or of records that only a feature has. */
async function keyOfFeature({ extensions }: CheckDeps, name: string): Promise<CheckResult> {
  const systems = await Promise.all(extensions.systems.map((one) => one.load()));
  const check = systems.flatMap(({ keys }) => keys?.[name] ?? [])[0];
  const { state, detail } = (await check?.()) ?? { state: 'off', detail: 'nothing uses it' };
  return state === 'wrong' ? wrong(detail) : state === 'off' ? off(detail) : { state, detail };
}

const TARGET_CHECKS = Object.fromEntries(
  TARGETS_WITH_CREDENTIALS.map(({ name, credentials }): [string, Check] => [
    name,
    (deps) => credential(deps, { key: credentials[0]?.[0] ?? '', notTested: 'not tested' }),
  ]),
);

const FIREBREAK_CHECKS: Readonly<Record<string, Check>> = {
  'identity provider': identityProvider,
  'signing key': (deps) => keyOfFeature(deps, 'signing key'),
  'waiting deployments': (deps) => keyOfFeature(deps, 'waiting deployments'),
  tokens: tokenRecords,
  'audit log': auditLog,
  workflows,
};

/** Each makes a few reads of the store, whose calls have time limits of their own. */
const RECORD_CHECKS: Readonly<Record<string, Check>> = {
  'refused requests': refusedRequests,
  severities: unknownSeverities,
  'ignored events': ignoredEvents,
  'freeze checks': uncheckedServices,
};

/** Checks each vendor, and Firebreak's own keys and records. */
export async function vendorConnections(deps: CheckDeps): Promise<Connection[]> {
  const checks = Object.entries({ ...VENDOR_CHECKS, ...TARGET_CHECKS, ...FIREBREAK_CHECKS });
  const [outgoing, faulty, ...vendors] = await Promise.all([
    webhooks(deps),
    faultySigningSecrets(await deps.config.current(), (name) => deps.secrets.get(name)),
    ...checks.map(([name, check]) => inTime(name, check(deps))),
    ...Object.entries(RECORD_CHECKS).map(([name, check]) => ended(name, check(deps))),
  ]);
  const modes = await vendorModes(deps);
  const shown = new Set([...vendors, ...outgoing].map(({ detail }) => detail));
  const others = faulty.flatMap(({ name, detail }) => (shown.has(detail) ? [] : [{ name, ...wrong(detail) }]));
  return [...withAddresses(vendors, modes), ...rollbackVendors(modes), ...outgoing, ...others];
}

/** Adds the address and the credentials to each vendor's connection. */
const withAddresses = (vendors: readonly Connection[], modes: readonly VendorState[]): Connection[] =>
  vendors.map((one) => {
    const vendor = modes.find(({ name }) => name === one.name);
    return vendor === undefined
      ? one
      : { ...one, ...addressFields(vendor), ...(one.state === 'off' && { mode: 'off' }) };
  });

const addressFields = ({
  mode,
  address,
  credentials,
}: VendorState): Pick<Connection, 'mode' | 'address' | 'credentials'> => ({
  mode,
  ...(address !== null && { address }),
  credentials,
});

/** Returns the connections of vendors without read-only requests. They are only called for rollbacks. */
const rollbackVendors = (modes: readonly VendorState[]): Connection[] =>
  TRIED_BY_ROLLBACKS.flatMap(({ name, publicUrl }) => {
    const one = modes.find((mode) => mode.name === name);
    if (one === undefined) return [];
    const needsAddress = publicUrl === undefined ? '; deployers without an address are off' : '';
    const result: CheckResult =
      one.missing === null
        ? { state: 'set', detail: 'not tested, because each request would change something' }
        : off(`${one.missing}${needsAddress}`);
    return [{ name, ...addressFields(one), ...result }];
  });

async function prometheus({ metrics, secrets }: CheckDeps): Promise<CheckResult> {
  const value = await metrics.value('vector(1)');
  if (value === null) return off('PROMETHEUS_URL is not set; Firebreak verifies mitigations only by the alerts');
  if (value.kind === 'unreadable') return unreachable(value.detail);
  if (await secrets.get('ALERTMANAGER_URL')) return REACHABLE;
  return { ...REACHABLE, detail: 'reachable; Firebreak also reads from it whether alerts of its own rules have ended' };
}

/** Returns whether Prometheus scrapes Firebreak as the job that deploy/monitoring/ relies on, or null if unknown. */
export async function isWatched({ metrics }: Pick<Deps, 'metrics'>): Promise<boolean | null> {
  const vendors = await metrics.value('count(up{job="firebreak"})');
  return vendors === null || vendors.kind === 'unreadable' ? null : vendors.kind === 'value' && vendors.value > 0;
}

async function alertmanager({ config, secrets, silences }: CheckDeps): Promise<CheckResult> {
  if (!(await secrets.get('ALERTMANAGER_URL')))
    return off(
      'ALERTMANAGER_URL is not set; Firebreak does not see silences, and does not see the end of alerts that are sent ' +
        'without send_resolved, except for alerts by rules of PROMETHEUS_URL',
    );
  if ((await silences.active()) === null)
    return unreachable(
      `the silences could not be read within ${SILENCES_TIMEOUT_MS / 1000} s, the limit while alerts wait for them`,
    );
  if ((await config.current()).slos.length === 0) return REACHABLE;
  const inhibits = await silences.inhibitsSlowBurns();
  if (inhibits === null) return unreachable('the configuration of Alertmanager could not be read');
  return inhibits
    ? { ...REACHABLE, detail: 'reachable; SLOFastBurn inhibits SLOSlowBurn of the same objective' }
    : NO_INHIBITION;
}

const NO_INHIBITION: CheckResult = {
  state: 'incomplete',
  detail:
    'no inhibit_rule lets SLOFastBurn inhibit SLOSlowBurn of the same objective, so each page also creates a ticket; ' +
    'copy the rule from alertmanager/firebreak.yaml, which firebreak slo generate writes',
};

/** Checks that the identity provider can be reached. Whether it accepts Firebreak is known only after a sign-in. */
async function identityProvider({ clock, config, publicUrl }: CheckDeps): Promise<CheckResult> {
  const { signIn } = (await config.current()).people;
  if (signIn === undefined) return off('people.yaml has no signIn; people sign in to the console with tokens');
  if (publicUrl === undefined)
    return wrong('FIREBREAK_PUBLIC_URL is not set, so people cannot return from the sign-in');
  const { identityTokens } = await import('../oidc/identity-tokens.ts');
  const problem = await identityTokens({ clock }).problemOf(signIn.issuer);
  if (problem !== null) return unreachable(problem);
  return { ...REACHABLE, detail: `reachable; register ${publicUrl}${RETURN_PATH} there as the redirect URI` };
}

/** Checks only the newest seals of the audit log, because the whole log can take long. */
async function auditLog({ audit }: Pick<CheckDeps, 'audit'>): Promise<CheckResult> {
  const { intact, brokenAt, because } = await audit.check({ last: SEALS_CHECKED });
  if (intact)
    return { state: 'set', detail: 'the newest entries are intact; run firebreak audit to check all entries' };
  return wrong(`${brokenAt === null ? '' : `${brokenAt}: `}${because ?? 'the log has been altered'}`);
}

/** How many seals to check. A seal covers the entries of one minute. */
const SEALS_CHECKED = 60;

/** Names the open incidents whose workflow fails again and again. */
async function workflows({ incidents, clock, timeScale }: CheckDeps): Promise<CheckResult> {
  const failing = failingWorkflows(await incidents.open(), clock.now(), timeScale);
  if (failing.length === 0) return { state: 'set', detail: 'none fails repeatedly' };
  const named = firstNames(
    failing.map(({ id, service, failed_runs: failed }) => `${id} of ${service} (${failed} runs)`),
  );
  return wrong(`failed again and again, so handle these incidents by hand, and report the error in the log: ${named}`);
}

/** Checks that Firebreak wrote all token records. Anyone with write access to the table could have added others. */
async function tokenRecords({ tokens }: Pick<CheckDeps, 'tokens'>): Promise<CheckResult> {
  const { valid, previous, refused, used } = await tokens.check();
  const problems = [
    ...(refused.length === 0
      ? []
      : [
          `refused, because Firebreak did not write these records: ${firstNames(refused.map(({ id, name }) => `${id} (${name})`))}`,
        ]),
    ...(used.length === 0
      ? []
      : [`used and refused: ${firstNames(used.map(({ name, at }) => `${JSON.stringify(name)} at ${at}`))}`]),
  ];
  if (problems.length > 0) return wrong(`${problems.join('; ')}. ${FORGED}`);
  if (previous.length === 0)
    return { state: 'set', detail: `${valid} ${valid === 1 ? 'token' : 'tokens'}, all written by Firebreak` };
  return {
    state: 'incomplete',
    detail:
      `not used since FIREBREAK_ADMIN_TOKEN was replaced: ${firstNames(previous.map(({ id, name }) => `${id} (${name})`))}. Use or ` +
      'revoke these tokens, then remove FIREBREAK_ADMIN_TOKEN_PREVIOUS',
  };
}

const FORGED =
  'Possible reasons: FIREBREAK_ADMIN_TOKEN was replaced without setting FIREBREAK_ADMIN_TOKEN_PREVIOUS, the records are older ' +
  'than signed records, or another party writes to the table. Revoke the listed tokens, and create the ones you need again';

const NAMES_MAX = 5;
const firstNames = (all: readonly string[]): string =>
  `${all.slice(0, NAMES_MAX).join(', ')}${all.length > NAMES_MAX ? ` and ${all.length - NAMES_MAX} more` : ''}`;

export type TargetState = {
  service: string;
  environment: string;
  /** The kind of deployer. Null if there is none: Firebreak then pages, but never rolls back. */
  deployer: string | null;
  mode: string;
  drills: boolean;
  /** What is wrong with the target, or null. Only problems that can be found without calling the deployer. */
  problem: string | null;
};

/** Returns every service and environment of the catalogue, and whether its deployer can be called. */
export async function targetStates(
  deps: Pick<Deps, 'config' | 'targets' | 'standIns'> & { secrets: Secrets },
): Promise<TargetState[]> {
  const { services } = await deps.config.current();
  const drillTargets = drillEnvironments(services);
  const serviceEnvironments = Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).map(([environment, entry]) => ({ service, environment, entry })),
  );
  return Promise.all(
    serviceEnvironments.map(async ({ service, environment, entry: { deployer, autoRollback } }) => ({
      service,
      environment,
      deployer: deployer?.kind ?? null,
      mode: autoRollback.mode,
      drills: drillTargets.some(
        (drillTarget) => drillTarget.service === service && drillTarget.environment === environment,
      ),
      problem: deployer === undefined ? null : await problemOf(deps, deployer, { service, environment }),
    })),
  );
}

async function problemOf(
  deps: Pick<Deps, 'targets' | 'standIns'> & { secrets: Secrets },
  deployer: DeployerConfig,
  serviceEnvironment: { service: string; environment: string },
): Promise<string | null> {
  if (
    (await deps.targets.deployerFor(deployer, serviceEnvironment as Parameters<Targets['deployerFor']>[1])) ===
    undefined
  )
    return `the deployer (${deployer.kind}) has no address, and no default address is set`;
  const key = secretOf(deployer);
  if (key !== null && !(await credentialOf(deps.secrets, key))) return `the secret ${key} of the deployer is not set`;
  // A stand-in needs none.
  return deployer.kind === 'http' && deployer.auth === undefined && !(await isStandIn(deps, deployer))
    ? 'the deployer is called without credentials (no "auth")'
    : null;
}

async function isStandIn(
  { secrets, standIns }: Pick<Deps, 'standIns'> & { secrets: Secrets },
  { url }: Extract<DeployerConfig, { kind: 'http' }>,
): Promise<boolean> {
  const address = url ?? (await secrets.get('CD_URL'));
  return address !== undefined && standIns.at(address);
}

/** Returns the name of the deployer's secret, or null if it needs none or uses the IAM role of the functions. */
function secretOf(deployer: DeployerConfig): string | null {
  if ('auth' in deployer && deployer.auth !== undefined)
    return 'bearer' in deployer.auth ? deployer.auth.bearer : deployer.auth.webhookSignature;
  return targetOf(deployer.kind).connection.credentials[0]?.[0] ?? null;
}
