import { followDeployments } from '../actions/changes/follow-deployments.ts';
import { deps } from '../aws/deps.ts';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { functionName } from '../aws/functions.ts';
import { jsonLog } from '../aws/log.ts';
import { ALL_GRANTS } from '../aws/secrets/secret-groups.ts';
import type { Blobs, Log } from '../domain/ports/system.ts';
import { CONSOLE_PATHS, STATUS_PATHS } from '../aws/resources.ts';
import { SUBSCRIPTIONS_PATH } from '../domain/status/subscriptions/links.ts';
import { handler as consoleHandler, loginLink } from '../functions/console.ts';
import { beforeEnd, handler as httpHandler } from '../functions/http.ts';
import { namedCredentials } from '../domain/catalogue/vendors.ts';
import { handler as slackHandler } from '../functions/slack.ts';
import { handler as statusHandler } from '../functions/status.ts';
import { handler as subscriptionsHandler } from '../functions/subscriptions.ts';
import { publicComponents } from '../domain/status/pages.ts';
import type { Config } from '../schemas/config/config.ts';
import { timestamp } from '../schemas/time/time.ts';
import { byQueueVariable } from '../schemas/config/queues.ts';
import type { Env } from '../schemas/config/variables.ts';
import { startSsm } from './aws/ssm/server.ts';
import { startControl } from './backup/control.ts';
import { refuseInterruptedRestore } from './backup/restore.ts';
import { afterRestore } from './backup/after-restore.ts';
import { lastBackupMetric } from './backup/last-backup.ts';
import { NoSnapshot, removeSnapshots, takeSnapshot } from './backup/snapshot.ts';
import { startCompute } from './compute.ts';
import { type ConfigFolders, loadSet } from './config/config-set.ts';
import { publish, published, watchConfig } from './config/config-watch.ts';
import { provideCredentials } from './state/credentials.ts';
import { serveFront } from './front/front.ts';
import { lockDataDir } from './state/lock.ts';
import { machineState } from './machine.ts';
import { NAMES } from './names.ts';
import { Closers } from './closers.ts';
import { parametersOf } from './state/secrets.ts';
import type { Settings } from './settings.ts';
import { startStandIns } from '../sandbox/core/index.ts';
import { startStorage } from './state/storage.ts';
import { sandboxGuard } from './front/sandbox-guard.ts';
import { connectStandIns, productConnection, realSystems, sandboxMetrics, vendorLines } from './vendors.ts';

type FrontHandler = Parameters<typeof serveFront>[0]['handler'];

/** Thrown if the configuration on disk is invalid, and there is no earlier one to use. */
class BadConfig extends Error {
  override readonly name = 'BadConfig';
}

export type Running = {
  url: string;
  /** Lines for the person who started it. */
  notes: string[];
  stop(): Promise<void>;
  /** Resolves with the reason when it cannot continue. */
  failed: Promise<Error>;
};

/**
 * Starts the whole product on this machine. AWS is emulated behind its own APIs; all other code is what runs on AWS.
 * Parts start in the order of their dependencies: servers for outside requests come last.
 */
export async function startRuntime(settings: Settings, env: Env): Promise<Running> {
  const opened = new Closers();
  try {
    return await start(settings, env, opened);
  } catch (error) {
    await opened.close().catch(() => undefined); // the first error is more useful
    throw error;
  }
}

