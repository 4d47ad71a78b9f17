import { stripVTControlCharacters, styleText } from 'node:util';

/** What a line is about, at a glance. */
export type Tone = 'bad' | 'good' | 'act' | 'plain' | 'quiet';

export type Line = {
  /** When it happened, in milliseconds since the Unix epoch. */
  at: number;
  who: string;
  /** What is so in the same way for others: said of all of them in one line. */
  about?: string | undefined;
  text: string;
  tone?: Tone | undefined;
};

/** Where the words go. */
export type Paper = {
  /** Whole lines, without the end of the last one. */
  write(text: string): void;
  colours: boolean;
};

type Style = Parameters<typeof styleText>[0];

/** Wide enough for a sentence, narrow enough for any terminal. */
export const WIDTH = 100;
const STAMP = 8;
const WHO = 12;
const INDENT = ' '.repeat(STAMP + WHO + 4);

/** The same of several within so much time is one line. */
const GATHER_MS = 1000;

/** More are counted. */
const NAMED = 3;

const STYLES: Record<Tone, Style> = { bad: 'red', good: 'green', act: 'yellow', plain: 'reset', quiet: 'dim' };

/**
 * Prints what happens, in the order in which it happened, with the time since the first alert. What is said comes from
 * different places; so it is held until `knownUntil` tells that nothing earlier can come any more.
 */
export class Teller {
  readonly #paper: Paper;
  readonly #gatherMs: number;
  #held: Line[] = [];
  #zero: number | null = null;

  /** @param gathers whether things can be the same of several at once */
  constructor(paper: Paper, gathers: boolean) {
    this.#paper = paper;
    this.#gatherMs = gathers ? GATHER_MS : 0;
  }

  /** When the first alert was sent: the time is counted from here. Milliseconds since the Unix epoch. */
  get zero(): number | null {
    return this.#zero;
  }

  begin(at: number): void {
    this.#zero ??= at;
  }

  say(line: Line): void {
    this.#held.push(line);
  }

  /** Everything that has happened until then has been said. */
  knownUntil(at: number): void {
    const due = this.#held.filter((line) => line.at <= at - this.#gatherMs).toSorted((a, b) => a.at - b.at);
    while (due.length > 0) this.#print(this.#gather(due));
  }

  /** All that was said, and then this, as it is. */
  write(text: string, style: Style = 'reset'): void {
    this.knownUntil(Infinity);
    this.#paper.write(this.style(text, style));
  }

  style(text: string, style: Style): string {
    return this.#paper.colours && style !== 'reset' ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Takes the first line off, with all that say the same of others about that time. */
  #gather(due: Line[]): Line {
    const [first] = due;
    if (first === undefined) throw new Error('there is no line to print');
    const same = this.#held
      .filter((line) => line === first || (isSame(line, first) && line.at - first.at <= this.#gatherMs))
      .toSorted((a, b) => a.at - b.at);
    this.#held = this.#held.filter((line) => !same.includes(line));
    for (const line of same) due.splice(due.indexOf(line), due.includes(line) ? 1 : 0);
    const abouts = [...new Set(same.flatMap(({ about }) => about ?? []))];
    const more = abouts.length - NAMED;
    const about = abouts.slice(0, more > 1 ? NAMED : undefined).join(', ') + (more > 1 ? ` and ${more} more` : '');
    return { ...first, text: about === '' ? first.text : `${about}: ${first.text}` };
  }

  #print({ at, who, text, tone = 'plain' }: Line): void {
    const [first, ...rest] = wrap(oneLine(text), WIDTH - INDENT.length);
    const stamp = this.style(stampOf(at, this.#zero), 'dim');
    const name = this.style(who.padEnd(WHO), tone === 'quiet' ? 'dim' : 'bold');
    const lines = [`${stamp}  ${name}  ${this.style(first, STYLES[tone])}`];
    lines.push(...rest.map((line) => INDENT + this.style(line, STYLES[tone])));
    this.#paper.write(lines.join('\n'));
  }
}

const isSame = (a: Line, b: Line): boolean =>
  a.about !== undefined && b.about !== undefined && a.who === b.who && a.text === b.text;

/** `+00:04.2`; before the first alert there is nothing to count from. */
export function stampOf(at: number, zero: number | null): string {
  if (zero === null || at < zero) return ' '.repeat(STAMP);
  const tenths = Math.round((at - zero) / 100);
  const minutes = Math.floor(tenths / 600);
  const seconds = ((tenths % 600) / 10).toFixed(1);
  return `+${String(minutes).padStart(2, '0')}:${seconds.padStart(4, '0')}`;
}

/** What others have written must not move the cursor. */
export const oneLine = (text: string): string => stripVTControlCharacters(text).replaceAll(/\s+/g, ' ').trim();

/** Breaks between words where it can. @param width at least 1 */
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
