import { describe } from 'vitest';
import { boundariesOf, sampleOf } from './boundaries.ts';
import { killIn, killsAtEach, killsInRunbook } from './each.ts';

/** Always included, because a repeat at this boundary would be a second rollback. */
const ALWAYS = 'inside CD roll-back #1';
const SAMPLE = 1;

/** Each seed chooses a different sample. `npm run test:kill` runs all boundaries. */
const seed = process.env['FIREBREAK_SEED'] ?? '1';

describe(`kill -9 at a sample of boundaries, chosen by FIREBREAK_SEED=${seed}`, async () => {
  const others = (await boundariesOf('act')).filter((boundary) => boundary !== ALWAYS);
  killIn(killsAtEach('act', [ALWAYS, ...sampleOf(others, SAMPLE, seed)], 'act'));
});

/** The approval is stored, and the process dies before it wakes the workflow. */
const ANSWERED =
  'after Write Update INC/DEC, Update INC/META, Put INC/IN, Update PENDING, Put INC/TL, Put LOGWAITING #1';

/**
 * Boundaries at which the caller dies before it gets the step's result, and at which the step is done but not recorded.
 * The last one is a change of an HTTPRoute that takes effect after the death.
 */
const SHIFT = 'PATCH /apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/checkout #1';
const IN_A_RUNBOOK = [
  'inside POST /drains #1',
  'after Write Put INC/RBKMEM #4',
  `inside ${SHIFT}`,
  `ahead of ${SHIFT}`,
];

describe('the evidence of an action is stored once, and its hash sealed once', () => {
  const SEAL = 'Write Put INC/EVIDENCE, Put LOGWAITING, Remove EVIDENCEDUE #1';
  killIn(killsAtEach('act', [`before ${SEAL}`, `after ${SEAL}`], 'act', 1));
});

describe('a runbook continues where it stopped', () => {
  killIn(killsInRunbook(IN_A_RUNBOOK));
});

describe('an approval given just before the process died is found after the restart', () => {
  killIn(killsAtEach('approve', [ANSWERED], 'approve'));
});
