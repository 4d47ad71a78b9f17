import * as z from 'zod';
import { Matchers } from './match.ts';
import { EnvironmentName, Mode, ServiceName, Severity } from './names.ts';
import { Input, InputName } from './runbook/inputs.ts';
import { FailureAction, SingleStep, Step } from './runbook/steps.ts';
import { Expression } from './runbook/values.ts';
import { oneOf } from './synonyms.ts';

/** What runbooks are called: as their files, and as an alert's label `runbook` may name them. */
export const RunbookName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a runbook is named like high-error-rate: lower-case letters, digits and -');
export type RunbookName = z.infer<typeof RunbookName>;

const Any = z.strictObject({ any: z.array(Matchers).min(1) });

/** One set of matchers that all have to hold, or several of which one has to. */
const Match = z.union([Any, Matchers.transform((matchers) => ({ any: [matchers] }))]);

const listOf = <Item extends z.ZodType>(item: Item) =>
  z.union([item.transform((only) => [only]), z.array(item).min(1)]);

const OnFailureMap = z.strictObject({
  do: FailureAction.default('stop'),
  /** What is done about it besides, once: before anything is undone. */
  steps: z.array(SingleStep).max(10).default([]),
});

const OnFailure = z.union([FailureAction.transform((action) => OnFailureMap.parse({ do: action })), OnFailureMap]);

const FrontMatterMap = z.strictObject({
  name: RunbookName.optional().describe('Absent: the name of the file.'),
  title: z.string().trim().min(1).max(200).describe('What it is for, in a line.'),
  match: Match.optional().describe('Matchers of Alertmanager; `any` with a list of them: one of these.'),
  matchers: Match.optional().describe('The same as `match`.'),
  services: listOf(ServiceName).optional().describe('Only for these. Absent: for all.'),
  environments: listOf(EnvironmentName).optional().describe('Only for these. Absent: for all.'),
  severity: listOf(Severity).optional().describe('Only for these. Absent: for all.'),
  priority: z
    .number()
    .int()
    .min(-1000)
    .max(1000)
    .default(0)
    .describe('Of all that match, the highest is taken; of equals, the first by the name of its file.'),
  mode: Mode.optional().describe("Caps the service's mode; never raises it. Absent: the service's."),
  inputs: z
    .record(InputName, Input)
    .default({})
    .describe('Values that its expressions see as `inputs.<name>`: their defaults.'),
  when: Expression.optional().describe('CEL. It is not for an alert for which this is not true.'),
  steps: z.array(Step).max(50).default([]).describe('What is done, one after the other. None: for people only.'),
  onFailure: OnFailure.prefault('stop').describe('What follows when a step has failed.'),
  undo: z
    .enum(['reverse', 'none'])
    .default('none')
    .describe('Whether `undo` takes back what was done: the last first.'),
});

type Matched = { match?: z.infer<typeof Match> | undefined; matchers?: z.infer<typeof Match> | undefined };

/** Everything under one name. */
function settle<T extends Matched>(
  { match, matchers, ...rest }: T,
  context: z.RefinementCtx,
): Omit<T, keyof Matched> & { match: z.infer<typeof Match> } {
  const found = oneOf({ match, matchers }, context);
  if (found === undefined)
    context.addIssue({ code: 'custom', message: '"match" is missing; "match: {}" is every alert' });
  return { ...rest, match: found ?? { any: [] } };
}

/** What stands at the head of `runbooks/*.md`, between the lines of three hyphens. */
export const FrontMatter = FrontMatterMap.transform(settle);
export type FrontMatter = z.infer<typeof FrontMatter>;

/** A runbook as it is in force. What is parsed reads the same when it is parsed again. */
export const Runbook = z
  .strictObject({
    ...FrontMatterMap.shape,
    name: RunbookName,
    /** Its path as people know it. */
    file: z.string(),
    /** Of the file's content. An incident keeps the version with which it began. */
    version: z.string(),
    /** Markdown, for people. */
    body: z.string(),
    /** In which line of the file something stands, by its path: `steps.0.with.url`. */
    lines: z.record(z.string(), z.number()),
  })
  .transform(settle);
export type Runbook = z.infer<typeof Runbook>;

/** All runbooks in force. `version` is that of all of them together. */
export const RunbookSet = z.strictObject({ version: z.string(), runbooks: z.array(Runbook) });
export type RunbookSet = z.infer<typeof RunbookSet>;

export const noRunbooks: RunbookSet = { version: 'none', runbooks: [] };
