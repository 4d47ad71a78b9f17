import { IncidentRole } from '../../../schemas/people/response-roles.ts';
import { nearest } from '../../runbooks/nearest.ts';
import { nearestSeverity, severitiesInWords, severityIn } from './severity.ts';
import { userIn } from './text.ts';
import { type Form, type Given, type CommandRequest, type Wrong } from './wanted.ts';

/** Subcommands of `/incident`. In an incident's channel, they refer to that incident. */
export const INCIDENT: readonly Form[] = [
  {
    verb: 'declare',
    also: ['new', 'open', 'create', 'start'],
    usage: 'declare [TITLE]',
    says: 'declare an incident; /incident alone does the same',
    read: ({ from }) => ({ act: 'declare', title: from(0) }),
  },
  { verb: 'list', also: ['ls'], usage: 'list', says: 'list open incidents', read: alone({ act: 'list' }) },
  {
    verb: 'status',
    ofIncident: true,
    also: ['show', 'info', 'summary'],
    usage: 'status',
    says: 'show the status of this incident',
    read: alone({ act: 'status' }),
  },
  {
    verb: 'severity',
    ofIncident: true,
    also: ['sev', 'level'],
    usage: 'severity LEVEL',
    says: 'set the severity: critical (SEV1, P1), warning (SEV2, SEV3), or info',
    read: severity,
  },
  {
    verb: 'ack',
    ofIncident: true,
    also: ['acknowledge'],
    usage: 'ack',
    says: 'acknowledge the incident and its pages',
    read: alone({ act: 'acknowledge' }),
  },
  {
    verb: 'roles',
    ofIncident: true,
    also: ['who'],
    usage: 'roles',
    says: 'show the roles and who has them',
    read: alone({ act: 'roles' }),
  },
  {
    verb: 'take',
    ofIncident: true,
    also: ['claim', 'lead'],
    usage: 'take [ROLE]',
    says: 'take a role: commander (the default), communications, or scribe',
    read: take,
  },
  {
    verb: 'leave',
    ofIncident: true,
    also: ['drop', 'unassign', 'step-down'],
    usage: 'leave [ROLE]',
    says: 'leave a role; without a role, all your roles',
    read: leave,
  },
  {
    verb: 'assign',
    ofIncident: true,
    usage: 'assign ROLE @USER',
    says: 'assign a role to another person',
    read: assign,
  },
  {
    verb: 'handover',
    ofIncident: true,
    also: ['hand-over', 'handoff', 'hand-off'],
    usage: 'handover @USER [SUMMARY]',
    says: 'hand over command, with a short summary',
    read: handover,
  },
  {
    verb: 'update',
    ofIncident: true,
    also: ['publish', 'say'],
    usage: 'update [TEXT]',
    says: 'send an update to stakeholders',
    read: ({ from }) => ({ act: 'update', text: from(0) }),
  },
  {
    verb: 'note',
    ofIncident: true,
    usage: 'note TEXT',
    says: 'add a note to the timeline; to add a message, mark it with 📌',
    read: note,
  },
  {
    verb: 'resolve',
    ofIncident: true,
    also: ['close', 'done', 'resolved'],
    usage: 'resolve [NOTE]',
    says: 'resolve the incident',
    read: ({ from }) => ({ act: 'resolve', note: from(0) }),
  },
];

/** Returns a parser for subcommands without arguments. */
export function alone(wanted: CommandRequest): Form['read'] {
  return ({ words }) => (words.length === 0 ? wanted : { wrong: 'this command takes no arguments', instead: '' });
}

function severity({ words }: Given): CommandRequest | Wrong {
  const [level] = words;
  if (level === undefined) return { act: 'severity', severity: null };
  const found = severityIn(words.length === 2 ? words.join('') : level); // "sev 1"
  if (found !== undefined) return { act: 'severity', severity: found };
  return { wrong: severitiesInWords(), instead: severityIn(level) ?? nearestSeverity(level) ?? null };
}