async function start(settings: Settings, env: Env, opened: Closers): Promise<Running> {
  const { dataDir, timeScale } = settings;
  const log = jsonLog({ now: () => timestamp(Date.now()) }, settings.logLevel);

  const lock = await lockDataDir(dataDir);
  opened.onClose(() => lock.release());
  refuseInterruptedRestore(dataDir);
  await removeSnapshots(dataDir, 0);
  const externalStores = externalStoreVariables(env);
  const accessKeyId = emulationKey(env);
  const storage = await startStorage(settings, env, accessKeyId, opened);
  const { queues } = storage;

  const standIns = settings.sandbox ? opened.add(await startStandIns({ dir: dataDir, timeScale })) : undefined;
  const config = await publishAndWatchConfig(settings, storage.blobs, log, (next) =>
    standIns?.statuspage.provide(publicComponents(next.services)),
  );
  opened.onClose(config.stop);
  const adminToken = env['FIREBREAK_ADMIN_TOKEN'] ? 'set' : 'generated';
  const notes = [
    ...(await afterRestore(dataDir)),
    ...config.notes,
    ...(await provideCredentials(dataDir, env, process.stdout.isTTY)),
  ];
  const named = namedCredentials(config.inForce()?.services ?? {});
  delete env['FIREBREAK_STAND_INS']; // valid only for this start
  const publicUrl = env['FIREBREAK_PUBLIC_URL'] || ownAddress(settings);
  if (publicUrl === undefined) delete env['FIREBREAK_PUBLIC_URL'];
  else env['FIREBREAK_PUBLIC_URL'] = publicUrl;
  if (standIns) connectStandIns(env, standIns, named);
  notes.push(...vendorLines(env, standIns?.prometheus, named));
  const parameters = () => parametersOf(NAMES.secrets, { ...env, ...sandboxMetrics(env, standIns) }, config.inForce());
  env['AWS_ENDPOINT_URL_SSM'] ||= opened.add(await startSsm({ accessKeyId, parameters })).url;

  Object.assign(env, {
    FIREBREAK_STAGE: NAMES.stage,
    FIREBREAK_TABLE: NAMES.table,
    FIREBREAK_BUCKET: NAMES.bucket,
    FIREBREAK_SNAPSHOT_BUCKET: NAMES.snapshotBucket,
    ...byQueueVariable((name) => queues[name]),
    FIREBREAK_WORKFLOW_FUNCTION: functionName(NAMES.stage, 'incident-response'),
    FIREBREAK_WORKFLOW_QUALIFIER: '$LATEST',
    FIREBREAK_SECRETS_PATH: NAMES.secrets,
    FIREBREAK_SECRETS_GRANTS: ALL_GRANTS.join(','),
    FIREBREAK_SECRETS_KEY: randomBytes(32).toString('base64'), // only this process can decrypt the copy on disk
    LOG_LEVEL: settings.logLevel,
  });
  const logEntry = (entry: { error?: unknown }) => (entry.error == null ? log.debug : log.warn)('local', { ...entry });
  await startCompute(
    env,
    storage,
    { file: join(dataDir, 'durable.sqlite'), accessKeyId, timeScale, log: logEntry },
    opened,
  );
  opened.onClose(followDeployments(deps()));

  // After the front has closed, and before the stores that it writes to close.
  opened.onClose(() =>
    beforeEnd().catch((error: unknown) =>
      log.warn('cannot write the last metric counts; they are lost', { error: String(error) }),
    ),
  );
  const guard = sandboxGuard({
    adminToken: env['FIREBREAK_ADMIN_TOKEN'] ?? '',
    real: () => realSystems(env, config.inForce()),
  });
  const front = opened.add(
    await serveFront({
      host: settings.host,
      port: settings.port,
      maxConnections: settings.maxConnections,
      trustedProxies: settings.trustedProxies,
      handler: httpHandler as FrontHandler,
      handlersByPrefix: {
        '/integrations/slack/': slackHandler as unknown as FrontHandler,
        [`${SUBSCRIPTIONS_PATH}/`]: subscriptionsHandler as FrontHandler,
        [STATUS_PATHS[0]]: statusHandler as FrontHandler,
        ...Object.fromEntries(CONSOLE_PATHS.map((path) => [path, consoleHandler as FrontHandler])),
      },
      sandbox: standIns?.app,
      guard: guard.refusal,
      adminToken: env['FIREBREAK_ADMIN_TOKEN'] ?? '',
      metrics: () => lastBackupMetric(dataDir),
      machine: () => machineState(settings, env, adminToken),
    }),
  );
  await standIns?.connect(productConnection(env, standIns.urls, front.url));
  // As for new tokens: output that is not a terminal may be a log that others read.
  notes.push(`console  ${front.url}${process.stdout.isTTY ? await loginLink() : '/console'}`);
  if (standIns) notes.push(`sandbox  ${guard.pageAt(front.url)}`);
  opened.add(
    await startControl(dataDir, async () => {
      if (externalStores.length > 0 || storage.holdBlobs === undefined)
        throw new NoSnapshot(externalStoresError(externalStores));
      await removeSnapshots(dataDir, ABANDONED_AFTER_MS);
      return takeSnapshot(dataDir, storage.holdBlobs);
    }),
  );
  return { url: front.url, notes, stop: () => opened.close(), failed: storage.failed };
}

