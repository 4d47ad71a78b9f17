import type { Deps } from '../../../domain/ports.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { Outline } from './choose.ts';
import type { Context } from './context.ts';

/** Of what is kept of a step, or said of it on the timeline. Characters. */
const DETAIL_MAX_CHARS = 2000;

/** The whole is checkpointed, and items of the table are not large: what vendors and alerts say may be. */
export const cut = (text: string): string =>
  text.length <= DETAIL_MAX_CHARS ? text : `${text.slice(0, DETAIL_MAX_CHARS - 1)}…`;

/** What became of a step, on the timeline; once for each try. */
export async function noteStep(
  deps: Deps,
  { number }: RunbookInput,
  { incident, step, inverse, name }: Context,
  status: string,
  detail: string,
  tries = 1,
): Promise<void> {
  const what = inverse === null ? step.id : `${step.id}.undo`;
  await deps.incidents.note(incident.id, `runbook-${number}-${what}-${status}${tries > 1 ? `-${tries}` : ''}`, {
    at: deps.clock.now(),
    actor: 'firebreak',
    kind: `runbook.step_${status}`,
    text: `${name}${detail === '' ? '' : `: ${cut(detail)}`}`,
    detail: { runbook: number, step: step.id },
  });
}

/** What a step does, in words for whoever has to be for it. */
export function doesWhat(uses: Outline['uses'], given: unknown, scale: { from: number; to: number } | null): string {
  const { flag, method, url } = given as { flag?: string; method?: string; url?: string };
  switch (uses) {
    case 'flag.disable':
    case 'flag.enable':
      return `switch the flag ${flag} ${uses === 'flag.enable' ? 'on' : 'off'}`;
    case 'scale':
    case 'scale.restore':
      return scale === null ? 'scale it' : `scale from ${scale.from} to ${scale.to}`;
    case 'restart':
      return 'restart it, one instance after the other';
    case 'http':
      return cut(`${method} ${url}`);
    default:
      return uses;
  }
}

/** A step that was done and not taken back. `undone`: the runbook went back to where it began. */
type Left = { name: string; output: Json; hasWayBack: boolean; undone: boolean };

/** What people have to put back, or to know. Null: nothing. */
export function leftAs(uses: Outline['uses'], { name, output, hasWayBack, undone }: Left): string | null {
  const { flag, on, from, to } = (output ?? {}) as { flag?: string; on?: boolean; from?: number; to?: number };
  switch (uses) {
    case 'flag.disable':
    case 'flag.enable':
      return `the flag ${flag} is still ${on ? 'on' : 'off'}; switch it ${on ? 'off' : 'on'} again once that is safe`;
    case 'scale':
      return `it was scaled from ${from} to ${to}; scale it back once that is safe`;
    case 'rollback':
      return null; // is a way back itself
    default:
      if (hasWayBack) return `"${name}" was not taken back`;
      return undone ? `"${name}" cannot be taken back` : null;
  }
}
