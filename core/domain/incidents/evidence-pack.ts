import type { RecordedSignal } from '../../../schemas/alerts/recorded-signal.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { EVIDENCE_FORMAT, type EvidenceName } from '../../../schemas/incidents/evidence-pack.ts';
import type { DecisionView, Effect } from '../../../schemas/incidents/incident.ts';
import { healthOf } from '../catalogue/health.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
import { onsetOf } from '../correlation/onset.ts';
import { diffLink } from '../links/diff-link.ts';
import { incidentLinks } from '../links/incident-links.ts';
import type { Story } from '../messages/story.ts';
import type { DecisionInputs } from '../rollback/judgement.ts';
import { withoutCredentials } from '../redaction/credentials.ts';
import { redacted } from '../redaction/recording.ts';

/** Everything that an evidence pack is made from. */
export type EvidenceInputs = {
  story: Pick<Story, 'incident' | 'signals' | 'decisions'>;
  action: Effect;
  name: EvidenceName;
  /** The decision that the action follows from, with its inputs. Null: there was none, or they cannot be read. */
  decision: { view: DecisionView; inputs: DecisionInputs | null } | null;
  alerts: readonly RecordedSignal[];
  /** The incident has more alerts than `alerts`. */
  truncated: boolean;
  config: Config;
};

/**
 * Returns the document of an evidence pack: what Firebreak knew when it acted, without people, addresses, and secrets.
 * Its links have absolute times, and no credentials.
 */
export function evidenceDocument(evidenceInputs: EvidenceInputs): object {
  const { story, action, name, decision, alerts, truncated, config } = evidenceInputs;
  const { incident } = story;
  const { key: _key, state: _state, resource: _resource, service_environment: serviceEnvironment, ...acted } = action;
  const target = serviceEnvironment ?? { service: incident.service, environment: incident.environment };
  const inputs = decision?.inputs ?? null;
  const facts = {
    incident: {
      id: incident.id,
      service: incident.service,
      environment: incident.environment,
      severity: incident.severity,
      title: incident.title,
      opened_at: incident.opened_at,
    },
    action: { name, ...target, ...acted },
    decision: decision && withoutNames(decision),
    configuration: { decided_with: inputs?.config_version ?? null, read_with: config.version },
    queries: queriesOf(evidenceInputs),
    inputs,
    versions: versionsOf(evidenceInputs, target),
    alerts: { items: alerts.filter(({ at }) => at <= action.at), truncated },
  };
  return { format: EVIDENCE_FORMAT, ...redacted(facts), links: linksOf(evidenceInputs, target) };
}

/** Replaces the people who requested, approved, or cleared something in the words of the reasons. */
function withoutNames({ view, inputs }: NonNullable<EvidenceInputs['decision']>): DecisionView {
  const names = [
    ...(inputs?.request?.by === 'person' ? [inputs.request.name] : []),
    ...(inputs?.evidence?.cleared ?? []).map(({ by }) => by),
    ...view.approvals.given,
  ].filter((name) => name !== '');
  const anonymous = (text: string) => names.reduce((left, name) => left.replaceAll(name, 'a person'), text);
  const withoutNamesIn = ({ code, text, more }: DecisionView['reasons'][number]) => ({
    code,
    text: anonymous(text),
    ...(more && { more: more.map(anonymous) }),
  });
  return {
    ...view,
    reasons: view.reasons.map(withoutNamesIn),
    ...(view.would && { would: { ...view.would, reasons: view.would.reasons.map(withoutNamesIn) } }),
  };
}

/**
 * Returns the queries whose results the inputs contain. Null: the configuration has changed since the decision, or there
 * is no query.
 */
function queriesOf({ story, decision, config }: EvidenceInputs): object | null {
  const inputs = decision?.inputs ?? null;
  if (inputs === null || inputs.config_version !== config.version) return null;
  return healthOf(config, story.incident) ?? null;
}

type Target = { service: string; environment: string };

/** Returns the versions between which the action moved the service, with their commits. Null: it moved none. */
function versionsOf(evidenceInputs: EvidenceInputs, target: Target) {
  const { from_version: from = null, to_version: to = null } = evidenceInputs.decision?.view ?? {};
  if (from === null && to === null) return null;
  const commitOf = (version: string | null): string | null => changeOf(evidenceInputs, target, version)?.commit ?? null;
  return { from, to, from_commit: commitOf(from), to_commit: commitOf(to) };
}

/** Returns the newest change that brought a version to the target. */
function changeOf({ decision }: EvidenceInputs, target: Target, version: string | null): Change | undefined {
  if (version === null) return undefined;
  const known = [
    ...(decision?.inputs?.targets ?? []).flatMap(({ changes }) => changes),
    ...(decision?.inputs?.evidence?.changes ?? []).map(({ change }) => change),
  ];
  const ofVersion = known.filter(
    (change) =>
      change.version === version && change.service === target.service && change.environment === target.environment,
  );
  return ofVersion.find(({ kind }) => kind !== 'rollback') ?? ofVersion[0];
}

function linksOf(evidenceInputs: EvidenceInputs, target: Target) {
  const { story, action, decision, config } = evidenceInputs;
  const { from_version: from = null, to_version: to = null } = decision?.view ?? {};
  const [removed, restored] = [changeOf(evidenceInputs, target, from), changeOf(evidenceInputs, target, to)];
  const evidence = decision?.inputs?.evidence ?? null;
  const known = story.signals.filter(({ startsAt }) => startsAt <= action.at);
  const links = incidentLinks(
    { incident: { ...story.incident, resolved_at: null }, signals: known },
    config,
    action.at,
    evidence === null ? null : onsetOf(evidence).earliest,
  );
  const diff = diffLink(serviceEntry(config.services, target.service)?.repository, {
    from: restored?.commit,
    to: removed?.commit,
    pages: [removed?.url, restored?.url],
  });
  return {
    diff: diff === null ? null : withoutCredentials(diff),
    change: removed?.url == null ? null : withoutCredentials(removed.url),
    investigate: links.map(({ title, url }) => ({ title, url: withoutCredentials(url) })),
  };
}
