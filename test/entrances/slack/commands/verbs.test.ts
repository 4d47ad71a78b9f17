import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Button } from '../../../../schemas/slack/button.ts';
import { TYPED, verbOf } from '../../../../entrances/slack/commands/lookup.ts';
import { FEATURE_VERBS } from '../../../../features/verbs.ts';
import { RUNS, VERBS } from '../../../../entrances/slack/commands/index.ts';
import { FEATURE_RUNS } from '../../../../entrances/slack/execution/execute.ts';
import { type AnyVerb, COMMANDS, type Verb } from '../../../../entrances/slack/commands/verb.ts';

const read = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

const verbs = [...Object.keys(VERBS), ...Object.keys(FEATURE_VERBS)].map((act) => verbOf({ act }));
const typed = COMMANDS.flatMap((command) => TYPED[command]);

/** A verb without a permission, or without its help, is a type error. */
const PARTS = { command: 'incident', name: 'x', usage: 'x', description: 'x', parse: () => ({}) } as const;
// @ts-expect-error: no permission
export const NO_PERMISSION: Verb<object> = PARTS;
const { description: _description, ...unexplained } = PARTS;
// @ts-expect-error: no help
export const NO_HELP: Verb<object> = { permission: 'incidents:read', ...unexplained };
const { usage: _usage, ...unusable } = PARTS;
// @ts-expect-error: no usage
export const NO_USAGE: Verb<object> = { permission: 'incidents:read', ...unusable };
// @ts-expect-error: an argument may be missing, and no dialog asks for it
export const NOT_COMPLETE: Verb<{ text: string | null }, { text: string }> = {
  ...PARTS,
  permission: 'incidents:read',
  parse: () => ({ text: null }),
};

describe('the list of verbs', () => {
  test('has one verb for each button', () => {
    const buttons = Button.options.flatMap(({ shape: { verb } }) => ('options' in verb ? verb.options : [verb.value]));
    expect(buttons.length).toBeGreaterThan(10);
    expect(verbs.flatMap(({ buttons: of = {} }) => Object.keys(of)).toSorted()).toEqual([...buttons].toSorted());
  });

  test('has a dialog for each button that opens one', () => {
    const opens = ({ buttons = {} }: AnyVerb): boolean => Object.values(buttons).includes('dialog');
    expect(verbs.filter((verb) => opens(verb) && (verb.dialog === undefined || verb.ofIncident !== true))).toEqual([]);
  });

  test('has a function for each verb', () => {
    expect(Object.keys(RUNS)).toEqual(Object.keys(VERBS));
    expect(Object.keys(FEATURE_RUNS)).toEqual(Object.keys(FEATURE_VERBS));
  });

  test('has each name, alias, and dialog once', () => {
    for (const command of COMMANDS) {
      const names = TYPED[command].flatMap(({ name, aliases: also = [] }) => [name, ...also]);
      expect(names).toEqual([...new Set(names)]);
    }
    const dialogs = verbs.flatMap(({ dialog }) => dialog?.id ?? []);
    expect(dialogs).toEqual([...new Set(dialogs)]);
  });

  test('has the subcommands that Slack shows as hints', () => {
    const { features } = parse(read('entrances/slack/manifest.yaml'));
    for (const { command, usage_hint: hint } of features.slash_commands) {
      const of = typed.filter((verb) => `/${verb.command}` === command);
      if (of.length === 1) expect(hint).toBe(of[0]?.usage);
      else expect([...of.map(({ name }) => name), 'help']).toEqual(expect.arrayContaining(hint.match(/\w+/g)));
    }
  });
});

test('the table in docs/reference/slack-commands.md lists every verb as it is entered', () => {
  const table =
    /^## Commands\n[^]*?\n\| Command \|.*\n\|---.*\n((?:\|.*\n)+)/m.exec(
      read('docs/reference/slack-commands.md'),
    )?.[1] ?? '';
  const entered = table.split('\n').flatMap((row) => {
    const [, cell = ''] = row.replaceAll(String.raw`\|`, '¦').split('|');
    let command = '';
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => {
      command = /^\/\w+/.exec(code)?.[0] ?? command;
      return code.startsWith('/') ? code.replaceAll('¦', '|') : `${command} ${code}`;
    });
  });
  const usages = typed.map(({ command, usage }) => `/${command} ${usage}`);
  expect(entered.filter((one) => one !== '/incident' && !one.endsWith(' help')).toSorted()).toEqual(usages.toSorted());
});
