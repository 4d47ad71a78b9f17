import * as z from 'zod';

/** The changes in a semantic patch, for the instructions that the stand-in supports. */
export type FlagTurn = { environment: string; on: boolean; comment: string | null };

const Patch = z.object({
  comment: z.string().optional(),
  environmentKey: z.string().min(1).optional(),
  instructions: z.array(z.object({ kind: z.string() })).min(1),
});

/**
 * Reads a semantic patch. All instructions are applied, or none. The supported instructions set one switch, so the last
 * one determines the result.
 *
 * @param contentType without the `domain-model` of semantic patches, the body counts as a JSON patch
 * @see https://launchdarkly.com/docs/api#updates-using-semantic-patch (read 2026-11)
 */
export function readPatch(text: string, contentType: string | undefined): FlagTurn | { invalid: string } {
  if (!/;\s*domain-model=launchdarkly\.semanticpatch\s*(?:;|$)/i.test(contentType ?? '')) {
    return { invalid: 'the stand-in does not support JSON patches; send a semantic patch' };
  }
  const read = Patch.safeParse(parseJson(text));
  if (!read.success) return { invalid: `Invalid request body: ${z.prettifyError(read.error)}` };
  const { comment = null, environmentKey: environment, instructions } = read.data;
  const unknown = instructions.find(({ kind }) => kind !== 'turnFlagOn' && kind !== 'turnFlagOff');
  if (unknown) return { invalid: `the stand-in does not support the instruction ${unknown.kind}` };
  if (environment === undefined) return { invalid: 'environmentKey is required' };
  return { environment, on: instructions.at(-1)?.kind === 'turnFlagOn', comment };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
