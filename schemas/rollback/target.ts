import type * as z from 'zod';
import type { Variable, VariableNote } from '../config/variable.ts';
import type { ConnectionNote } from '../config/vendors.ts';

/** The configuration of a kind of deployer or flag service, by `kind`. */
type Kind = z.ZodObject<{ kind: z.ZodLiteral<string> }>;

/** A row of the table in docs/reference/deployers.md, in Markdown. */
export type DeployerNote = {
  rollsBack: string;
  scales?: true;
  restarts?: true;
  /** Whether it checks that the restored version still runs. */
  checks?: true;
  /** What its credential must be allowed to do for a controlled look. Absent: it can't run one. */
  look?: string;
  /** Its `EffectClass`: what a repeated call does. With the configuration on which it depends. */
  effectClass: string;
  /** The link to its details. */
  details: string;
};

/** A system that rolls back services or switches feature flags, with everything that is configured for it. */
export type RollbackTarget = {
  /** The vendor's ID. */
  vendor: string;
  /** What the environment of a service in `services.yaml` can contain as `deployer`, by kind. */
  deployers: Readonly<Record<string, { schema: Kind; note: DeployerNote }>>;
  /** The same for `flags`. */
  flags: Readonly<Record<string, { schema: Kind }>>;
  /** The environment variables that only this vendor uses. */
  variables: Readonly<Record<string, Variable & VariableNote>>;
  /** Where to connect. If it sets no address and the vendor has no public one, only deployers with an address of their own work. */
  connection: ConnectionNote;
};
