import type { IncidentId } from '../../schemas/config/names.ts';
import { type Key, digits, part } from '../../core/stores/keys/parts.ts';

/** Keys of post-mortems and action items. */
export const keys = {
  /** An incident that is resolved, and whose post-mortem is not drafted yet: `endedMarks` in names.ts. */
  postmortemDue: (id: IncidentId): Key => ({ pk: 'PMDUE', sk: id }),
  postmortemsDue: (): Pick<Key, 'pk'> => ({ pk: 'PMDUE' }),
  postmortem: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'POSTMORTEM' }),
  /** A saved text of a post-mortem. */
  postmortemText: (id: IncidentId, revision: number): Key => ({ pk: `INC#${id}`, sk: `PMTEXT#${digits(revision)}` }),
  /** Post-mortems in the states `draft` and `in_review`. */
  postmortemOpen: (id: IncidentId): Key => ({ pk: 'PMOPEN', sk: id }),
  postmortemsOpen: (): Pick<Key, 'pk'> => ({ pk: 'PMOPEN' }),
  /** An action item of a post-mortem, by its service. */
  actionItem: (service: string, id: string): Key => ({ pk: `ACTIONITEMS#${part(service)}`, sk: id }),
  actionItemsOf: (service: string): Pick<Key, 'pk'> => ({ pk: `ACTIONITEMS#${part(service)}` }),
  /** The issues of an incident's action items. */
  issueRecord: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'ISSUES' }),
  /** A person's request for the issue of an action item. */
  issueRequest: (id: IncidentId, item: string): Key => ({ pk: `INC#${id}`, sk: `ISSUEREQ#${item}` }),
  issueRequests: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'ISSUEREQ#' }),
  /** The incident of an issue. */
  issueIndex: (tracker: string, issue: string): Key => ({ pk: `ISSUE#${tracker}#${part(issue)}`, sk: 'ISSUE' }),
  /** When the action items of an incident are compared with their issues. */
  issueComparison: (id: IncidentId): Key => ({ pk: 'ISSUECOMPARE', sk: id }),
  issueComparisons: (): Pick<Key, 'pk'> => ({ pk: 'ISSUECOMPARE' }),
};

/** The list of action items, newest incidents first. */
export const LIST = 'ACTIONITEMLIST';
