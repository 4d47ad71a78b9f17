import type { Values } from './aws-answers.ts';

/** A resource as the platform registered it. Outputs are what the mocks answered. */
export type Recorded = {
  urn: string;
  /** Such as `aws:sqs/queue:Queue`. */
  type: string;
  name: string;
  /** The URN of its component; null for the stack. */
  parent: string | null;
  inputs: Values;
  outputs: Values;
  /** Paths of the inputs that Pulumi stores encrypted, and what is derived from them. */
  secretInputs: string[];
  retainOnDelete: boolean;
  /** Such as `60m`. */
  deleteTimeout: string | null;
};

/** How the value of every secret begins in a run; its name follows. */
export const SECRET_TEXT = 'a value of some length for';

export type WorkerInput = {
  platform: string;
  root: string;
  stage: string;
  /** A folder for temporary files, below `platform` so that bundles find its packages. Takes `output.json`. */
  work: string;
  /** Whether all secrets have a value, or only those without a default. */
  optionalSecrets: boolean;
};

export type WorkerOutput = { errors: string[]; resources: Recorded[] };
