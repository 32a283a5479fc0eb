/**
 * A system of real processes where everything happens that dashboards show: vehicles come and go, one is turned away, one
 * leaves that was never seen to come, an edge decides alone, a cabinet is opened.
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { freePort, System, until } from '../../../test/support/processes.js';
import type { SiteGate } from '../../../test/support/processes.js';

export interface SiteUnderTraffic {
  readonly system: System;
  /** Where the metrics of each program are: host:port. */
  readonly metrics: { readonly aggregator: string; readonly edges: readonly string[] };
  /** Lets all of it happen once. */
  happen(): Promise<void>;
}

const siteId = 'site';
const gates: readonly SiteGate[] = [
  { gateId: 'entry-1', edgeId: 'edge-1', direction: 'entry' },
  { gateId: 'exit-1', edgeId: 'edge-1', direction: 'exit' },
  { gateId: 'entry-2', edgeId: 'edge-2', direction: 'entry' },
];
const slotCount = 12;

/** How long a vehicle waits that is not let in, in simulated milliseconds: longer than it takes to decide. */
const patienceMs = 60_000;

/** Simulated milliseconds in a real one. */
const clockFactor = 20;

/** Starts it. Whoever stops the system removes all it wrote. */
export async function startSite(): Promise<SiteUnderTraffic> {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const settings: { mqttUrl: string; mqtt?: object } = { mqttUrl: `mqtt://127.0.0.1:${String(mqttPort)}` };
  const system = new System(clockFactor, settings);
  Object.assign(system, { httpPort, mqttPort });
  try {
    // The listener with TLS is there for its certificate; edges come without.
    settings.mqtt = { tls: { host: '127.0.0.1', port: 0, ...certificate(system.directory) } };
    await system.startAggregator();
    await system.createSite(siteId, slotCount, gates, { sharePercent: 30 });
    const edges = await startEdges(system);
    return {
      system,
      metrics: { aggregator: `127.0.0.1:${String(httpPort)}`, edges },
      happen: () => happen(system),
    };
  } catch (error) {
    await system.stop();
    throw error;
  }
}

/** Answers where their metrics are, when each has slots to give out alone. */
async function startEdges(system: System): Promise<string[]> {
  const edgeIds = [...new Set(gates.map(({ edgeId }) => edgeId))];
  const addresses: string[] = [];
  for (const edgeId of edgeIds) {
    await system.prepareEdge(siteId, edgeId, gates);
    const port = await freePort();
    system.reconfigureEdge(edgeId, () => ({ http: { host: '127.0.0.1', port } }));
    system.startEdge(edgeId);
    addresses.push(`127.0.0.1:${String(port)}`);
  }
  for (const edgeId of edgeIds) {
    await system.edgeOnline(edgeId);
    await until(`slots are set aside for ${edgeId}`, async () => {
      const { allowance } = await system.api<{ allowance: Allowance | null }>('GET', `/api/v1/edges/${edgeId}`);
      return allowance?.settled === true && allowance.inSet > 0;
    });
  }
  return addresses;
}

interface Allowance {
  /** The edge has accepted it. */
  readonly settled: boolean;
  readonly inSet: number;
}

async function happen(system: System): Promise<void> {
  const send = sender(system);
  await leaveUnseen(system, send);
  await decideAlone(system, send);
  await system.control('edge-1', 'POST', '/gates/exit-1/faults', { fault: 'tamper', active: true });
  await fill(send);
}

/** Sends a vehicle and answers what became of it. */
type Send = (edgeId: string, gateId: string, plate: string, order?: Record<string, unknown>) => Promise<string>;

function sender(system: System): Send {
  return async (edgeId, gateId, plate, order = {}) => {
    const vehicleId = await system.sendVehicle(edgeId, gateId, { plate, ...order });
    return until(`${plate} is gone from ${gateId}`, async () => {
      const status = await system.control(edgeId, 'GET', `/vehicles/${vehicleId}`);
      return (status.report as { outcome?: string } | undefined)?.outcome;
    });
  };
}

/** Somebody leaves whom nobody saw come in, so a person is asked. */
async function leaveUnseen(system: System, send: Send): Promise<void> {
  await send('edge-1', 'entry-1', 'AAA111');
  await send('edge-1', 'exit-1', 'EEE444');
  await until(
    'a review is open',
    async () => (await system.list(`/api/v1/sites/${siteId}/reviews?open=true`)).length > 0,
  );
}

/** The aggregator stands still while a vehicle comes. */
async function decideAlone({ aggregator }: System, send: Send): Promise<void> {
  aggregator?.signal('SIGSTOP');
  try {
    await send('edge-2', 'entry-2', 'HHH777');
  } finally {
    aggregator?.signal('SIGCONT');
  }
}

/** Until one is turned away; the first two leave again. */
async function fill(send: Send): Promise<void> {
  let left = 0;
  let outcome = 'passed';
  for (let index = 0; left < 2 || outcome === 'passed'; index += 1) {
    if (index > 2 * slotCount) throw new Error('the site does not fill');
    // Plates that no reader takes for one another.
    const plate = 'CFJLPRTUVXYZ'.charAt(index % 12).repeat(3) + (index < 12 ? '222' : '999');
    outcome = await send('edge-1', 'entry-1', plate, { patienceMs });
    if (outcome === 'passed' && left < 2) {
      await send('edge-1', 'exit-1', plate);
      left += 1;
    }
  }
}

function certificate(directory: string): { readonly keyFile: string; readonly certFile: string } {
  const [keyFile, certFile] = [path.join(directory, 'key.pem'), path.join(directory, 'certificate.pem')];
  const subject = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '90', '-subj', '/CN=localhost'];
  execFileSync('openssl', ['req', ...subject, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
  return { keyFile, certFile };
}
