import { templateParts } from './placeholders.ts';

/** Languages of queries in links. */
export type QueryLanguage = 'logql' | 'traceql' | 'kuery' | 'lucene';

/** Part of a query: text of its author, or a value in a string, which may be a regular expression. */
export type QueryPart = { text: string } | { value: string; isRegex: boolean };

/** What a language compares strings with. Null: a string can be anywhere. */
const OPERATORS: Record<QueryLanguage, { plain: RegExp; regex: RegExp } | null> = {
  logql: { plain: /(?:[^=!~|<>]|^)(?:=|!=|\|=)\s*$/, regex: /(?:=~|!~|\|~)\s*$/ },
  traceql: { plain: /(?:[^=!~<>]|^)(?:=|!=)\s*$/, regex: /(?:=~|!~)\s*$/ },
  kuery: null,
  lucene: null,
};

const NAMES: Record<QueryLanguage, string> = {
  logql: 'LogQL',
  traceql: 'TraceQL',
  kuery: 'KQL',
  lucene: 'Lucene',
};

/** Stages of LogQL whose strings are templates or paths, in which a value could have another meaning. */
const EXPRESSIONS = /\|\s*(?:label_format|line_format|json|logfmt|regexp|pattern)\b[^|]*$/;

/** Delimiters within which quotes have no meaning. */
const VERBATIM: Record<QueryLanguage, Readonly<Record<string, string>>> = {
  logql: { '`': '`', '#': '\n' },
  traceql: { '`': '`' },
  kuery: {},
  lucene: { '/': '/' },
};

/**
 * Splits a query at its placeholders, and finds out how each value must be encoded. A value is accepted in a
 * double-quoted string only: elsewhere, a label of an alert could change the query.
 *
 * @returns the parts, and what is wrong with how to correct it
 */
export function queryParts(query: string, language: QueryLanguage): { parts: QueryPart[]; problems: string[] } {
  const parts: QueryPart[] = [];
  const problems: string[] = [];
  /** The character that ends the current string, regular expression, or comment. */
  let until: string | null = null;
  let before = '';
  let kind: 'plain' | 'regex' | null = null;
  for (const part of templateParts(query)) {
    if ('value' in part) {
      const isRegex = kind === 'regex';
      if (until !== '"')
        problems.push(
          `\${{ ${part.value} }} must be in a string with double quotes, such as ${EXAMPLES[language](part.value)}`,
        );
      else if (kind === null)
        problems.push(
          `\${{ ${part.value} }} must be in a string that is compared, such as ${EXAMPLES[language](part.value)}`,
        );
      parts.push({ value: part.value, isRegex });
      before += 'x';
      continue;
    }
    parts.push(part);
    for (let at = 0; at < part.text.length; at += 1) {
      const char = part.text.charAt(at);
      if (char === '\\' && until !== '`' && until !== '\n') {
        before += 'x';
        at += 1;
        continue;
      }
      if (until === null) {
        const opened: string | undefined = char === '"' ? '"' : VERBATIM[language][char];
        if (opened !== undefined) {
          if (opened !== '\n') kind = comparisonOf(before, language, kind);
          until = opened;
        }
      } else if (char === until) until = null;
      before += char;
    }
  }
  if (until === '"') problems.push(`a string is not closed in this ${NAMES[language]} query`);
  return { parts, problems };
}

/** Returns how the string that begins here is compared. `or` continues the comparison before it. */
function comparisonOf(
  before: string,
  language: QueryLanguage,
  last: 'plain' | 'regex' | null,
): 'plain' | 'regex' | null {
  const operators = OPERATORS[language];
  if (operators === null) return 'plain';
  if (language === 'logql' && EXPRESSIONS.test(before)) return null;
  if (operators.regex.test(before)) return 'regex';
  if (operators.plain.test(before)) return 'plain';
  return /["`]\s*or\s*$/.test(before) ? last : null;
}

const EXAMPLES: Record<QueryLanguage, (name: string) => string> = {
  logql: (name) => `{app="\${{ ${name} }}"}`,
  traceql: (name) => `{resource.service.name="\${{ ${name} }}"}`,
  kuery: (name) => `service.name : "\${{ ${name} }}"`,
  lucene: (name) => `service.name:"\${{ ${name} }}"`,
};
