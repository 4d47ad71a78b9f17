import { type AST, RegExpParser, visitRegExpAST } from '@eslint-community/regexpp';

/*
 * Counts the steps of a pattern in a backtracking engine, on texts that repeat parts of the pattern. The count does not
 * depend on the machine: a pattern whose steps grow faster than the text is slow on long texts.
 */

/** More steps are not counted: an exponential pattern would not end. */
const STEPS_MAX = 2_000_000;

class TooManySteps extends Error {}

/** Matches from a position. Calls `next` with each end, until it returns true. */
type Matcher = (at: number, next: (end: number) => boolean) => boolean;

type Text = { text: string; steps: number; groups: Map<AST.CapturingGroup, string> };

/** Compiles a part of a pattern. @param back whether it is read from right to left, as inside a lookbehind */
function compile(node: AST.Node, flags: string, input: Text, back = false): Matcher {
  const step = (): void => {
    input.steps += 1;
    if (input.steps > STEPS_MAX) throw new TooManySteps();
  };
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the other nodes read no text of their own
  switch (node.type) {
    case 'Pattern':
    case 'Group':
    case 'CapturingGroup': {
      const choices = node.alternatives.map((alternative) => compile(alternative, flags, input, back));
      const group = node.type === 'CapturingGroup' ? node : undefined;
      return (at, next) =>
        choices.some((choice) =>
          choice(at, (end) => {
            if (group !== undefined) input.groups.set(group, input.text.slice(Math.min(at, end), Math.max(at, end)));
            return next(end);
          }),
        );
    }
    case 'Alternative': {
      const elements = node.elements.map((element) => compile(element, flags, input, back));
      const ordered = back ? elements.toReversed() : elements;
      return ordered.reduceRight<Matcher>(
        (rest, element) => (at, next) => element(at, (end) => rest(end, next)),
        (at, next) => next(at),
      );
    }
    case 'Quantifier': {
      const element = compile(node.element, flags, input, back);
      const repeat = (at: number, count: number, next: (end: number) => boolean): boolean => {
        step();
        const more = () =>
          count < node.max && element(at, (end) => (end !== at || count < node.min) && repeat(end, count + 1, next));
        if (count < node.min) return more();
        return node.greedy ? more() || next(at) : next(at) || more();
      };
      return (at, next) => repeat(at, 0, next);
    }
    case 'Assertion': {
      if (node.kind === 'lookahead' || node.kind === 'lookbehind') {
        const isBehind = node.kind === 'lookbehind';
        const choices = node.alternatives.map((alternative) => compile(alternative, flags, input, isBehind));
        return (at, next) => choices.some((choice) => choice(at, () => true)) !== node.negate && next(at);
      }
      const test = new RegExp(node.raw, `${flags}y`);
      return (at, next) => {
        step();
        test.lastIndex = at;
        return test.test(input.text) && next(at);
      };
    }
    case 'Backreference': {
      const [group] = [node.resolved].flat();
      return (at, next) => {
        step();
        const text = group === undefined ? '' : (input.groups.get(group) ?? '');
        const end = back ? at - text.length : at + text.length;
        return input.text.slice(Math.min(at, end), Math.max(at, end)) === text && next(end);
      };
    }
    default: {
      const accepts = acceptor(node.raw, flags);
      return (at, next) => {
        step();
        const char = input.text[back ? at - 1 : at];
        return char !== undefined && accepts(char) && next(back ? at - 1 : at + 1);
      };
    }
  }
}

/** Few different parts occur in thousands of patterns and texts. */
const acceptors = new Map<string, (char: string) => boolean>();

/** Returns whether a part of a pattern for one character accepts a character. */
function acceptor(raw: string, flags: string): (char: string) => boolean {
  const name = `${flags}/${raw}`;
  const known = acceptors.get(name) ?? newAcceptor(raw, flags);
  acceptors.set(name, known);
  return known;
}

function newAcceptor(raw: string, flags: string): (char: string) => boolean {
  const pattern = new RegExp(`^${raw}$`, flags);
  const known = new Map<string, boolean>();
  return (char) => {
    const accepted = known.get(char) ?? pattern.test(char);
    known.set(char, accepted);
    return accepted;
  };
}

/** Characters that few patterns accept, in lines of their own. */
const REFUSED = '\n\u0001\n\u0001';

const CANDIDATES = [...'aA0 _-.:/"\'`\\=,;@([{<>)]}!~#$%^&*+?|xeEzZ19Tt\n\té'];

