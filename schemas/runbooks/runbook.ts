import * as z from 'zod';
import { Matchers } from '../alerts/match.ts';
import { EnvironmentName, Mode, ServiceName, Severity } from '../config/names.ts';
import { Input, InputName } from './parts/inputs.ts';
import { FailureAction, SingleStep, Step } from './parts/steps.ts';
import { Expression } from './parts/values.ts';
import { valueOfAliases } from '../parsing/aliases.ts';
import { requiredText } from '../parsing/free-text.ts';

/** Name of a runbook: of its file, and in an alert's label `runbook`. */
export const RunbookName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must consist of lowercase letters, digits, and -, such as high-error-rate');
export type RunbookName = z.infer<typeof RunbookName>;

const Any = z.strictObject({ any: z.array(Matchers).min(1) });

/** One set of matchers that must all match, or several sets of which one must match. */
const Match = z.union([Any, Matchers.transform((matchers) => ({ any: [matchers] }))]);

const listOf = <Item extends z.ZodType>(item: Item) =>
  z.union([item.transform((only) => [only]), z.array(item).min(1)]);

const OnFailureMap = z.strictObject({
  do: FailureAction.default('stop'),
  /** Steps to run once, before anything is undone. */
  steps: z.array(SingleStep).max(10).default([]),
});

const OnFailure = z.union([FailureAction.transform((action) => OnFailureMap.parse({ do: action })), OnFailureMap]);

const FrontMatterMap = z.strictObject({
  name: RunbookName.optional().describe('Default: the name of the file.'),
  title: requiredText(200).describe('Purpose of the runbook, in one line.'),
  match: Match.optional().describe('Matchers in Alertmanager syntax. With `any` and a list, one of them must match.'),
  matchers: Match.optional().describe('Same as `match`.'),
  services: listOf(ServiceName).optional().describe('Limits the runbook to these. Default: all.'),
  environments: listOf(EnvironmentName).optional().describe('Limits the runbook to these. Default: all.'),
  severity: listOf(Severity).optional().describe('Limits the runbook to these. Default: all.'),
  priority: z
    .number()
    .int()
    .min(-1000)
    .max(1000)
    .default(0)
    .describe(
      'Of all matching runbooks, the one with the highest priority is followed; of equals, the first by file name.',
    ),
  mode: Mode.optional().describe("Lowers the service's mode; never raises it. Default: the service's mode."),
  inputs: z
    .record(InputName, Input)
    .default({})
    .describe('Inputs that expressions read as `inputs.<name>`, with their defaults.'),
  when: Expression.optional().describe('CEL expression. The runbook applies only to alerts for which it is true.'),
  steps: z.array(Step).max(50).default([]).describe('Steps, in order. Without steps, the runbook is for people only.'),
  onFailure: OnFailure.prefault('stop').describe('What happens when a step fails.'),
  undo: z
    .enum(['reverse', 'none'])
    .default('none')
    .describe('Whether `undo` reverts completed steps, in reverse order.'),
});

type Matched = { match?: z.infer<typeof Match> | undefined; matchers?: z.infer<typeof Match> | undefined };

/** Merges aliases. */
function mergeAliases<T extends Matched>(
  { match, matchers, ...rest }: T,
  context: z.RefinementCtx,
): Omit<T, keyof Matched> & { match: z.infer<typeof Match> } {
  const found = valueOfAliases({ match, matchers }, context);
  if (found === undefined)
    context.addIssue({ code: 'custom', message: '"match" is missing; use "match: {}" for every alert' });
  return { ...rest, match: found ?? { any: [] } };
}

/** The front matter of `runbooks/*.md`, between lines of three hyphens. */
export const FrontMatter = FrontMatterMap.transform(mergeAliases);
export type FrontMatter = z.infer<typeof FrontMatter>;

/** A runbook in force. Parsed output parses to the same value again. */
export const Runbook = z
  .strictObject({
    ...FrontMatterMap.shape,
    name: RunbookName,
    /** Its path as people know it. */
    file: z.string(),
    /** Hash of the file's content. An incident keeps the version with which it began. */
    version: z.string(),
    /** Markdown, for people. */
    body: z.string(),
    /** Line numbers in the file, by path: `steps.0.with.url`. */
    lines: z.record(z.string(), z.number()),
  })
  .transform(mergeAliases);
export type Runbook = z.infer<typeof Runbook>;

/** All runbooks in force. `version` covers all of them. */
export const RunbookSet = z.strictObject({ version: z.string(), runbooks: z.array(Runbook) });
export type RunbookSet = z.infer<typeof RunbookSet>;

export const noRunbooks: RunbookSet = { version: 'none', runbooks: [] };
