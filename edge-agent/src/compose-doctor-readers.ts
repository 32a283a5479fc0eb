/** What `edge doctor` looks at where plates and tags are read. */
import { messageOf } from '@gatehouse/shared/edge';
import { listenProblem, seeFile } from './adapters/machine/index.js';
import { reachBroker, signInAtBroker } from './adapters/mqtt-link/index.js';
import {
  camerasAt,
  passwordOf,
  passwordRule,
  readReceiverTls,
  refusedIn,
  secretOf,
  secretRule,
  topicsOf,
} from './adapters/plate-readers/index.js';
import type { PlateReadersSettings } from './adapters/plate-readers/index.js';
import type { EdgeConfiguration } from './configuration.js';
import type { Finding } from './doctor/finding.js';
import { checkReaderBroker, checkReaderFiles, checkReadGates, checkReceiver } from './doctor/readers.js';
import type { ReadGate, SecretFile } from './doctor/readers.js';
import type { Check } from './doctor/run-checks.js';

/** One after the other they stay below the bound of a check. */
export const doctorBounds = { signInTimeoutMs: 4_000, reachTimeoutMs: 2_500 } as const;

export function readerChecks(configuration: EdgeConfiguration, agentRuns: () => Promise<boolean>): Check[] {
  const name = 'readers';
  const { readers } = configuration;
  const gates = { name, run: () => Promise.resolve(checkReadGates(readGates(configuration))) };
  if (readers === undefined) return [gates];
  return [
    { name, run: async () => checkReaderFiles(await seeSecrets(readers)) },
    { name, run: async () => examineReceiver(readers, configuration.http, await agentRuns()) },
    ...readers.mqtt.map((_source, index) => ({ name, run: () => examineBroker(configuration.edgeId, readers, index) })),
    gates,
  ];
}

function seeSecrets({ http, mqtt, cameras }: PlateReadersSettings): Promise<SecretFile[]> {
  // What keys and certificates hold, the handshakes that need them tell.
  const anything = (): undefined => undefined;
  const secret = (text: string) => (secretOf(text) === undefined ? secretRule : undefined);
  const password = (text: string) => (passwordOf(text) === undefined ? passwordRule : undefined);
  const files = [
    ...cameras.map(({ secretFile }, index) => ({
      ...{ key: `readers.cameras.${String(index)}.secretFile`, path: secretFile, problemOf: secret },
    })),
    ...mqtt.flatMap(({ passwordFile, tls }, index) => [
      { key: `${keyOf(index)}.passwordFile`, path: passwordFile, problemOf: password },
      { key: `${keyOf(index)}.tls.keyFile`, path: tls.keyFile, problemOf: anything },
    ]),
    { key: 'readers.http.tls.keyFile', path: http.tls?.keyFile, problemOf: anything },
  ];
  return Promise.all(
    files.flatMap(({ key, path, problemOf }) => {
      if (path === undefined) return [];
      const see = async (): Promise<SecretFile> => {
        const seen = await seeFile(path);
        return { key, path, seen, problem: 'text' in seen ? problemOf(seen.text) : undefined };
      };
      return [see()];
    }),
  );
}

function examineReceiver(
  { http, cameras }: PlateReadersSettings,
  page: EdgeConfiguration['http'],
  agentRuns: boolean,
): Promise<Finding[]> {
  const { host, port, tls } = http;
  const world = {
    tlsProblem: () => readReceiverTls(http).then(() => undefined, messageOf),
    listenProblem: () => listenProblem(host, port),
  };
  const cameraIds = cameras.filter(({ mqtt }) => mqtt === undefined).map(({ cameraId }) => cameraId);
  const scheme = tls === undefined ? 'http' : 'https';
  return checkReceiver(world, { scheme, host, port, cameraIds, page, agentRuns });
}

async function examineBroker(edgeId: string, readers: PlateReadersSettings, index: number): Promise<Finding[]> {
  const source = readers.mqtt[index];
  if (source === undefined) return [];
  const { sourceId, url, username, passwordFile } = source;
  const seen = passwordFile === undefined ? undefined : await seeFile(passwordFile);
  const password = seen !== undefined && 'text' in seen ? passwordOf(seen.text) : undefined;
  // The file has a line of its own.
  if (seen !== undefined && password === undefined) return [];
  const key = keyOf(index);
  const settings = { tls: source.tls, settingsKey: key, whenRefused: refusedIn(key) };
  // A name of its own: one that the agent has would end its connection.
  const clientId = `gatehouse-${edgeId}-${sourceId}-doctor`;
  const cameras = camerasAt(readers, source);
  const credential = { clientId, username, password, topics: topicsOf(source, cameras) };
  const world = {
    reach: (address: string) => reachBroker(address, settings, doctorBounds.reachTimeoutMs),
    signIn: (address: string) => signInAtBroker(address, settings, credential, doctorBounds.signInTimeoutMs),
  };
  const cameraIds = cameras.map(({ cameraId }) => cameraId);
  return checkReaderBroker(world, { key, sourceId, url, username, cameraIds });
}

function keyOf(index: number): string {
  return `readers.mqtt.${String(index)}`;
}

function readGates({ gates, readers }: EdgeConfiguration): ReadGate[] {
  return gates
    .filter(({ hasReader, barrier }) => hasReader && barrier.driver !== 'simulated')
    .map(({ gateId, direction, lane }) => {
      const cameras = readers?.cameras.filter((camera) => camera.gateId === gateId) ?? [];
      return { gateId, direction, lane, cameras: cameras.map((camera) => camera.direction) };
    });
}
