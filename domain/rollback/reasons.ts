import type { Reason } from '../../schemas/incidents/reason.ts';

/** Removes what a reason that is given before says already: evidence against a suspect can be against every change. */
export function notSaid<R extends Pick<Reason, 'text'>>(reasons: readonly R[], said: readonly Reason[]): R[] {
  const texts = new Set(said.map(({ text }) => withoutIntroduction(text)));
  return reasons.filter(({ text }) => !texts.has(withoutIntroduction(text)));
}

/** Returns the reasons of a suspect that are not said yet; all of them if nothing would be left. */
export function suspectReasons(reasons: readonly string[], said: readonly Reason[]): string[] {
  const others = notSaid(
    reasons.map((text) => ({ text })),
    said,
  );
  return others.length === 0 ? [...reasons] : others.map(({ text }) => text);
}

const withoutIntroduction = (text: string): string => text.replace(/^(?:evidence )?against it: /, '');
