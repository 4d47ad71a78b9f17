/**
 * Caches parsed texts for callers that read the same ones repeatedly: a lookup is much faster than parsing. Above `max`
 * texts, the least recently used ones are dropped. The returned values must not be modified.
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
