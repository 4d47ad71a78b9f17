import { PinView } from '../../../../schemas/changes/pin.ts';
import { apiGroup, listOf, PLACE } from '../../api-command.ts';
import { JSON_OPTION, LIMIT_OPTION } from '../../options.ts';

/** Adds the commands for pins: versions known bad. */
export const addPins = apiGroup('pins', 'List and lift pins: versions known bad, which are not deployed again', [
  {
    usage: 'list',
    description: 'List pins, newest first',
    options: [['--all', 'Include lifted pins'], LIMIT_OPTION, JSON_OPTION],
    ...listOf('/v1/versions/pinned', PinView, ['id', PLACE, 'version', 'state', 'pinned_at', 'reason']),
  },
  {
    usage: 'lift <pin>',
    description: 'Lift a pin: allow the version again',
    call: 'DELETE /v1/versions/pinned/:pin',
    print: (_, { pin }) => [`${String(pin)} is lifted`],
  },
]);
