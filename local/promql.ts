import { parser } from '@prometheus-io/lezer-promql';

/** How much of a query is quoted around what is wrong. */
const QUOTED_CHARS = 20;

/** By the grammar of Prometheus' own editor. @returns what is wrong, in words; null: it is PromQL */
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
  return rest === '' ? 'it ends too early' : `unexpected ${JSON.stringify(rest)} at character ${wrongAt + 1}`;
}
