import { stripVTControlCharacters, styleText } from 'node:util';

/** Color of a line. */
export type Tone = 'bad' | 'good' | 'act' | 'plain' | 'quiet';

export type Line = {
  /** When it happened, in milliseconds since the Unix epoch. */
  at: number;
  speaker: string;
  /** Subject of the line. Equal lines about several subjects are merged. */
  about?: string | undefined;
  text: string;
  tone?: Tone | undefined;
};

/** The terminal or file that the narrator writes to. */
export type Output = {
  /** Writes whole lines. The last one has no line break. */
  write(text: string): void;
  colours: boolean;
};

type Style = Parameters<typeof styleText>[0];

/** Line width in characters. */
export const WIDTH = 100;
const STAMP_CHARS = 8;
const SPEAKER_CHARS = 12;
const INDENT = ' '.repeat(STAMP_CHARS + SPEAKER_CHARS + 4);

/** Equal lines within this time are merged. */
const MERGE_WITHIN_MS = 1000;

/** How many subjects a merged line names. The rest are counted. */
const SUBJECTS_NAMED = 3;

const STYLES: Record<Tone, Style> = { bad: 'red', good: 'green', act: 'yellow', plain: 'reset', quiet: 'dim' };

/**
 * Prints events in order, with the time since the first alert. Events come from several sources, so lines are held until
 * `completeUntil` confirms that no earlier one can follow.
 */
export class Narrator {
  readonly #output: Output;
  readonly #mergeWithinMs: number;
  #held: Line[] = [];
  #firstAlertAt: number | null = null;

  /** @param mergesLines whether to merge equal lines about several subjects */
  constructor(output: Output, mergesLines: boolean) {
    this.#output = output;
    this.#mergeWithinMs = mergesLines ? MERGE_WITHIN_MS : 0;
  }

  /** Time of the first alert, from which times are counted. Milliseconds since the Unix epoch. */
  get firstAlertAt(): number | null {
    return this.#firstAlertAt;
  }

  setFirstAlert(at: number): void {
    this.#firstAlertAt ??= at;
  }

  say(line: Line): void {
    this.#held.push(line);
  }

  /**
   * Prints held lines up to this time, except for the newest, into which a later line may be merged. Call it when no earlier
   * line can follow.
   */
  completeUntil(at: number): void {
    const due = this.#held.filter((line) => line.at <= at - this.#mergeWithinMs).toSorted((a, b) => a.at - b.at);
    while (due.length > 0) this.#print(this.#takeMerged(due));
  }

  /** Prints all held lines, then this text as is. */
  write(text: string, style: Style = 'reset'): void {
    this.completeUntil(Infinity);
    this.#output.write(this.style(text, style));
  }

  style(text: string, style: Style): string {
    return this.#output.colours && style !== 'reset' ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Removes the first line and merges equal lines of about the same time into it. */
  #takeMerged(due: Line[]): Line {
    const [first] = due;
    if (first === undefined) throw new Error('no line to print');
    const same = this.#held
      .filter((line) => line === first || (isSame(line, first) && line.at - first.at <= this.#mergeWithinMs))
      .toSorted((a, b) => a.at - b.at);
    this.#held = this.#held.filter((line) => !same.includes(line));
    // Lines that are not due yet can be merged, too.
    for (const line of same) if (due.includes(line)) due.splice(due.indexOf(line), 1);
    const subjects = [...new Set(same.flatMap(({ about }) => about ?? []))];
    const unnamed = subjects.length - SUBJECTS_NAMED;
    // The name of a single further subject is printed instead of `and 1 more`.
    const about =
      subjects.slice(0, unnamed > 1 ? SUBJECTS_NAMED : undefined).join(', ') +
      (unnamed > 1 ? ` and ${unnamed} more` : '');
    return { ...first, text: about === '' ? first.text : `${about}: ${first.text}` };
  }

  #print({ at, speaker, text, tone = 'plain' }: Line): void {
    const [first, ...rest] = wrap(oneLine(text), WIDTH - INDENT.length);
    const stamp = this.style(stampOf(at, this.#firstAlertAt), 'dim');
    const name = this.style(speaker.padEnd(SPEAKER_CHARS), tone === 'quiet' ? 'dim' : 'bold');
    const lines = [`${stamp}  ${name}  ${this.style(first, STYLES[tone])}`];
    lines.push(...rest.map((line) => INDENT + this.style(line, STYLES[tone])));
    this.#output.write(lines.join('\n'));
  }
}

const isSame = (a: Line, b: Line): boolean =>
  a.about !== undefined && b.about !== undefined && a.speaker === b.speaker && a.text === b.text;

/** Returns a time such as `+00:04.2`; blanks before the first alert. */
export function stampOf(at: number, firstAlertAt: number | null): string {
  if (firstAlertAt === null || at < firstAlertAt) return ' '.repeat(STAMP_CHARS);
  const tenths = Math.round((at - firstAlertAt) / 100);
  const minutes = Math.floor(tenths / 600);
  const seconds = ((tenths % 600) / 10).toFixed(1);
  return `+${String(minutes).padStart(2, '0')}:${seconds.padStart(4, '0')}`;
}

/** Removes control characters from untrusted text. */
export const oneLine = (text: string): string => stripVTControlCharacters(text).replaceAll(/\s+/g, ' ').trim();

/** Breaks text into lines, between words where possible. @param width at least 1 */
export function wrap(text: string, width: number): [string, ...string[]] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    for (; line.length > width; line = line.slice(width)) lines.push(line.slice(0, width));
  }
  const [first, ...rest] = [...lines, line];
  return [first ?? '', ...rest];
}
