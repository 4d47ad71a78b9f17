import { describe } from 'vitest';
import { killInAll, killsAtEach, killsInLook, killsInRunbook } from './each.ts';

/** A repeat would be a second rollback, or a second page. */
const AT_VENDORS = ['inside CD roll-back #1', 'inside PagerDuty trigger #1'];

/** The evidence of an action is stored once, and its hash is sealed once. */
const SEAL = 'Write Put INC/EVIDENCE, Put LOGWAITING, Remove EVIDENCEDUE #1';

/** The approval is stored, and the process dies before it wakes the workflow. */
const APPROVED =
  'after Write Update INC/DEC, Update INC/META, Put INC/IN, Update PENDING, Put INC/TL, Put LOGWAITING #1';

/**
 * The caller dies before it gets the step's result, or the step is done but not recorded. The last one is a change of an
 * HTTPRoute that takes effect after the death.
 */
const SHIFT = 'PATCH /apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/checkout?fieldManager=firebreak #1';
const IN_A_RUNBOOK = [
  'inside POST /drains #1',
  'after Write Put INC/RBKMEM #2',
  `inside ${SHIFT}`,
  `ahead of ${SHIFT}`,
];

/** One instance of the controlled look has started. */
const IN_A_LOOK = 'inside POST /api/v1/namespaces/default/pods #1';

const EACH = 1;

describe('kill -9 at the worst boundaries', () => {
  killInAll([
    killsAtEach('act', [...AT_VENDORS, `before ${SEAL}`, `after ${SEAL}`], 'act', EACH),
    killsAtEach('approve', [APPROVED], 'approve', EACH),
    killsInRunbook(IN_A_RUNBOOK, EACH),
    killsInLook([IN_A_LOOK], EACH),
  ]);
});