/** Returns the address of this machine for links. Undefined: the system selects the port, so it is not known yet. */
function ownAddress({ host, port }: Settings): string | undefined {
  if (port === 0) return undefined;
  const isAny = host === '0.0.0.0' || host === '::';
  return `http://${isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** After this time, a remaining snapshot was left by an interrupted backup. */
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;

/** Returns the variables for parts of AWS that hold data and are not emulated here. */
const externalStoreVariables = (env: NodeJS.ProcessEnv): string[] =>
  ['DYNAMODB', 'SQS', 'S3', 'LAMBDA'].map((service) => `AWS_ENDPOINT_URL_${service}`).filter((name) => env[name]);

const externalStoresError = (names: readonly string[]): string =>
  `${names.join(' and ')} is set: that data is not in the data folder, and a backup without it cannot be restored. Back it up separately`;

/**
 * Returns the key of Firebreak's emulations: new at each start. If a part of AWS is external, all share the
 * environment's key, because the SDK signs with one key.
 */
function emulationKey(env: Env): string {
  const services = ['DYNAMODB', 'SQS', 'S3', 'LAMBDA', 'SSM'] as const;
  const hasExternalService = services.some((service) => env[`AWS_ENDPOINT_URL_${service}`]);
  env['AWS_REGION'] ??= 'us-east-1';
  if (hasExternalService && env['AWS_ACCESS_KEY_ID']) return env['AWS_ACCESS_KEY_ID'];
  env['AWS_ACCESS_KEY_ID'] = `local${randomBytes(16).toString('hex')}`;
  env['AWS_SECRET_ACCESS_KEY'] = randomBytes(16).toString('hex');
  delete env['AWS_SESSION_TOKEN'];
  return env['AWS_ACCESS_KEY_ID'];
}

type ConfigInForce = { inForce: () => Config | undefined; notes: string[]; stop: () => void };

/**
 * Publishes the configuration to where the functions read it, and watches the files. If a new one is invalid, the last
 * valid one stays in force.
 *
 * @param prepare run with each valid configuration before it comes into force
 * @throws BadConfig if it is invalid and there was never a valid one
 */
async function publishAndWatchConfig(
  folders: ConfigFolders,
  blobs: Blobs,
  log: Log,
  prepare: (config: Config) => Promise<void> | undefined,
): Promise<ConfigInForce> {
  const first = await loadSet(folders);
  const lastValid = await published(blobs);
  if (!first.ok && lastValid === undefined) throw new BadConfig(first.problems.join('\n'));
  if (first.ok) await prepare(first.config);
  await publish(blobs, first, timestamp(Date.now()));
  let inForce = first.ok ? first.config : lastValid?.config;
  const watch = watchConfig(
    folders,
    async (loaded) => {
      if (loaded.ok) await prepare(loaded.config);
      await publish(blobs, loaded, timestamp(Date.now()));
      if (loaded.ok) {
        inForce = loaded.config;
        log.info('configuration reloaded', { version: loaded.config.version });
      } else {
        log.error('configuration is invalid; the last valid one stays in force', { problems: loaded.problems });
      }
    },
    (error) => log.error('cannot check the configuration files for changes', { error: String(error) }),
  );
  const notes = first.ok ? [] : [`config: ${first.problems.join('; ')}. The last valid configuration stays in force`];
  return { inForce: () => inForce, notes, stop: watch.stop };
}
