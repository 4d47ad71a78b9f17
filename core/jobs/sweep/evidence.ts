import { storeEvidence } from '../../actions/incidents/store-evidence.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { EvidencePacks } from '../../domain/ports/evidence.ts';

type EvidenceJobDeps = Pick<Deps, 'incidents' | 'decisions' | 'config' | 'clock' | 'log'> & {
  evidencePacks: EvidencePacks;
};

/**
 * Stores the evidence of actions that have begun. The mark of an action is written with its intent and removed with the
 * entry of the audit log, so that its evidence is stored exactly once, even if a process ends in between.
 */
export async function storeDueEvidence(deps: EvidenceJobDeps): Promise<{ stored: number }> {
  let stored = 0;
  for (const { id, name } of await deps.evidencePacks.due()) {
    try {
      if ((await storeEvidence(deps, id, name)) !== undefined) stored += 1;
    } catch (error) {
      deps.log.error('the evidence of an action could not be stored', { incident: id, name, error: String(error) });
    }
  }
  return { stored };
}
