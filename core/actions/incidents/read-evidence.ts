import { sha256 } from '../../stores/hash.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { EvidencePacks } from '../../domain/ports/evidence.ts';
import { incidentName, type Named } from '../../domain/incidents/incident-number.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { EvidenceName, EvidencePack } from '../../../schemas/incidents/evidence-pack.ts';
import type { Caller } from '../people/caller.ts';
import { Refusal } from '../../domain/refusal.ts';
import { requireRecord } from './require-incident.ts';

type ReadDeps = Pick<Deps, 'incidents'> & { evidencePacks: EvidencePacks };

/** @throws Refusal 403, 404 */
async function requireReadable(deps: ReadDeps, caller: Caller, id: IncidentId): Promise<Named> {
  const incident = await requireRecord(deps, id);
  caller.allow('incidents:read', incident);
  return incident;
}

/** Returns the stored evidence of the actions of an incident. @throws Refusal 403, 404 */
export async function listEvidence(deps: ReadDeps, caller: Caller, id: IncidentId): Promise<EvidencePack[]> {
  await requireReadable(deps, caller, id);
  return deps.evidencePacks.list(id);
}

/**
 * Returns a stored document as an attachment. It has the hash that the audit log has.
 *
 * @throws Refusal 403, 404; 409 `evidence-altered`
 */
export async function readEvidence(
  deps: ReadDeps,
  caller: Caller,
  { id, name }: { id: IncidentId; name: EvidenceName },
): Promise<{ document: Uint8Array<ArrayBuffer>; headers: Record<string, string> }> {
  const incident = await requireReadable(deps, caller, id);
  const found = await deps.evidencePacks.read(id, name);
  if (found === undefined)
    throw new Refusal(
      404,
      'unknown-evidence',
      `${incidentName(incident)} has no evidence of ${name}. It is stored within a minute after the action begins`,
    );
  const { pack, document } = found;
  if (document === undefined || sha256(document) !== pack.sha256)
    throw new Refusal(
      409,
      'evidence-altered',
      `the evidence of ${name} ${document === undefined ? 'is missing' : 'was altered: its SHA-256 is not the recorded one'}. Restore an earlier version of the object evidence/${id}/${name}.json`,
    );
  return {
    document: new Uint8Array(document),
    headers: {
      'content-type': 'application/json',
      'content-disposition': `attachment; filename="evidence-${id}-${name}.json"`,
      // RFC 9530
      'repr-digest': `sha-256=:${Buffer.from(pack.sha256, 'hex').toString('base64')}:`,
    },
  };
}
