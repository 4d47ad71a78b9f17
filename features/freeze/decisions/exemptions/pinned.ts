import type { CheckRequest } from '../../schemas/freeze-check.ts';
import type { Artifact } from '../../../../schemas/changes/change.ts';
import type { PinView } from '../../../../schemas/changes/pin.ts';
import type { CheckInputs } from '../check-inputs.ts';
import type { Finding } from '../finding.ts';
import { isSameCommit, isSameVersion, nameOf } from '../../../../core/domain/changes/version-identity.ts';
import { incidentName } from '../../../../core/domain/incidents/incident-number.ts';
import { list } from '../../../../core/domain/correlation/words.ts';
import { minuteText } from '../../../../schemas/time/time.ts';

/**
 * Refuses a version that is pinned as known bad, by its name or its commit, whatever the kind of change. No override
 * applies. If the request names neither a version nor a known bad commit, the version is unknown, so the finding is
 * only a warning.
 */
export function pinFindings(inputs: CheckInputs): Finding[] {
  const { request } = inputs;
  const findings = refusingPins(inputs).map(({ pin, requestedName }) => refusal(pin, requestedName, inputs));
  if (findings.length > 0) return findings;
  const pinned = pinsInForce(inputs);
  if (request.version !== null || request.change === 'flag' || pinned.length === 0) return [];
  const versions = list([...new Set(pinned.map(({ version }) => version))].toSorted());
  return [
    {
      code: 'pinned_version',
      effect: 'warn',
      key: versions,
      text: 'versions are pinned here as known bad, and the request names no version',
      more: [`pinned: ${versions}`, 'send "version", so that a pinned version is refused'],
    },
  ];
}

type PinInputs = Pick<CheckInputs, 'request' | 'pins' | 'pinnedCommits' | 'scope' | 'rollback'>;

const pinsInForce = ({ pins, scope }: PinInputs): PinView[] =>
  pins.filter(
    ({ state, service, environment }) =>
      state === 'pinned' && service === scope.service && environment === scope.environment,
  );

/** Returns the pins of the requested version, with the name in the request that matches. */
export const refusingPins = (inputs: PinInputs): { pin: PinView; requestedName: string }[] =>
  pinsInForce(inputs).flatMap((pin) => {
    const requestedName = requestedNameOf(pin, inputs);
    return requestedName === undefined ? [] : [{ pin, requestedName }];
  });

/** Returns the name in the request that matches the pinned version; undefined if none does. */
function requestedNameOf(pin: PinView, { request, rollback, pinnedCommits = [] }: PinInputs): string | undefined {
  const { version } = pin;
  const names = namesIn(request);
  if (request.version !== null && isSameVersion(pin, { ...request, version: request.version })) return request.version;
  // The name of the version itself is compared above, together with its commit.
  const versionName = names.find(
    (name) => isVersionNamed(version, name) && (name !== version || name === request.commit),
  );
  if (versionName !== undefined) return versionName;
  const digest = names.find((name) => name === pin.artifact?.id);
  if (digest !== undefined) return digest;
  // Versions of the same commit can differ in configuration, so a known good version of that commit is not the pinned
  // one.
  const isKnownGoodRollback = request.version !== null && rollback !== null && rollback.kind !== 'not_known';
  if (isKnownGoodRollback) return undefined;
  const commits = pinnedCommits.filter((pinnedCommit) => pinnedCommit.version === version);
  return names.find((name) => commits.some(({ commit }) => isSameCommit(name, commit)));
}

const namesIn = ({ version, commit }: CheckRequest): string[] => [version, commit].flatMap((name) => name ?? []);

const refusal = (
  { id, version, commit, artifact, reason, incident_id, pinned_at }: PinView,
  requestedName: string,
  { request, incidentNumbers }: CheckInputs,
): Finding => ({
  code: 'pinned_version',
  effect: 'refuse',
  key: id,
  text:
    `${version}${requestedName === version ? '' : ` (recorded for ${requestedName})`} has been pinned as known bad since ` +
    `${minuteText(pinned_at)}${incident_id === null ? '' : ` (${incidentName({ id: incident_id, number: incidentNumbers?.[incident_id] })})`}`,
  more: [
    reason,
    ...(commit != null && request.commit === null
      ? ['if this is another commit under the same name, send "commit"']
      : commit == null && artifact !== undefined
        ? [
            `if this is another artifact under the same name, send it as "version", such as ${otherOf(version, artifact)}`,
          ]
        : []),
    'deploy another version: overrides do not apply to pinned versions',
    `if the version is good after all, lift the pin: firebreak pins lift ${id} (DELETE /v1/versions/pinned/${id})`,
  ],
  clears: `when another version is deployed, or a person lifts the pin ${id}`,
});

const otherOf = (version: string, { id }: Artifact): string =>
  `${nameOf({ version })}${id.startsWith('sha256:') ? '@sha256:…' : ' (chart …)'}`;

/** Full SHA-1 or SHA-256 hash. */
const FULL = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Returns whether a name refers to this version: exactly, or, if the version is a commit, as a commit. */
export const isVersionNamed = (version: string, name: string): boolean =>
  name === version || (FULL.test(version.toLowerCase()) && isSameCommit(name, version));
