/**
 * A number with what it measures: a share, a duration, a size, a rate, or a fraction as monitoring prints it. A number within a
 * name, such as a version, an address, or a status code, is none, nor is a duration with which a title begins: the window of a rule.
 */
const VALUE = new RegExp(
  String.raw`(?<![\w.:/@#-])[-+]?(?:` +
    [
      String.raw`\d[\d,]*(?:\.\d+)? ?(?:%|percent\b|per cent\b)`,
      String.raw`(?<!^[-+]?)(?:\d+(?:\.\d+)?(?:d|h|min|m|s|ms) ?)*\d+(?:\.\d+)? ?(?:ms|milliseconds?|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)(?![\w/])`,
      String.raw`\d[\d,]*(?:\.\d+)? ?(?:[kMGTP]i?)?(?:B|bytes)(?!\w)(?:/s(?:ec)?)?`,
      String.raw`\d[\d,]*(?:\.\d+)? ?(?:rps|qps|req/s|requests/s|requests per second|/s)(?!\w)`,
      String.raw`(?!\d{4}\.)\d+\.\d{3,}(?:e[-+]?\d+)?(?![\w.])`,
      String.raw`\d+(?:\.\d+)?e[-+]\d+(?![\w.])`,
    ].join('|') +
    ')',
  'gu',
);

/** What comes before a limit or a window, which is part of the rule and does not change. */
const BEFORE_LIMIT =
  /(?:[<>≤≥]=?|\b(?:above|over|below|under|than|exceed(?:s|ed|ing)?|beyond|at least|at most|within|last|past|every|each|for|after|since|longer|timeout|limit|threshold|target|objective|slo|window)(?: (?:is|of|the))*:?) ?$/iu;

const AFTER_LIMIT = /^ (?:limit|threshold|target|objective|slo|window)\b/iu;

const OMITTED = '…';

/** An omitted value at the end of a title. What remains of its statement before it, from the end: marks, and words. */
const OMITTED_LAST = /…[\s.]*$/u;
const DANGLING_MARK = /[\s:=,;–-]/u;
const DANGLING_WORD = /(?<!\w)(?:is|are|was|now|currently|at|of|by|to|in|with)$/iu;
const DANGLING_WORD_CHARS = 'currently'.length;

/**
 * Of what is good, only the value says that too little of it is the problem. A list of words, because neither the value nor the
 * sentence tells what is good: "success rate is 97 %" reads like "disk usage is 97 %". With an unknown word, the value is left out.
 */
const GOOD = /\b(?:success\w*|succe\w+|availab\w*|uptime|health\w*|free|left|remain\w*)\b/iu;

/**
 * Returns the title of an alert without measured values, which are of a moment: it names the problem as long as it lasts, and is the
 * same whenever the alert fires. Limits stay.
 *
 * @example 'orders error rate is 6.392 %' becomes 'orders error rate'
 * @example 'orders fails 16 % of its requests' becomes 'orders fails … of its requests'
 */
export function lastingTitle(title: string): string {
  const omitted = title.replaceAll(VALUE, (value: string, at: number) =>
    BEFORE_LIMIT.test(title.slice(0, at)) || AFTER_LIMIT.test(title.slice(at + value.length))
      ? value
      : `${OMITTED}${/ $/.exec(value)?.[0] ?? ''}`,
  );
  if (omitted === title) return title;
  const short = omitted.replaceAll(/ ?\((?:[\w ]+[:=] ?)?…\)| ?\[(?:[\w ]+[:=] ?)?…\]/gu, '').trim();
  const lasting = GOOD.test(title) ? short : withoutLastStatement(short);
  return /\p{L}/u.test(lasting) ? lasting : title;
}

/** Removes an omitted value from the end of a title, with what remains of its statement. */
function withoutLastStatement(title: string): string {
  const omitted = OMITTED_LAST.exec(title);
  if (omitted === null) return title;
  let end = omitted.index;
  for (let before = -1; before !== end;) {
    before = end;
    while (DANGLING_MARK.test(title.charAt(end - 1))) end -= 1;
    end -= DANGLING_WORD.exec(title.slice(Math.max(0, end - DANGLING_WORD_CHARS - 1), end))?.[0].length ?? 0;
  }
  return title.slice(0, end);
}
