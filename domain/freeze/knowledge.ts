import type { SloStatus } from '../../schemas/slo-status.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';
import { exemption } from './passes.ts';
import { dataAge } from './spending.ts';
import { age, list, moment } from './words.ts';

/** A service of which the catalogue does not know. Freezes that hold for everything count all the same. */
export function unknownService(inputs: CheckInputs): Finding[] {
  if (inputs.known) return [];
  const text = `the catalogue has no service ${JSON.stringify(inputs.request.service)} (config/services.yaml)`;
  const finding = { code: 'unknown_service', key: inputs.request.service } as const;
  if (inputs.unknownService === 'allow')
    return [{ ...finding, effect: 'warn', text: `${text}; by policy that is allowed (unknownService: allow)` }];
  return [
    refusedUnlessExempt(inputs, {
      ...finding,
      text: `${text}; by policy that is not allowed (unknownService: deny). Is the name right?`,
      clears: 'when the catalogue has the service',
    }),
  ];
}

/** How old it is what an answer rests upon. */
export type Knowledge = {
  /** Of the objective of which the least is known. Null: none has a say, or nothing was ever known of any. */
  ageSeconds: number | null;
  /** What is too old or not known, in words. Empty: nothing. */
  stale: { key: string; text: string }[];
};

/** @returns nothing stale where no objective has a say: none is configured, or by policy they freeze nothing */
export function knowledgeOf({ at, objectives, own, policy, evaluatedAt }: CheckInputs): Knowledge {
  const hasSay = objectives > 0 && (policy.budget !== null || policy.burn !== 'off');
  if (!hasSay) return { ageSeconds: null, stale: [] };
  const known = own.slos.map((status) => ({ status, seconds: dataAge(status, at) }));
  const ages = known.flatMap(({ seconds }) => seconds ?? []);
  const missing = objectives - own.slos.length;
  const last = evaluatedAt === null ? 'there was no evaluation yet' : `last evaluation: ${moment(evaluatedAt)}`;
  return {
    ageSeconds: ages.length > 0 ? Math.floor(Math.max(...ages)) : null,
    stale: [
      ...known
        .filter(({ seconds }) => seconds === null || seconds > policy.stale.afterSeconds)
        .map(({ status, seconds }) => ({ key: status.id, text: staleInWords(status, seconds) })),
      ...(missing > 0
        ? [
            {
              key: `missing ${missing}`,
              text: `${missing} of ${objectives} objectives were not evaluated yet (${last})`,
            },
          ]
        : []),
    ],
  };
}

function staleInWords({ id, problem }: SloStatus, seconds: number | null): string {
  const what = seconds === null ? `of ${id} nothing is known` : `what is known of ${id} is ${age(seconds)} old`;
  return problem === null ? what : `${what}: ${problem}`;
}

/** Data that are too old: by policy a warning or a refusal, which no override lifts, since there is no freeze. */
export function staleFindings(inputs: CheckInputs, { stale }: Knowledge): Finding[] {
  if (stale.length === 0) return [];
  const { afterSeconds, deploys } = inputs.policy.stale;
  const finding = { code: 'stale_data', key: JSON.stringify(stale.map(({ key }) => key).toSorted()) } as const;
  const what = `${list(stale.map(({ text }) => text))} (stale after ${age(afterSeconds)})`;
  if (deploys === 'allow')
    return [{ ...finding, effect: 'warn', text: `${what}; by policy deploys are allowed then (stale.deploys: allow)` }];
  return [
    refusedUnlessExempt(inputs, {
      ...finding,
      text: `${what}; by policy deploys are not allowed then (stale.deploys: deny)`,
      clears: 'when Prometheus answers again and an evaluation has read it',
    }),
  ];
}

function refusedUnlessExempt(inputs: CheckInputs, finding: Omit<Finding, 'effect'>): Finding {
  const pass = exemption(inputs, inputs.policy.passes);
  return pass === undefined ? { ...finding, effect: 'refuse' } : { ...finding, effect: 'warn', pass };
}
