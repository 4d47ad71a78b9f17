import * as z from 'zod';

/** The sections for which wording can be proposed. The others are figures, or commitments of people. */
export const PROPOSED_SECTIONS = [
  'Summary',
  'Root cause',
  'Contributing factors',
  'What went well',
  'What went badly',
  'Where we got lucky',
] as const;

/**
 * Why a sentence of a model was dropped. `uncited`: it cites no entry. `unknown_entry`: it cites an entry that was not sent.
 * `blame`: it can be read as blame, or names a person. `link`: it contains an address or a mention. `form`: it is empty or too
 * long, or its section is not one of those that were asked for.
 */
export const DroppedBecause = z.enum(['uncited', 'unknown_entry', 'blame', 'link', 'form']);
export type DroppedBecause = z.infer<typeof DroppedBecause>;

/** The section of a post-mortem, and what a model proposes in its place. */
export const ProposedSection = z.object({
  heading: z.enum(PROPOSED_SECTIONS),
  before: z.string(),
  after: z.string(),
  /** The text of the draft is replaced. Otherwise people have edited it, and the proposal follows their text. */
  replaces: z.boolean(),
});
export type ProposedSection = z.infer<typeof ProposedSection>;

/** Wording that a model proposes for a post-mortem. Nothing of it is saved. */
export const Proposal = z.object({
  /** On which it is based. */
  revision: z.number(),
  /** Where the entries were sent. */
  host: z.string(),
  model: z.string(),
  entries_sent: z.number(),
  sentences: z.number(),
  dropped: z.array(z.object({ because: DroppedBecause, count: z.number() })),
  sections: z.array(ProposedSection),
});
export type Proposal = z.infer<typeof Proposal>;
