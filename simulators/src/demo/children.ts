/** The programs of the demonstration: how each is configured and started. Their configuration files are written anew at each start. */
import { join } from 'node:path';
import type { ScaledTime } from '@gatehouse/shared';
import type { DemoEdge, DemoSite } from './sites.js';
import { writeState } from './state-file.js';

export interface Places {
  readonly projectRoot: string;
  readonly dataDirectory: string;
}

export interface Program {
  readonly name: string;
  readonly argv: readonly string[];
  readonly logPath: string;
}

export function logPath({ dataDirectory }: Places, name: string): string {
  return join(dataDirectory, 'logs', `${name}.log`);
}

export function edgeDirectory({ dataDirectory }: Places, edgeId: string): string {
  return join(dataDirectory, 'edges', edgeId);
}

export function aggregatorProgram(
  places: Places,
  ports: { readonly http: number; readonly mqtt: number },
  time: ScaledTime,
): Program {
  const path = join(places.dataDirectory, 'demo', 'aggregator.json');
  writeState(path, {
    dataDir: places.dataDirectory,
    http: { port: ports.http },
    mqtt: { port: ports.mqtt },
    simulation: { clock: time },
  });
  return program(places, 'aggregator', 'aggregator/dist/main.js', path);
}

/** Vehicles of a demonstration wait for an aggregator that is being started again: minutes of theirs are seconds of ours. */
const patienceMs = 10 * 60_000;

export function edgeProgram(
  places: Places,
  site: DemoSite,
  edge: DemoEdge,
  addresses: {
    readonly mqttUrl: string;
    readonly apiUrl: string;
    readonly httpPort: number;
    readonly controlPort: number;
  },
  time: ScaledTime,
): Program {
  const path = join(places.dataDirectory, 'demo', `${edge.edgeId}.json`);
  const directory = edgeDirectory(places, edge.edgeId);
  writeState(path, {
    siteId: site.siteId,
    edgeId: edge.edgeId,
    dataDir: directory,
    broker: { url: addresses.mqttUrl },
    enrolment: { url: addresses.apiUrl, codeFile: join(directory, 'enrolment-code') },
    http: { port: addresses.httpPort },
    gates: edge.gates.map((gate) => ({
      ...gate,
      hasReader: site.hasReaders,
      barrier: { driver: 'simulated', settings: { patienceMs } },
    })),
    simulation: {
      clock: time,
      control: { port: addresses.controlPort },
      log: { path: join(directory, 'what-happened.jsonl') },
    },
  });
  return program(places, edge.edgeId, 'edge-agent/dist/main.js', path);
}

/** The variables of a program: those that say what its file says already would win over it. */
export function programEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const decidedHere = (name: string): boolean =>
    name.startsWith('GATEHOUSE_EDGE_') ||
    ['GATEHOUSE_HTTP_PORT', 'GATEHOUSE_MQTT_PORT', 'GATEHOUSE_DATA_DIR'].includes(name);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !decidedHere(name)));
}

function program(places: Places, name: string, script: string, configuration: string): Program {
  return {
    name,
    argv: [join(places.projectRoot, script), '--config', configuration],
    logPath: logPath(places, name),
  };
}
