import * as z from 'zod';

/** What a semantic patch wants, as far as this stand-in knows instructions. */
export type Turn = { environment: string; on: boolean; comment: string | null };

const Patch = z.object({
  comment: z.string().optional(),
  environmentKey: z.string().min(1).optional(),
  instructions: z.array(z.object({ kind: z.string() })).min(1),
});

/**
 * Either all instructions are applied or none; here they set one switch, so the last one says how it ends.
 *
 * @param contentType without the domain model of semantic patches a body is a JSON patch, which no such object is
 * @see https://launchdarkly.com/docs/api#updates-using-semantic-patch (read 2026-11)
 */
export function readPatch(text: string, contentType: string | undefined): Turn | { invalid: string } {
  if (!/;\s*domain-model=launchdarkly\.semanticpatch\s*(?:;|$)/i.test(contentType ?? '')) {
    return { invalid: 'the body is read as a JSON patch, which this stand-in does not apply' };
  }
  const read = Patch.safeParse(parsed(text));
  if (!read.success) return { invalid: `Invalid request body: ${z.prettifyError(read.error)}` };
  const { comment = null, environmentKey: environment, instructions } = read.data;
  const unknown = instructions.find(({ kind }) => kind !== 'turnFlagOn' && kind !== 'turnFlagOff');
  if (unknown) return { invalid: `this stand-in does not know the instruction ${unknown.kind}` };
  if (environment === undefined) return { invalid: 'environmentKey is required' };
  return { environment, on: instructions.at(-1)?.kind === 'turnFlagOn', comment };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
