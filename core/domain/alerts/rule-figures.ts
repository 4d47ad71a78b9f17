import * as z from 'zod';
import { Timestamp } from '../../../schemas/time/time.ts';
import { byRule, type Firing, pagesOf, timesOf } from './noisy-alerts.ts';

/** How often an alert fired, and what became of it. */
export type RuleFiring = Firing & { hasEnded: boolean };

/** The alerts of one rule in a service and environment. */
export const RuleFigures = z.object({
  service: z.string(),
  environment: z.string(),
  /** The name of the rule, or the title of its alerts without measured values, counts, and moments. */
  rule: z.string(),
  fired: z.number(),
  /** Pages that were sent in incidents that list it and to which its route pages, or by their parents. */
  paged: z.number(),
  /** Of these, how often automation or a person did something in the incident. */
  acted_on: z.number(),
  /** Of these, how often it ended although nothing was done. */
  resolved_by_itself: z.number(),
  last_at: Timestamp,
});
export type RuleFigures = z.infer<typeof RuleFigures>;

/** The body of `GET /v1/reports/alerts`. `complete`: all alerts of the period were read. */
export const AlertRulesReport = z.object({ since: Timestamp, complete: z.boolean(), items: z.array(RuleFigures) });

/** Returns the figures of each rule. Those that fired most often without an action come first. */
export const ruleFigures = (firings: readonly RuleFiring[]): RuleFigures[] =>
  byRule(firings)
    .map(({ service, environment, rule, lastAt, alerts }): RuleFigures => {
      const count = (counts: (firing: RuleFiring) => boolean): number => timesOf(alerts.filter(counts));
      return {
        service,
        environment,
        rule,
        fired: timesOf(alerts),
        paged: pagesOf(alerts),
        acted_on: count(({ isActedOn }) => isActedOn),
        resolved_by_itself: count(({ hasEnded, isActedOn }) => hasEnded && !isActedOn),
        last_at: lastAt,
      };
    })
    .toSorted((a, b) => b.fired - b.acted_on - (a.fired - a.acted_on) || (a.last_at < b.last_at ? 1 : -1));
