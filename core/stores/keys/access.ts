import type { Timestamp } from '../../../schemas/time/time.ts';
import { type Key, digits, part, shardOf } from './parts.ts';

/** Keys of access and the audit log. */
export const accessKeys = {
  /** Entries of the audit log, by the minute in which they were written. */
  logEntry: (minute: string, at: Timestamp, id: string): Key => ({ pk: `LOG#${minute}`, sk: `${at}#${part(id)}` }),
  logMinute: (minute: string): Pick<Key, 'pk'> => ({ pk: `LOG#${minute}` }),
  /** An entry that was written together with its action and is not in the log yet. */
  logWaiting: (at: Timestamp, id: string): Key => ({ pk: `LOGWAITING#${shardOf(id)}`, sk: `${at}#${part(id)}` }),
  /** Marks that an entry exists, in any minute. */
  logEntryById: (id: string): Key => ({ pk: `LOGID#${part(id)}`, sk: 'LOGID' }),
  /** Counts the entries of a minute until it is closed; several items, so that writers rarely conflict. */
  logMinuteCounter: (minute: string, shard: number): Key => ({ pk: `LOGGATE#${minute}#${shard}`, sk: 'LOGGATE' }),
  /** A minute that may have unsealed entries. */
  logOpen: (minute: string): Key => ({ pk: 'LOGOPEN', sk: minute }),
  logOpens: (): Pick<Key, 'pk'> => ({ pk: 'LOGOPEN' }),
  /** How far a minute is sealed, and by which seals. */
  logSealed: (minute: string): Key => ({ pk: 'LOGSEALED', sk: minute }),
  logSealeds: (): Pick<Key, 'pk'> => ({ pk: 'LOGSEALED' }),
  /** A seal of the audit log. */
  seal: (number: number): Key => ({ pk: 'SEALS', sk: digits(number) }),
  seals: (): Pick<Key, 'pk'> => ({ pk: 'SEALS' }),
  /** The hash at each entry of a seal, to find the entry that was altered. */
  sealLinks: (number: number): Key => ({ pk: `SEALLINKS#${digits(number)}`, sk: 'SEALLINKS' }),
  /** The configuration version that the log recorded last. */
  loggedConfig: (): Key => ({ pk: 'LOGCONFIG', sk: 'LOGCONFIG' }),
  /** The kill switch and the modes. */
  automation: (): Key => ({ pk: 'AUTOMATION', sk: 'AUTOMATION' }),
  /** A token, by its hash. */
  token: (hash: string): Key => ({ pk: `TOKEN#${hash}`, sk: 'TOKEN' }),
  /** A token, by its ID, for lists. */
  tokenById: (id: string): Key => ({ pk: 'TOKENS', sk: id }),
  /** A token whose record Firebreak did not write, by its hash. */
  refusedToken: (hash: string): Key => ({ pk: 'TOKENSREFUSED', sk: hash }),
  refusedTokens: (): Pick<Key, 'pk'> => ({ pk: 'TOKENSREFUSED' }),
  /** The token that has a name, so that names are unique. */
  tokenName: (name: string): Key => ({ pk: 'TOKENNAMES', sk: name }),
  /** A session of the console, by the hash of its ID; listed by the name of its person. */
  session: (hash: string): Key => ({ pk: `SESSION#${hash}`, sk: 'SESSION' }),
  sessionOf: (name: string, hash: string): Key => ({ pk: `SESSIONS#${part(name)}`, sk: hash }),
  sessionsOf: (name: string): Pick<Key, 'pk'> => ({ pk: `SESSIONS#${part(name)}` }),
  /** A link with which one person can sign in once. */
  loginLink: (hash: string): Key => ({ pk: `LOGINLINK#${hash}`, sk: 'LOGINLINK' }),
  /** A user or group of the chat. */
  cachedUser: (kind: 'user' | 'group', id: string): Key => ({ pk: `CHAT#${part(id)}`, sk: kind }),
};
