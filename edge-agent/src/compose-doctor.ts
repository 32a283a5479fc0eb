/** `edge doctor`: what an installer wants to know before leaving the cabinet. */
import { release, type } from 'node:os';
import { ConfigurationError, sha256, systemClock } from '@gatehouse/shared/node';
import {
  findAgent,
  listenProblem,
  machineClock,
  machineGpio,
  machineStorage,
  seeFile,
} from './adapters/machine/index.js';
import { plaintextProblem, reachBroker, signInAtBroker } from './adapters/mqtt-link/index.js';
import { inspectOutbox } from './adapters/sqlite-outbox/index.js';
import { doctorBounds, readerChecks } from './compose-doctor-readers.js';
import type { EdgeConfiguration } from './configuration.js';
import { checkBroker } from './doctor/broker.js';
import { checkClock } from './doctor/clock.js';
import { findingsOf } from './doctor/finding.js';
import type { Finding } from './doctor/finding.js';
import { checkGpio } from './doctor/gpio.js';
import type { WiredGate } from './doctor/gpio.js';
import { checkCredential } from './doctor/identity.js';
import { checkOutbox } from './doctor/outbox.js';
import { checkPage } from './doctor/page.js';
import { countsInWords, countVerdicts, describeFinding } from './doctor/report.js';
import { runChecks } from './doctor/run-checks.js';
import { checkStorage } from './doctor/storage.js';
import { checkNodeVersion } from './doctor/software.js';
import { credentialPath } from './enrolment.js';

/** The flushes are timed before the rest, which would slow them. Both bounds together stay below 15 s. */
const storageBoundMs = 5_000;
const checksBoundMs = 9_500;
/** Larger outboxes take longer than a doctor may. */
const maxOutboxFileBytes = 128 * 1024 * 1024;

/** @param load reads the configuration; throws ConfigurationError */
export async function examine(load: () => EdgeConfiguration): Promise<Finding[]> {
  const first = [checkNodeVersion(process.version, `${type()} ${release()} (${process.arch})`)];
  const { pass, fail } = findingsOf('configuration');
  let configuration: EdgeConfiguration;
  try {
    configuration = load();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const remedy = 'see docs/reference/configuration.md; the other checks need it';
    return [...first, ...error.problems.map((problem) => fail(problem, remedy))];
  }
  const { siteId, edgeId, gates } = configuration;
  const valid = pass(
    `edge ${edgeId} of site ${siteId}, ${String(gates.length)} ${gates.length === 1 ? 'gate' : 'gates'}`,
  );
  return [...first, valid, ...(await examineMachine(configuration))];
}

async function examineMachine(configuration: EdgeConfiguration): Promise<Finding[]> {
  const { dataDir, broker, http, outbox } = configuration;
  const storage = await runChecks(
    [{ name: 'data directory', run: () => checkStorage(machineStorage, dataDir, outbox.maxBytes) }],
    storageBoundMs,
    systemClock,
  );
  const agent = findAgent(configuration);
  const path = credentialPath(dataDir);
  const identity = seeFile(path).then((seen) => checkCredential(path, seen, configuration));
  const checkLink = async (): Promise<Finding[]> => {
    const { credential } = await identity;
    const url = broker.url ?? credential?.mqttUrl;
    if (credential === undefined || url === undefined) return [];
    const world = {
      reach: (address: string) => reachBroker(address, broker, doctorBounds.reachTimeoutMs),
      signIn: (address: string) =>
        signInAtBroker(address, broker, { clientId: credential.edgeId, ...credential }, doctorBounds.signInTimeoutMs),
    };
    return checkBroker(world, {
      url,
      plaintextProblem: plaintextProblem(url, broker.allowPlaintext),
      agent: await agent,
    });
  };
  const nowMs = systemClock.wallMs();
  const others = await runChecks(
    [
      { name: 'outbox', run: async () => [checkOutbox(await seeOutbox(dataDir), nowMs)] },
      { name: 'credential', run: async () => [(await identity).finding] },
      { name: 'broker', run: checkLink },
      {
        name: 'page',
        run: async () => {
          const isOurs = (await agent)?.ownsPage ?? false;
          return checkPage(() => listenProblem(http.host, http.port ?? 0), { ...http, isOurs });
        },
      },
      { name: 'clock', run: async () => [checkClock(await machineClock(nowMs))] },
      {
        name: 'gpio',
        run: async () => checkGpio(machineGpio, wiredGates(configuration), (await agent) !== undefined),
      },
      ...readerChecks(configuration, async () => (await agent) !== undefined),
    ],
    checksBoundMs,
    systemClock,
  );
  return [...storage, ...others];
}

function seeOutbox(directory: string) {
  return inspectOutbox({ directory, sha256, lastEvents: 0, maxFileBytes: maxOutboxFileBytes });
}

function wiredGates({ gates }: EdgeConfiguration): WiredGate[] {
  return gates.flatMap(({ gateId, barrier }) => {
    if (barrier.driver === 'simulated') return [];
    const { chipLabel, inputs, outputs } = barrier.settings;
    return [{ gateId, driver: barrier.driver, chipLabel, inputs, outputs }];
  });
}

/** One line a finding, and the remedy under it; as JSON one object. */
export function reportFindings(findings: readonly Finding[], asJson: boolean): string {
  const counts = countVerdicts(findings);
  if (asJson) return JSON.stringify({ ok: counts.fail === 0, ...counts, findings });
  const width = Math.max(...findings.map(({ check }) => check.length));
  return [...findings.flatMap((finding) => describeFinding(finding, width)), '', countsInWords(counts)].join('\n');
}
