import * as z from 'zod';
import type { SigningSecrets } from './signing-secret.ts';

/** Chapters of docs/reference/environment.md. `schemas/config/variable-notes.ts` describes them. */
export type Chapter = 'machine' | 'access' | 'vendors' | 'client' | 'targets' | 'functions' | 'system' | 'tests';

/**
 * Secrets and addresses that are stored together and granted together. `functions/assembly/secret-groups.ts` declares which
 * functions may read each group.
 */
export const SECRET_GROUPS = [
  /** Credentials for the public address. */
  'access',
  'signing',
  /** Only functions that seal or check the audit log have its keys, not those that write entries. */
  'audit',
  /** Secrets that check the signatures of senders. */
  'senders',
  'slack',
  'slack-signing',
  'pagerduty',
  'statuspage',
  'grafana',
  'observability',
  'mail',
  'github',
  /** Issue trackers of action items. */
  'trackers',
  /** The model that words post-mortems. */
  'prose',
  /** Systems that roll back. */
  'delivery',
] as const;
export type SecretGroup = (typeof SECRET_GROUPS)[number];

export type Variable = {
  chapter: Chapter;
  /** Schema of a value, with the default if code relies on one. */
  schema: z.ZodType;
  /** The value must not be shown, logged, or passed on. */
  secret?: true;
  /** Where the value is stored on AWS. Absent: it is not a setting of a deployment. */
  group?: SecretGroup;
  /** It checks the signatures of a sender. */
  signs?: SigningSecrets;
  /** Not allowed on AWS: a function that finds it refuses to start. */
  machineOnly?: true;
  /** The default, for code that applies it itself. */
  standard?: string;
};

/** Explains a variable, in Markdown. */
export type VariableNote = {
  meaning: string;
  /** The effect of a missing value, if it is not a fixed default. */
  otherwise?: string;
};

export const optionalText = z.string().min(1).optional();
export const httpUrl = z.url({ protocol: /^https?$/ });

export const variable = <In extends Chapter, Schema extends z.ZodType>(chapter: In, schema: Schema) => ({
  chapter,
  schema,
});
export const secret = <In extends Chapter>(chapter: In) => ({ chapter, schema: optionalText, secret: true }) as const;
/** An address with a public default. */
export const address = <In extends Chapter, Url extends string>(chapter: In, standard: Url) =>
  ({ chapter, schema: httpUrl.default(standard), standard }) as const;

/**
 * A credential, an address, and another setting of a vendor.
 *
 * @param group of secrets, which a function is granted as a whole
 */
export const token = <Group extends SecretGroup>(group: Group) => ({ ...secret('vendors'), group }) as const;
export const signingSecret = <Group extends SecretGroup>(group: Group) =>
  ({ ...token(group), signs: 'several' }) as const;
export const url = <Group extends SecretGroup>(group: Group) =>
  ({ ...variable('vendors', httpUrl.optional()), group }) as const;
export const setting = <Group extends SecretGroup>(group: Group) =>
  ({ ...variable('vendors', optionalText), group }) as const;
export const vendorAddress = <Url extends string, Group extends SecretGroup>(standard: Url, group: Group) =>
  ({ ...address('vendors', standard), group }) as const;

/** The intersection of the members of a union. */
export type Intersection<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  one: infer Every,
) => void
  ? Every
  : never;
