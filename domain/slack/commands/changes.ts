import type { EnvironmentsOf, Form, Given, CommandRequest, Wrong } from './wanted.ts';

/** Commands that change production: `/rollback …` and `/deploys …` have no subcommands. */
export const ROLLBACK: Form = {
  verb: '',
  usage: 'SERVICE [ENVIRONMENT] [VERSION]',
  says: 'show the suspect and the planned rollback, and ask for confirmation',
  named: ['env', 'environment', 'to', 'version'],
  read: rollback,
};

export const DEPLOYS: Form = {
  verb: '',
  usage: 'SERVICE [ENVIRONMENT]',
  says: 'show recent deploys and the running version',
  named: ['env', 'environment'],
  read: deploys,
};

const environmentNamed = ({ named }: Given): string | undefined =>
  named.get('environment') || named.get('env') || undefined;

function rollback(given: Given): CommandRequest | Wrong {
  const [service, second, third, ...more] = given.words;
  if (service === undefined) return { wrong: 'the service is missing', instead: null };
  const versionNamed = given.named.get('version') || given.named.get('to') || undefined;
  const environment = environmentNamed(given);
  if (more.length > 0 || (third !== undefined && (environment ?? versionNamed) !== undefined))
    return { wrong: 'too many arguments: expected a service, an environment, and a version', instead: service };
  const isVersion =
    second !== undefined &&
    third === undefined &&
    (environment !== undefined || !isEnvironment(second, service, given));
  return {
    act: 'rollback',
    service,
    environment: environment ?? (isVersion ? null : (second ?? null)),
    version: versionNamed ?? (isVersion ? second : (third ?? null)),
  };
}

function deploys(given: Given): CommandRequest | Wrong {
  const [service, second, ...more] = given.words;
  if (service === undefined) return { wrong: 'the service is missing', instead: null };
  if (more.length > 0) return { wrong: 'too many arguments: expected a service and an environment', instead: service };
  return { act: 'deploys', service, environment: environmentNamed(given) ?? second ?? null };
}

/** Decides by the service's known environments, else by the usual format of versions. */
function isEnvironment(word: string, service: string, { environmentsOf }: { environmentsOf: EnvironmentsOf }): boolean {
  return environmentsOf(service)?.includes(word) ?? !/^v?\d+[.\d]|^[0-9a-f]{7,40}$|^sha256:|^v\d+$/i.test(word);
}
