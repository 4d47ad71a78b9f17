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

/** A date, a time of day, or both. */
const MOMENT =
  /(?<![\w.:/@#-])(?:\d{4}-\d\d-\d\d(?:(?:T| (?:at )?)\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?|\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?)(?: ?(?:[ap]m|UTC|GMT|Z|[-+]\d\d:?\d\d)\b)?(?![\w:-])/giu;

/** A whole number by itself, and not within a name, an address, or a version. */
const NUMBER = /(?<![\w.,:/@#$-])(?:\d{1,3}(?:,\d{3})+|\d+)(?![\w:/%-]|[.,]\d)/gu;

/** How far from a number words tell what it is, in UTF-16 code units. */
const NEAR_CHARS = 64;

/**
 * What is between a number and the things that it counts, in the plural, and what can be before the number. A list of words: after
 * another one, such as in "shard 7 loses messages", the number can belong to that name.
 */
const COUNTED = /^ (?:of (?:[\d…]+ )?)?(?:[\p{L}\-]+ )?[\p{L}\-]*[\p{L}--[su]]s\b/iv;
const BEFORE_COUNT =
  /(?:^|[:(=] ?|(?:^|[\s(])(?:has|have|had|got|with|of|are|is|was|were|at|by|to|in|only|about|now|still|already|currently|saw|found|lost|holds|contains|reached|another) )$/iu;
/** A status of HTTP, which names the failure, and is no number of failures. */
const STATUS = /^[45]\d\d$/;
const FAILED = /^ (?:[\p{L}-]+ ){0,2}(?:errors|responses|answers|failures)\b/iu;
/** What a number at the end of a title measures. */
const QUANTITY =
  /(?:\b(?:length|size|depth|count|backlog|lag|load|total|number of [\p{L} \-]+|\p{L}+[\p{L}--[su]]s(?: \p{L}+)?) ?(?:[:=]|(?:is|are|was|were|at|of|now|currently|reached|rose to|grew to)(?: now| currently| at)?) ?)$/iv;

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
export const lastingTitle = (title: string): string => shortened(title, withoutValues(title));

/**
 * Returns the title of an alert as the name of its rule: without measured values, counts, and moments, which differ whenever the rule
 * fires. Numbers that can be part of a name stay.
 *
 * @example 'Queue has 4711 messages' becomes 'Queue has … messages'
 * @example 'Backup of shard 7 failed at 10:01' becomes 'Backup of shard 7 failed'
 */
export const ruleTitle = (title: string): string =>
  shortened(title, withoutCounts(withoutValues(title).replaceAll(MOMENT, OMITTED)));

const isLimit = (before: string, after: string): boolean => BEFORE_LIMIT.test(before) || AFTER_LIMIT.test(after);

const withoutValues = (title: string): string =>
  title.replaceAll(VALUE, (value: string, at: number) =>
    isLimit(title.slice(0, at), title.slice(at + value.length)) ? value : `${OMITTED}${/ $/.exec(value)?.[0] ?? ''}`,
  );

const withoutCounts = (title: string): string =>
  title.replaceAll(NUMBER, (number: string, at: number) => {
    const before = title.slice(Math.max(0, at - NEAR_CHARS), at);
    const after = title.slice(at + number.length, at + number.length + NEAR_CHARS);
    if (isLimit(before, after)) return number;
    const isCounted = BEFORE_COUNT.test(before) && COUNTED.test(after) && !(STATUS.test(number) && FAILED.test(after));
    return isCounted || (QUANTITY.test(before) && /^[\s.)\]!]*$/.test(after)) ? OMITTED : number;
  });

/** Returns a title without omitted values that no words need. */
function shortened(title: string, omitted: string): string {
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
