/** Readers of plates and tags: their secrets, the way that they come in, and gates that wait for a read that nobody sends. */
import type { Direction, GateDirection } from '@gatehouse/shared/edge';
import { networkRemedyOf } from './broker.js';
import type { BrokerWorld } from './broker.js';
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';
import type { FileSeen } from './identity.js';
import { listenRemedyOf } from './page.js';

export interface SecretFile {
  /** Where its name stands in the configuration. */
  readonly key: string;
  readonly path: string;
  readonly seen: FileSeen;
  /** What it must hold, and does not; undefined when it does. */
  readonly problem: string | undefined;
}

/**
 * Each file that is of no use, or open to everybody, is a finding; the others are one together. A group may read them: that is how
 * root owns what the agent reads.
 */
export function checkReaderFiles(files: readonly SecretFile[]): Finding[] {
  const { pass } = findingsOf('readers');
  const wrong = files.map(wrongWith);
  const good = files.filter((_file, index) => wrong[index] === undefined).map(({ path }) => path);
  const findings = wrong.filter((finding) => finding !== undefined);
  if (good.length === 0) return findings;
  return [...findings, pass(`private, and as they should be: ${good.join(', ')}`)];
}

function wrongWith({ key, path, seen, problem }: SecretFile): Finding | undefined {
  const { warn, fail } = findingsOf('readers');
  if ('problem' in seen) {
    return seen.problem === 'ENOENT'
      ? fail(`${key}: ${path} is not there`, 'the agent does not start without it: write it, or correct its name')
      : fail(`${key}: ${path} cannot be read (${seen.problem})`, 'run this as the user that runs the agent');
  }
  if (seen.text.trim() === '') return fail(`${key}: ${path} is empty`, 'the agent does not start with it: write it');
  if (problem !== undefined) return fail(`${key}: ${path} ${problem}`, 'the agent does not start with it: correct it');
  if ((seen.mode & 0o007) === 0) return undefined;
  const mode = (seen.mode & 0o777).toString(8).padStart(4, '0');
  const remedy = `chmod o= ${path} (it has to be owned by the agent’s user, or its group), and a new secret if others use this machine`;
  return warn(`${key}: ${path} has mode ${mode}: everybody here can read or change it`, remedy);
}

export interface ReceiverChecked {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** The cameras that post to it. */
  readonly cameraIds: readonly string[];
  /** The agent's own page. */
  readonly page: { readonly host: string; readonly port: number | null };
  readonly agentRuns: boolean;
}

/** The address that cameras post to. */
export async function checkReceiver(
  world: {
    /** Why certificate and key cannot be used, else undefined. */
    readonly tlsProblem: () => Promise<string | undefined>;
    /** The code of the error when nobody can listen there now, else undefined. */
    readonly listenProblem: () => Promise<string | undefined>;
  },
  { scheme, host, port, cameraIds, page, agentRuns }: ReceiverChecked,
): Promise<Finding[]> {
  const { pass, fail } = findingsOf('readers');
  if (cameraIds.length === 0) return [];
  const tls = await world.tlsProblem();
  const wrong =
    tls === undefined ? [] : [fail(tls, 'the agent does not start with it: see docs/how-to/run-with-tls.md')];
  const where = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
  const what = `${where}, where ${cameraIds.join(', ')} ${cameraIds.length === 1 ? 'posts' : 'post'},`;
  if (port !== 0 && port === page.port && isOneAddress(host, page.host)) {
    return [
      ...wrong,
      fail(`${what} is the agent’s own page as well`, 'set readers.http.port to another than http.port'),
    ];
  }
  const problem = await world.listenProblem();
  if (problem === undefined) return [...wrong, pass(`${what} is free`)];
  if (problem === 'EADDRINUSE' && agentRuns) return [...wrong, pass(`${what} is in use, and an agent runs`)];
  return [...wrong, fail(`${what} cannot be listened on (${problem})`, listenRemedyOf(problem, 'readers.http'))];
}

function isOneAddress(one: string, other: string): boolean {
  return one === other || [one, other].some((host) => host === '0.0.0.0' || host === '::');
}

