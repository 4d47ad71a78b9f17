import { stripVTControlCharacters, styleText } from 'node:util';

/** What a line is about, at a glance. */
export type Tone = 'bad' | 'good' | 'act' | 'plain' | 'quiet';

/** `at`: milliseconds since the Unix epoch, now when it is not given. */
export type Say = (who: string, text: string, tone?: Tone, at?: number) => void;

/** Where the words go. */
export type Paper = {
  /** @param text whole lines, without the end of the last one */
  write(text: string): void;
  colours: boolean;
};

/** Wide enough for a sentence, narrow enough for any terminal. */
const WIDTH = 100;
const STAMP = 8;
const WHO = 12;
const INDENT = ' '.repeat(STAMP + WHO + 4);

/**
 * Lines are held back for so long, because they come from different places: what happened first is told first, even if
 * it was heard of later.
 */
const HOLD_BACK_MS = 600;
const LOOK_EVERY_MS = 50;

const STYLES: Record<Tone, Parameters<typeof styleText>[0]> = {
  bad: 'red',
  good: 'green',
  act: 'yellow',
  plain: 'reset',
  quiet: 'dim',
};

/** Prints what happens, in the order in which it happened, with the time since the first alert. */
export class Teller {
  readonly #paper: Paper;
  readonly #timer: NodeJS.Timeout;
  #held: { at: number; who: string; text: string; tone: Tone }[] = [];
  #zero: number | null = null;

  constructor(paper: Paper) {
    this.#paper = paper;
    this.#timer = setInterval(() => this.#print(Date.now() - HOLD_BACK_MS), LOOK_EVERY_MS);
  }

  /** The time since the first alert is counted from here. */
  begin(at: number): void {
    this.#zero ??= at;
  }

  /** When the first alert was sent, milliseconds since the Unix epoch. */
  get zero(): number | null {
    return this.#zero;
  }

  say: Say = (who, text, tone = 'plain', at = Date.now()) => {
    this.#held.push({ at, who, text, tone });
  };

  /** Prints as it is, after everything that has been said. */
  write(text: string, style: Parameters<typeof styleText>[0] = 'reset'): void {
    this.#print(Infinity);
    this.#paper.write(this.style(text, style));
  }

  style(text: string, style: Parameters<typeof styleText>[0]): string {
    return this.#paper.colours && style !== 'reset' ? styleText(style, text, { validateStream: false }) : text;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#print(Infinity);
  }

  #print(until: number): void {
    const due = this.#held.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
    this.#held = this.#held.filter(({ at }) => at > until);
    for (const { at, who, text, tone } of due) {
      const [first = '', ...rest] = wrap(oneLine(text), WIDTH - INDENT.length);
      const stamp = this.style(stampOf(at, this.#zero), 'dim');
      const name = this.style(who.padEnd(WHO), tone === 'quiet' ? 'dim' : 'bold');
      const lines = [`${stamp}  ${name}  ${this.style(first, STYLES[tone])}`];
      lines.push(...rest.map((line) => INDENT + this.style(line, STYLES[tone])));
      this.#paper.write(lines.join('\n'));
    }
  }
}

/** `+00:04.2`; before the first alert there is nothing to count from. */
export function stampOf(at: number, zero: number | null): string {
  if (zero === null || at < zero) return ' '.repeat(STAMP);
  const tenths = Math.round((at - zero) / 100);
  const minutes = Math.floor(tenths / 600);
  const seconds = ((tenths % 600) / 10).toFixed(1);
  return `+${String(minutes).padStart(2, '0')}:${seconds.padStart(4, '0')}`;
}

/** What others have written must not move the cursor. */
const oneLine = (text: string): string => stripVTControlCharacters(text).replaceAll(/\s+/g, ' ').trim();

/** Breaks between words where it can. @param width at least 1 */
export function wrap(text: string, width: number): string[] {
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
  return [...lines, line];
}
