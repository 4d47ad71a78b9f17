import type { Values } from './aws-answers.ts';

/** A resource as the platform registered it. Outputs come from the mocks. */
export type RecordedResource = {
  urn: string;
  /** Such as `aws:sqs/queue:Queue`. */
  type: string;
  name: string;
  /** The URN of its component; null for the stack. */
  parent: string | null;
  inputs: Values;
  outputs: Values;
  /** Paths of inputs that Pulumi stores encrypted, including derived values. */
  secretInputs: string[];
  retainOnDelete: boolean;
  /** Such as `60m`. */
  deleteTimeout: string | null;
};

/** Prefix of every secret's value in a run; the name follows. */
export const SECRET_TEXT = 'a value of some length for';

export type WorkerInput = {
  platform: string;
  root: string;
  stage: string;
  /** Folder for temporary files and `output.json`, below `platform` so that bundles find its packages. */
  work: string;
  /** Whether all secrets have a value, or only those without a default. */
  optionalSecrets: boolean;
  /** File of the stage. Absent: it has none. */
  file?: object | undefined;
};

export type WorkerOutput = { errors: string[]; resources: RecordedResource[] };
