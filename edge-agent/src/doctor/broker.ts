/** The way to the broker. A running agent is asked how its link is: a second connection in its name would end the first. */
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';

export interface RunningAgent {
  readonly pid: number | undefined;
  /** What its own page says; undefined when it has none or does not answer. */
  readonly link: { readonly up: boolean; readonly downReason: string | null } | undefined;
}

export interface BrokerWorld {
  /** Connects without a word of MQTT; answers why not, or undefined. */
  reach(url: string): Promise<string | undefined>;
  /** Connects as this edge and goes again; answers why not, or undefined. */
  signIn(url: string): Promise<string | undefined>;
}

export async function checkBroker(
  world: BrokerWorld,
  edge: {
    readonly url: string;
    /** Why the address may not be used. */
    readonly plaintextProblem: string | undefined;
    readonly agent: RunningAgent | undefined;
  },
): Promise<Finding[]> {
  const { pass, warn, fail } = findingsOf('broker');
  const { url, agent, plaintextProblem } = edge;
  if (plaintextProblem !== undefined) return [fail(`${url} ${plaintextProblem}`, 'set broker.url to mqtts://…')];
  const encryption = url.startsWith('mqtts:') ? 'TLS and its certificate are good' : 'not encrypted';
  if (agent === undefined) {
    const problem = await world.signIn(url);
    if (problem === undefined) return [pass(`${url} accepts this edge; ${encryption}`)];
    const unreachable = await world.reach(url);
    return [
      unreachable === undefined
        ? fail(`${url} is reached, and does not accept this edge: ${problem}`, refusalRemedyOf(problem))
        : fail(`${url} cannot be used: ${unreachable}`, networkRemedyOf(unreachable, 'broker.url') ?? otherRemedy),
    ];
  }
  const problem = await world.reach(url);
  if (problem !== undefined)
    return [fail(`${url} cannot be used: ${problem}`, networkRemedyOf(problem, 'broker.url') ?? otherRemedy)];
  if (agent.link?.up === true) return [pass(`${url}: the running agent is connected; ${encryption}`)];
  if (agent.link !== undefined) {
    const why = agent.link.downReason ?? 'it has not been up yet';
    return [fail(`${url} is reached, and the running agent is not connected: ${why}`, 'see the agent’s log')];
  }
  return [
    warn(
      `${url} is reached; ${encryption}. Whether it accepts this edge was not tried: an agent runs and would be thrown out`,
      'see the agent’s log, or stop it and ask again',
    ),
  ];
}

function refusalRemedyOf(problem: string): string {
  return problem.includes('does not speak MQTT')
    ? 'look at the port in broker.url: usually 1883, with TLS 8883'
    : 'see the aggregator’s log; enrol again if the key was revoked';
}

const otherRemedy = 'see docs/how-to/run-with-tls.md for encryption, else the network';

/** What to do about a broker that is not reached; undefined when it is there, and it is something else. `key`: where its address stands. */
export function networkRemedyOf(problem: string, key: string): string | undefined {
  if (/ENOTFOUND|EAI_AGAIN/.test(problem)) return `look at the name in ${key} and at this machine’s DNS`;
  if (problem.includes('ECONNREFUSED'))
    return `look at the port in ${key}, and whether the broker runs and listens there`;
  if (/EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|no answer/.test(problem)) return 'look at cable, address, route and firewall';
  return undefined;
}
