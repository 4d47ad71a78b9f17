import { canonicalJson, sha256 } from '../../stores/hash.ts';
import { actionKeyOf, decisionOf } from '../../domain/incidents/evidence-name.ts';
import { evidenceDocument } from '../../domain/incidents/evidence-pack.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { EvidencePacks } from '../../domain/ports/evidence.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { EvidenceName, EvidencePack } from '../../../schemas/incidents/evidence-pack.ts';
import { recordedSignal } from '../../domain/alerts/recorded-signal.ts';

type EvidenceDeps = Pick<Deps, 'incidents' | 'decisions' | 'config' | 'clock'> & { evidencePacks: EvidencePacks };

/** Alerts of one incident in its evidence. A flood of more is recorded as truncated. */
const ALERTS_MAX = 500;

/**
 * Stores the evidence of an action, once: a document that an earlier attempt has stored is kept as it is, and its hash is
 * added to the audit log. Undefined: the action is not known.
 */
export async function storeEvidence(
  deps: EvidenceDeps,
  id: IncidentId,
  name: EvidenceName,
): Promise<EvidencePack | undefined> {
  const { evidencePacks, clock } = deps;
  const story = await deps.incidents.story(id, null);
  const action = story?.effects.find(({ key }) => key === actionKeyOf(id, name));
  if (story === undefined || action === undefined) {
    await evidencePacks.settle(id, name);
    return undefined;
  }
  const view = decisionOf(story.decisions, name, action.at);
  const [{ signals, truncated }, inputs, config] = await Promise.all([
    deps.incidents.inputs(id, ALERTS_MAX),
    view && deps.decisions.inputs(id, Number(numberOf(view.id))),
    deps.config.current(),
  ]);
  const document = await evidencePacks.keep(
    id,
    name,
    canonicalJson(
      evidenceDocument({
        story,
        action,
        name,
        decision: view === undefined ? null : { view, inputs: inputs ?? null },
        alerts: signals.map(recordedSignal),
        truncated,
        config,
      }),
    ),
  );
  const pack: EvidencePack = {
    name,
    incident_id: id,
    action: action.kind,
    text: action.detail,
    at: action.at,
    stored_at: clock.now(),
    sha256: sha256(document),
    bytes: document.byteLength,
  };
  await evidencePacks.record(pack, {
    id: `evidence:${id}:${name}`,
    at: pack.stored_at,
    actor: 'firebreak',
    kind: 'evidence.stored',
    subject: id,
    text: `Stored the evidence of ${name}`,
    detail: { name, sha256: pack.sha256, bytes: pack.bytes },
  });
  return pack;
}
