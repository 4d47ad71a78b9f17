import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Json } from '../../../core/domain/runbooks/variables.ts';
import { type Weights, weightsInWords } from '../../../core/domain/rollback/reroute.ts';
import type { With } from '../../../schemas/runbooks/parts/kinds.ts';
import type { TrafficShift } from './reroute.ts';
import type { StepContext } from './context.ts';
import type { Outline, RunbookInput } from './outline.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** Maximum length of a step's detail, stored or on the timeline, in UTF-16 units. */
const DETAIL_MAX_CHARS = 2000;

/** Truncates a text to `DETAIL_MAX_CHARS`, because texts from vendors and alerts may exceed the limits of checkpoints and table items. */
export const boundedDetail = (text: string): string => truncated(text, DETAIL_MAX_CHARS);

/** Adds the result of a step to the timeline, once per attempt. */
export async function noteStep(
  deps: Pick<Deps, 'clock' | 'incidents'>,
  { number }: RunbookInput,
  { incident, step, inverse, name }: StepContext,
  status: string,
  detail: string,
  attempt = 1,
): Promise<void> {
  const what = inverse === null ? step.id : `${step.id}.undo`;
  await deps.incidents.note(incident.id, `runbook-${number}-${what}-${status}${attempt > 1 ? `-${attempt}` : ''}`, {
    at: deps.clock.now(),
    actor: 'firebreak',
    kind: `runbook.step_${status}`,
    text: `${name}${detail === '' ? '' : `: ${boundedDetail(detail)}`}`,
    detail: { runbook: number, step: step.id },
  });
}

/** Describes the action of a step for its approvers. */
export function describeStep(
  uses: Outline['uses'],
  parameters: unknown,
  scale: { from: number; to: number } | null,
  shift?: TrafficShift,
): string {
  const { flag, method, url } = parameters as { flag?: string; method?: string; url?: string };
  switch (uses) {
    case 'flag.disable':
    case 'flag.enable':
      return `turn ${uses === 'flag.enable' ? 'on' : 'off'} feature flag ${flag}`;
    case 'scale':
    case 'scale.restore':
      return scale === null ? 'scale' : `scale from ${scale.from} to ${scale.to}`;
    case 'restart':
      return 'restart, one instance at a time';
    case 'reroute':
    case 'reroute.restore':
      return shift === undefined
        ? shiftInWords(parameters as Partial<With<'reroute'>>)
        : `${shift.words} (weights: ${weightsInWords(shift.to)} instead of ${weightsInWords(shift.from)})`;
    case 'http':
      return boundedDetail(`${method} ${url}`);
    case 'rollback':
    case 'note':
    case 'page':
    case 'slack.post':
    case 'ticket':
    case 'approve':
    case 'verify':
    case 'wait':
    case 'wait.until':
      return uses;
  }
}

/** A step whose change remains. `undone`: the runbook has undone the changes of its other steps. */
type RemainingChange = { name: string; output: Json; hasInverse: boolean; undone: boolean };

/** Describes a remaining change that people must revert or know about. Null: none. */
export function describeRemainingChange(
  uses: Outline['uses'],
  { name, output, hasInverse, undone }: RemainingChange,
): string | null {
  const { flag, on, from, to } = (output ?? {}) as { flag?: string; on?: boolean; from?: number; to?: number };
  switch (uses) {
    case 'flag.disable':
    case 'flag.enable':
      return `feature flag ${flag} is still ${on ? 'on' : 'off'}, turn it ${on ? 'off' : 'on'} again when it is safe`;
    case 'scale':
      return `the service is scaled from ${from} to ${to}, scale it back when it is safe`;
    case 'reroute':
      return trafficRemains(output);
    case 'rollback':
      return null; // a rollback needs no undo
    case 'scale.restore':
    case 'reroute.restore':
    case 'restart':
    case 'http':
    case 'note':
    case 'page':
    case 'slack.post':
    case 'ticket':
    case 'approve':
    case 'verify':
    case 'wait':
    case 'wait.until':
      if (hasInverse) return `"${name}" was not undone`;
      return undone ? `"${name}" cannot be undone` : null;
  }
}

const shiftInWords = ({ route, from, to, percent }: Partial<With<'reroute'>>): string =>
  `shift ${percent} % of the traffic${route === undefined ? '' : ` of ${route}`} from ${from} to ${to}`;

function trafficRemains(output: Json): string {
  const { route, from = {}, to = {} } = (output ?? {}) as { route?: string; from?: Weights; to?: Weights };
  return `the weights of ${route} are ${weightsInWords(to)} instead of ${weightsInWords(from)}, shift the traffic back when it is safe`;
}
