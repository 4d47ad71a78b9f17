import type { IncidentId } from '../../../schemas/config/names.ts';
import type { DecisionKind } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** A page to the people on call. `to`: who was notified if that is recorded, otherwise the team. */
export type PageOutcome = { at: Timestamp; recipient: string };

/** A decision about a rollback. `requester`: what requested it. */
export type DecisionOutcome = {
  number: number;
  at: Timestamp;
  kind: DecisionKind;
  from: string | null;
  recipient: string | null;
  requester: string;
  because: string;
};

/** What a policy does about one incident, as far as its record can tell. */
export type Outcome = {
  /** The recorded incident. Null: the policy opens an incident that was never open. */
  id: IncidentId | null;
  /** Identifies the incident in both of two outcomes. */
  key: string;
  service: string;
  environment: string;
  title: string;
  /** Null: the alerts open no incident. */
  opened_at: Timestamp | null;
  pages: readonly PageOutcome[];
  decisions: readonly DecisionOutcome[];
  runbooks: readonly { name: string; at: Timestamp }[];
  /** Channels that the opening alerts are announced in. */
  channels: readonly string[];
  /** The freeze that the open incident causes. `until`: null while it is open, or if its end cannot be known. */
  freeze: { from: Timestamp; until: Timestamp | null } | null;
  /** From here on, the record describes the consequences of another decision. Null: it describes the whole incident. */
  known_until: Timestamp | null;
  /** What the record cannot answer. */
  unknown: readonly string[];
};
