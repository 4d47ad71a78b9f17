import { pinnedVersions } from '../../../core/domain/changes/identified-versions.ts';
import { commitOf } from '../../../core/domain/changes/version-identity.ts';
import { onceFor } from '../../../core/domain/once-for.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import type { CheckInputs } from '../decisions/check-inputs.ts';
import { decide, examine, stateOf } from '../decisions/decide.ts';
import { knownGood } from '../decisions/exemptions/rollback-version.ts';
import type { Signer } from '../types.ts';
import type { Deps } from '../ports.ts';
import { millisOf } from '../../../schemas/time/time.ts';

/** How long a token is valid: long enough to start a deployment, too short to keep a token for later. */
export const TOKEN_SECONDS = 600;

/** How long a signed token, or a signed state, is reused. Most of its validity must remain. */
const TOKEN_REUSE_MS = 120_000;
const STATE_REUSE_MS = 15_000;

/** The minimum validity of a signed state. With `maxAgeSeconds: 0`, the state expires almost at once. */
const STATE_SECONDS_MIN = 1;

const CACHED_MAX = 5_000;

/** How many known good versions a signed state lists, and how many recent deployments are searched for them. */
const KNOWN_GOOD_MAX = 20;
const CHANGES_READ = 100;

type SigningDeps = { signer: Signer; clock: { now(): CheckInputs['at'] } };

/**
 * Returns a signed token that proves that a deployment was allowed. Returns null if the deployment has no ID, or if no
 * signing key is configured.
 *
 * @param decision its own ID, and that of its record, which can be an aggregate
 */
export async function deploymentToken(
  deps: SigningDeps,
  { request, identity }: Pick<CheckInputs, 'request' | 'identity'>,
  decision: { id: string; kept: string },
): Promise<string | null> {
  const { service, environment, version, commit, deployment_id, change } = request;
  if (deployment_id === null) return null;
  return cachedSignature(deps, `token ${decision.id}`, TOKEN_REUSE_MS, () =>
    deps.signer.sign(
      {
        typ: 'freeze-check',
        sub: `${service}/${environment}`,
        // The same for all checks of a deployment.
        jti: sha256(JSON.stringify([service, environment, version, deployment_id])).slice(0, 32),
        service,
        environment,
        version,
        commit,
        deployment_id,
        change,
        ...(identity?.ok === true && { vouched_by: identity.subject }),
        decision_id: decision.kept,
      },
      TOKEN_SECONDS,
    ),
  );
}

/**
 * Returns a signed state for clients to use while Firebreak is unreachable: the current verdict for a plain deploy of
 * any version, and the versions known good or bad. Returns null if no signing key is configured.
 */
export async function signedState(
  deps: SigningDeps & Pick<Deps, 'changes'>,
  inputs: CheckInputs,
): Promise<string | null> {
  const { requested: _, ...answered } = inputs;
  const plain: CheckInputs = {
    ...answered,
    ...withoutOverrides(inputs),
    request: { ...inputs.request, version: null, commit: null, deployment_id: null, change: 'deploy' },
    rollback: null,
    identity: null,
  };
  const examined = examine(plain);
  const { service, environment } = inputs.request;
  const { outage } = inputs.policy;
  // Add the pinned versions to the cache key: without a version in the request, the findings don't include them.
  const pins = inputs.pins
    .filter((pin) => pin.state === 'pinned' && pin.service === service && pin.environment === environment)
    .map((pin) => ({ version: pin.version, commit: commitOf(pin) }));
  const pinned = pins.map(({ version }) => version);
  const commits = (inputs.pinnedCommits ?? []).filter(({ version }) => pinned.includes(version));
  const name = `state ${JSON.stringify([service, environment, stateOf(plain, examined), outage, pins, commits])}`;
  return cachedSignature(deps, name, STATE_REUSE_MS, async () => {
    const changes = await deps.changes.recent({ service, environment }, CHANGES_READ);
    const { allowed, verdict, reasons, next_transition_at } = decide(plain, examined);
    return deps.signer.sign(
      {
        typ: 'freeze-state',
        sub: `${service}/${environment}`,
        service,
        environment,
        allowed,
        verdict,
        reasons: reasons.map(({ code, text }) => ({ code, text })), // small: a client stores it
        pinned,
        pins,
        pinned_commits: commits,
        known_good: knownGood(changes, pinnedVersions(pins, changes), KNOWN_GOOD_MAX),
        evaluated_at: inputs.at,
        next_transition_at,
        on_outage: outage.deploys,
      },
      Math.max(STATE_SECONDS_MIN, outage.maxAgeSeconds),
    );
  });
}

/** Removes overrides, because their uses cannot be counted while Firebreak is unreachable. */
const withoutOverrides = ({ own, dependencies, calendar, incidents }: CheckInputs) => {
  const dropOverrides = <T extends { overrides: unknown[] }>(freezes: readonly T[]): T[] =>
    freezes.map((freeze) => ({ ...freeze, overrides: [] }));
  return {
    own: { ...own, freezes: dropOverrides(own.freezes) },
    dependencies: dependencies.map(({ scope, state }) => ({
      scope,
      state: { ...state, freezes: dropOverrides(state.freezes) },
    })),
    calendar: dropOverrides(calendar),
    incidents: dropOverrides(incidents),
  };
};

type CachedSignature = { text: string; until: number };
const signaturesOf = onceFor(() => new Map<string, CachedSignature>());

/** Returns a cached signature or creates one. Signing is the most expensive part of a response. */
async function cachedSignature(
  { signer, clock }: SigningDeps,
  name: string,
  forMs: number,
  sign: () => Promise<string | null>,
): Promise<string | null> {
  const now = millisOf(clock.now());
  const signatures = signaturesOf(signer);
  const before = signatures.get(name);
  if (before !== undefined && now < before.until) return before.text;
  const text = await sign();
  if (text === null) return null;
  if (signatures.size >= CACHED_MAX) signatures.clear();
  signatures.set(name, { text, until: now + forMs });
  return text;
}