export interface ReaderBroker {
  /** Where its settings stand: `readers.mqtt.0`. */
  readonly key: string;
  readonly sourceId: string;
  readonly url: string;
  readonly username: string | undefined;
  /** The cameras whose reads are found there. Signing in includes being let hear them. */
  readonly cameraIds: readonly string[];
}

/** A broker of readers. That it is away is no failure: gates run without it. What no waiting mends is one. */
export async function checkReaderBroker(world: BrokerWorld, broker: ReaderBroker): Promise<Finding[]> {
  const { pass, warn, fail } = findingsOf('readers');
  const { key, sourceId, url, username, cameraIds } = broker;
  const what = `broker ${sourceId} (${url})`;
  const problem = await world.signIn(url);
  if (problem === undefined) {
    const whom = username === undefined ? 'takes this edge without a user name' : `accepts ${username}`;
    const encryption = url.startsWith('mqtts:') ? 'TLS and its certificate are good' : 'not encrypted';
    return [pass(`${what} ${whom}; ${encryption}; heard there: ${cameraIds.join(', ')}`)];
  }
  const unreachable = await world.reach(url);
  if (unreachable === undefined) {
    const remedy = `look at ${key}, and at the users of the broker and what they may read; the agent tries again after refusedRetryMs`;
    return [fail(`${what} is reached, and does not accept this edge: ${problem}`, remedy)];
  }
  const remedy = networkRemedyOf(unreachable, `${key}.url`);
  if (remedy === undefined)
    return [fail(`${what} cannot be used: ${unreachable}`, `look at ${key}.url and ${key}.tls`)];
  const unheard = `${cameraIds.join(', ')} ${cameraIds.length === 1 ? 'is' : 'are'} not heard`;
  return [warn(`${what} is not reached, so ${unheard} and vehicles arrive without a read: ${unreachable}`, remedy)];
}

/** A gate on real lines that waits for reads. */
export interface ReadGate {
  readonly gateId: string;
  readonly direction: GateDirection;
  readonly lane: {
    readonly readAfterMs: number;
    readonly silentAfterVehicles: number;
    readonly needsButton: boolean;
    readonly issuesTickets: boolean;
  };
  /** The way that vehicles go which each of its cameras sees; undefined: the gate's. */
  readonly cameras: readonly (Direction | undefined)[];
}

/** Nothing but cameras sends reads to a gate on real lines. */
export function checkReadGates(gates: readonly ReadGate[]): Finding[] {
  const { pass, warn } = findingsOf('readers');
  return gates.map((gate) => {
    const { gateId, direction, lane, cameras } = gate;
    const unseen = waysOf(direction).filter((way) => !cameras.some((seen) => (seen ?? direction) === way));
    if (unseen.length === 0) {
      return pass(
        `gate ${gateId} is looked at by ${String(cameras.length)} ${cameras.length === 1 ? 'camera' : 'cameras'}`,
      );
    }
    // Whoever presses is not waited for, and shows a ticket.
    if (lane.needsButton && lane.issuesTickets)
      return pass(`gate ${gateId} waits for its ticket button, not for reads`);
    const isBlind = cameras.length === 0;
    const whose = isBlind ? '' : ` of vehicles at the ${unseen.join(' and ')}`;
    const waits = lane.needsButton ? [] : [`each waits ${String(lane.readAfterMs)} ms for one (lane.readAfterMs)`];
    const silent = isBlind ? [`${String(lane.silentAfterVehicles)} of them raise reader-silent`] : [];
    const vehicles = [...waits, ...silent].join(', and ');
    return warn(
      `gate ${gateId} has hasReader, and no camera sends a read${whose}${vehicles === '' ? '' : `: ${vehicles}`}`,
      `add a camera for it to readers.cameras${isBlind ? ', or leave its hasReader out' : ''}`,
    );
  });
}

function waysOf(direction: GateDirection): readonly Direction[] {
  return direction === 'both' ? ['entry', 'exit'] : [direction];
}