/** Returns a text that a part of a pattern accepts, as a rule. */
function sample(node: AST.Node, flags: string): string {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the other nodes read no text of their own
  switch (node.type) {
    case 'Character':
      return String.fromCodePoint(node.value);
    case 'CharacterSet':
    case 'CharacterClass':
    case 'ExpressionCharacterClass':
      return CANDIDATES.find(acceptor(node.raw, flags)) ?? '';
    case 'Pattern':
    case 'Group':
    case 'CapturingGroup':
      return sample(node.alternatives[0] ?? node, flags);
    case 'Alternative':
      return node.elements.map((element) => sample(element, flags)).join('');
    case 'Quantifier':
      return sample(node.element, flags).repeat(Math.min(Math.max(node.min, 1), 8));
    default:
      return '';
  }
}

/** Returns a character that a class does not accept. */
const refusedBy = ({ raw }: AST.CharacterClass, flags: string): string => {
  const accepts = acceptor(raw, flags);
  return CANDIDATES.find((char) => !accepts(char)) ?? REFUSED;
};

type Pump = { beginning: string; repeated: string; end: string };

/** Returns texts to repeat, with beginnings that lead to them and ends that let the match fail. */
function pumpsOf(pattern: AST.Pattern, flags: string): Pump[] {
  const repeated = new Set<string>();
  const beginnings = new Set<string>(['', '\u0001']);
  const ends = new Set<string>([REFUSED]);
  const add = (node: AST.Node): void => void repeated.add(sample(node, flags).slice(0, 100));
  visitRegExpAST(pattern, {
    onCharacterSetEnter: add,
    onCharacterClassEnter: add,
    onCharacterEnter: add,
    onQuantifierEnter({ element, parent }) {
      add(element);
      if (element.type === 'CharacterClass') ends.add(refusedBy(element, flags));
      const elements = parent.type === 'Alternative' ? parent.elements : [];
      const before = elements.slice(
        0,
        elements.findIndex((one) => one.type === 'Quantifier' && one.element === element),
      );
      beginnings.add(
        before
          .map((one) => sample(one, flags))
          .join('')
          .slice(0, 100),
      );
    },
    onAlternativeEnter: add,
  });
  repeated.delete('');
  repeated.add('\n');
  const short = [...repeated].filter((text) => text.length < 3).slice(0, 6);
  const pairs = short.flatMap((one) => short.filter((other) => other !== one).map((other) => one + other));
  return [...beginnings]
    .slice(0, 8)
    .flatMap((beginning) =>
      [...[...repeated].slice(0, 24), ...pairs].flatMap((text) =>
        [...ends].slice(0, 3).map((end) => ({ beginning, repeated: text, end })),
      ),
    );
}

/** Returns the steps to find all matches in a text. @param sticky each match begins where the one before ended */
function stepsOn(pattern: AST.Pattern, flags: string, sticky: boolean, text: string): number {
  const input: Text = { text, steps: 0, groups: new Map() };
  const matcher = compile(pattern, flags, input);
  let at = 0;
  try {
    while (at <= text.length) {
      let end = at;
      const isFound = matcher(at, (found) => {
        end = found;
        return true;
      });
      if (sticky && !isFound) break;
      at = Math.max(end, at + 1);
    }
  } catch (error) {
    if (!(error instanceof TooManySteps || error instanceof RangeError)) throw error;
    return STEPS_MAX;
  }
  return input.steps;
}

const textOf = ({ beginning, repeated, end }: Pump, length: number): string =>
  beginning + repeated.repeat(Math.ceil(length / repeated.length)) + end;

/** Without a part that repeats, steps do not depend on the text's length. */
function canRepeat(pattern: AST.Pattern): boolean {
  let found = false;
  visitRegExpAST(pattern, {
    onQuantifierEnter: ({ max }) => {
      found ||= max > 1;
    },
  });
  return found;
}

/**
 * Returns a text on which the steps grow faster than its length. Undefined: none of the tried texts.
 *
 * @param source the pattern, without slashes
 */
export function slowText(source: string, allFlags: string): string | undefined {
  const flags = allFlags.replaceAll(/[dgy]/g, '');
  const pattern = new RegExpParser().parsePattern(source, 0, source.length, {
    unicode: flags.includes('u'),
    unicodeSets: flags.includes('v'),
  });
  if (!canRepeat(pattern)) return undefined;
  const slow = pumpsOf(pattern, flags).find((pump) => {
    const count = (length: number): number => stepsOn(pattern, flags, allFlags.includes('y'), textOf(pump, length));
    // Linear patterns need a few steps for each character; the others are counted on a text of four times the length.
    const steps = count(128);
    if (steps < 20 * 128) return false;
    return steps === STEPS_MAX || count(512) > 7 * steps;
  });
  return (
    slow &&
    `${JSON.stringify(slow.beginning)} + ${JSON.stringify(slow.repeated)} repeated + ${JSON.stringify(slow.end)}`
  );
}
