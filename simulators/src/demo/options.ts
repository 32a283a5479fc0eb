/** What a demonstration can be told. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

export interface DemoOptions {
  readonly dataDirectory: string;
  readonly httpPort: number;
  readonly mqttPort: number;
  /** Of the page of the first edge agent; the others follow. Any free one where it is taken. */
  readonly edgePort: number;
  /** undefined: as before, 60 the first time. */
  readonly factor: number | undefined;
  readonly seed: string;
  readonly json: boolean;
}

export const defaultFactor = 60;

export function readOptions(argv: readonly string[], environment: NodeJS.ProcessEnv, projectRoot: string): DemoOptions {
  const command = new Command('gatehouse-demo')
    .description(
      'Runs two car parks: the aggregator, three edge agents with simulated barriers, and traffic on a clock that is faster than real time. Ctrl-C stops it; the next start goes on.',
    )
    .option(
      '--factor <n>',
      `simulated seconds in a real one, 1 to 120 (default: as before, ${String(defaultFactor)} the first time)`,
      toFactor,
    )
    .option('--seed <text>', 'the same seed gives the same traffic', 'gatehouse')
    .option(
      '--data <directory>',
      'where everything is kept',
      environment.GATEHOUSE_DATA_DIR ?? resolve(projectRoot, 'data'),
    )
    .option(
      '--http-port <n>',
      'port of API and metrics (GATEHOUSE_HTTP_PORT)',
      toPort,
      toPort(environment.GATEHOUSE_HTTP_PORT ?? '8000'),
    )
    .option(
      '--mqtt-port <n>',
      'port of the broker (GATEHOUSE_MQTT_PORT)',
      toPort,
      toPort(environment.GATEHOUSE_MQTT_PORT ?? '1883'),
    )
    .option(
      '--edge-port <n>',
      'port of the first edge agent’s metrics, the others follow; any free one where it is taken',
      toPort,
      8_001,
    )
    .option('--json', 'report as JSON lines');
  const options = command.parse([...argv]).opts<{
    factor?: number;
    seed: string;
    data: string;
    httpPort: number;
    mqttPort: number;
    edgePort: number;
    json?: boolean;
  }>();
  const { data, factor, json = false, ...rest } = options;
  return { ...rest, json, factor, dataDirectory: resolve(data) };
}

/** Beyond this, lanes would wait longer for real disks and networks than real ones do. */
const maxFactor = 120;

function toFactor(text: string): number {
  const factor = Number(text);
  if (!(factor >= 1) || factor > maxFactor) {
    throw new InvalidArgumentError(`must be from 1 to ${String(maxFactor)}`);
  }
  return factor;
}

function toPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('must be a port');
  return port;
}