const ROLES: Readonly<Record<string, IncidentRole>> = {
  ...Object.fromEntries(IncidentRole.options.map((role) => [role, role])),
  ...Object.fromEntries(['command', 'ic', 'lead', 'incident-commander'].map((word) => [word, 'commander'])),
  ...Object.fromEntries(['comms', 'communication', 'comm'].map((word) => [word, 'communications'])),
  ...Object.fromEntries(['notes', 'scribbler', 'writer'].map((word) => [word, 'scribe'])),
};

const roleIn = (word: string): IncidentRole | undefined =>
  Object.hasOwn(ROLES, word.toLowerCase()) ? ROLES[word.toLowerCase()] : undefined;

const ROLES_IN_WORDS = 'commander, communications, or scribe';

function noRole(word: string, after = ''): Wrong {
  const wrong = `unknown role "${word}": use ${ROLES_IN_WORDS}`;
  const near = nearest(word, Object.keys(ROLES));
  return near === null ? { wrong } : { wrong, instead: `${ROLES[near] ?? near}${after}` };
}

function take({ words }: Given): CommandRequest | Wrong {
  const word = words.join('-') || 'commander';
  const role = roleIn(word);
  return role === undefined ? noRole(word) : { act: 'take', role };
}

function leave({ words }: Given): CommandRequest | Wrong {
  if (words.length === 0) return { act: 'leave', role: null };
  const role = roleIn(words.join('-'));
  return role === undefined ? noRole(words.join('-')) : { act: 'leave', role };
}

/** Accepts role and user in either order. */
function assign({ words }: Given): CommandRequest | Wrong {
  const mentioned = words.find((word) => userIn(word) !== undefined);
  const user = mentioned === undefined ? undefined : userIn(mentioned);
  const others = words.filter((one) => one !== mentioned);
  const word = others.join('-');
  const role = roleIn(word);
  if (user === undefined)
    return (
      assignByName(words) ?? {
        wrong: 'the person is missing: mention them, such as @name',
        instead: nobodyMentioned(others),
      }
    );
  if (word === '')
    return { wrong: `the role is missing: use ${ROLES_IN_WORDS}`, instead: `commander ${mentioned ?? ''}` };
  return role === undefined ? noRole(word, ` ${mentioned ?? ''}`) : { act: 'assign', role, user };
}

/** Parses `scribe @Ada Park`: if Slack does not resolve mentions for apps, they arrive as the typed text. */
function assignByName(words: readonly string[]): CommandRequest | undefined {
  const said = words.find((word) => roleIn(word) !== undefined);
  const role = said === undefined ? undefined : roleIn(said);
  const [first = '', ...more] = words.filter((word) => word !== said);
  if (role === undefined || !CALLED.test(first)) return undefined;
  return { act: 'assign', role, user: null, called: [first.slice(1), ...more].join(' ') };
}

const CALLED = /^@\S/;

/** Suggests the correct form with an `@`, for which Slack offers completions. */
function nobodyMentioned(words: readonly string[]): string {
  const said = words.find((word) => roleIn(word) !== undefined);
  const name = words.find((word) => word !== said)?.replace(/^@/, '') ?? 'name';
  return `${(said && roleIn(said)) ?? 'commander'} @${name}`;
}

function handover({ words, from }: Given): CommandRequest | Wrong {
  const [first] = words;
  if (first === undefined) return { act: 'handover', user: null, brief: null };
  const user = userIn(first);
  if (user === undefined && CALLED.test(first))
    return { act: 'handover', user: null, called: (from(0) ?? first).slice(1), brief: null };
  if (user === undefined)
    return {
      wrong: 'the person is missing: mention the new commander, such as @name',
      instead: `@name ${from(0) ?? ''}`.trim(),
    };
  return { act: 'handover', user, brief: from(1) };
}

function note({ from }: Given): CommandRequest | Wrong {
  const text = from(0);
  return text === null ? { wrong: 'the text of the note is missing', instead: 'TEXT' } : { act: 'note', text };
}
