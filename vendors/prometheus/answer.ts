import * as z from 'zod';
import { truncate } from '../shared/text.ts';

/** All other warnings report missing data: a failed store or remote read, or a limit. */
const QUERY_WARNING = /^PromQL (info|warning): /;

const PARTIAL = 'the response of Prometheus lacks a part of the data';

/**
 * Creates the schema of a complete, successful response with this data. Behind one address, some of several servers may not
 * have responded: Thanos, Mimir, and Cortex then add `warnings`, and VictoriaMetrics sets `isPartial`. Missing data must
 * count neither as few errors nor as an end of alerts.
 */
export const complete = <Data extends z.ZodType>(data: Data) =>
  z
    .object({
      status: z.literal('success'),
      data,
      warnings: z.array(z.string()).nullish(),
      isPartial: z.boolean().nullish(),
    })
    .superRefine(({ warnings, isPartial }, context) => {
      const warning =
        warnings?.find((text) => !QUERY_WARNING.test(text)) ?? (isPartial === true ? 'isPartial' : undefined);
      if (warning !== undefined) context.addIssue({ code: 'custom', message: `${PARTIAL}: ${truncate(warning, 300)}` });
    });

const Failure = z.object({ status: z.literal('error'), error: z.string() });

/** Describes a response that does not have the schema: what is missing, the error of the server, or the beginning of the text. */
export function unreadableDetail(status: number, text: string, body: unknown, { issues }: z.ZodError): string {
  const partial = issues.find(({ code }) => code === 'custom');
  if (partial !== undefined) return partial.message;
  const failure = Failure.safeParse(body);
  return `Prometheus answered ${status}: ${truncate(failure.success ? failure.data.error : text, 300)}`;
}
