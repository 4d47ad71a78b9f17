import type { FaultRates } from '../support/fault-proxy.ts';

/** Probability of each AWS fault for the calls that it applies to: far higher than in a real disruption. */
export const RATES = {
  dynamodb: {
    'stale-read': 0.5,
    'transaction-conflict': 0.1,
    'transaction-in-progress': 0.05,
    'throughput-exceeded': 0.03,
    throttled: 0.03,
    'internal-error': 0.03,
    'lost-answer': 0.1,
    'late-answer': 0.1,
  },
  sqs: {
    throttled: 0.05,
    'internal-error': 0.05,
    'lost-answer': 0.15,
    'lost-receive': 0.25,
    'duplicate-delivery': 0.05,
    'visible-again': 0.1,
    'empty-receive': 0.05,
    'late-answer': 0.1,
  },
  lambda: { 'too-many-requests': 0.05, 'internal-error': 0.05, 'lost-answer': 0.1, 'late-answer': 0.1 },
  ssm: { throttled: 0.25, 'internal-error': 0.2, 'lost-answer': 0.2, 'late-answer': 0.2 },
  s3: { 'slow-down': 0.1, 'internal-error': 0.1, 'lost-answer': 0.1, 'late-answer': 0.1 },
} as const satisfies {
  dynamodb: FaultRates<'dynamodb'>;
  sqs: FaultRates<'sqs'>;
  lambda: FaultRates<'lambda'>;
  ssm: FaultRates<'ssm'>;
  s3: FaultRates<'s3'>;
};

/** Share of the vendors' effects whose responses are lost. */
export const VENDOR_ANSWERS_LOST = 0.3;

/**
 * The same share for vendors that show incidents. It is lower because they have more effects, and each loss causes a
 * pause of seconds.
 */
export const OUTLET_ANSWERS_LOST = 0.1;
