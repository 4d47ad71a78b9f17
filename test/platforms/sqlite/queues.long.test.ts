import { queuesSearch } from '../queues-conformance.ts';
import { openFile, openForThread, openInMemory } from './queues-on.ts';

queuesSearch({ name: 'SQLite in memory', open: openInMemory, runs: 500, gaps: [] });
queuesSearch({ name: 'SQLite in a file', open: openFile, runs: 50, gaps: [] });
queuesSearch({
  name: 'SQLite in a file, consumed by another thread',
  open: openForThread,
  runs: 50,
  gaps: [],
});
