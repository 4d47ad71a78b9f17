import type { PinView } from '../../schemas/pin.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';
import { list, moment } from './words.ts';

/**
 * A version known bad is refused whatever the change is called, and no override lets it through. Where no version is
 * told it may be any, so there is only a warning.
 */
export function pinFindings({ request, pins, place }: CheckInputs): Finding[] {
  const pinned = pins.filter(
    ({ state, service, environment }) =>
      state === 'pinned' && service === place.service && environment === place.environment,
  );
  const named: readonly (string | null)[] = [request.version, request.commit];
  const meant = pinned.filter(({ version }) => named.includes(version));
  if (meant.length > 0) return meant.map(refusal);
  if (request.version !== null || request.change === 'flag' || pinned.length === 0) return [];
  const versions = list([...new Set(pinned.map(({ version }) => version))].toSorted());
  return [
    {
      code: 'pinned_version',
      effect: 'warn',
      key: versions,
      text: `${versions}: pinned here as known bad. Which version this is was not told, so it could not be refused; send "version"`,
    },
  ];
}

const refusal = ({ id, version, reason, incident_id, pinned_at }: PinView): Finding => ({
  code: 'pinned_version',
  effect: 'refuse',
  key: id,
  text:
    `${version} is pinned as known bad since ${moment(pinned_at)} (incident ${incident_id}): ${reason}. ` +
    `Deploy another version; no override lets this one through. If it is good after all, lift the pin: DELETE /v1/versions/pinned/${id}`,
  clears: `when another version is deployed, or somebody lifts the pin ${id}`,
});
