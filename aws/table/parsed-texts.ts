/**
 * What texts say, for those who read the same ones again and again: to find one that was parsed before is much faster
 * than to parse it. Of more than `max` texts those go that were asked for longest ago. Nobody may change what it gives.
 */
export class ParsedTexts<T> {
  readonly #parse: (text: string) => T;
  readonly #max: number;
  readonly #parsed = new Map<string, T>();

  constructor(parse: (text: string) => T, max: number) {
    this.#parse = parse;
    this.#max = max;
  }

  of(text: string): T {
    const value = this.#parsed.has(text) ? (this.#parsed.get(text) as T) : this.#parse(text);
    this.#parsed.delete(text);
    this.#parsed.set(text, value);
    for (const oldest of this.#parsed.keys()) {
      if (this.#parsed.size <= this.#max) break;
      this.#parsed.delete(oldest);
    }
    return value;
  }
}
