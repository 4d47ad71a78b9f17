import { parser } from '@prometheus-io/lezer-promql';

/** Length of the quoted part of a query in messages. */
const QUOTED_CHARS = 20;

/** Parses a query with the grammar of Prometheus's own editor. @returns what is wrong, or null if it is valid PromQL */
export function parsesAsPromql(query: string): string | null {
  let wrongAt: number | undefined;
  parser.parse(query).iterate({
    enter: ({ type, from }) => {
      if (type.isError) wrongAt ??= from;
      return wrongAt === undefined;
    },
  });
  if (wrongAt === undefined) return null;
  const rest = query.slice(wrongAt, wrongAt + QUOTED_CHARS).trim();
  return rest === '' ? 'it is incomplete' : `unexpected ${JSON.stringify(rest)} at character ${wrongAt + 1}`;
}
