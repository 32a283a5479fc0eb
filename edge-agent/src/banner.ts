/** What an agent says of itself when it has started. */
import { resolve } from 'node:path';
import pc from 'picocolors';
import { agentVersion } from './app/version.js';
import type { EdgeConfiguration } from './configuration.js';

export interface BannerFacts {
  readonly configuration: EdgeConfiguration;
  readonly brokerUrl: string;
  /** Of the agent's own page; undefined where it has none. */
  readonly httpUrl: string | undefined;
  readonly controlUrl: string | undefined;
}

/** The facts of a configuration, without settings at length. */
export function describeConfiguration(configuration: EdgeConfiguration) {
  const { siteId, edgeId, dataDir, gates } = configuration;
  return {
    siteId,
    edgeId,
    dataDir: resolve(dataDir),
    gates: gates.map(({ gateId, direction, hasReader, barrier }) => {
      return { gateId, direction, hasReader, driver: barrier.driver };
    }),
  };
}

/** For people several lines, as JSON one line with `event: started`. */
export function bannerOf({ configuration, brokerUrl, httpUrl, controlUrl }: BannerFacts, asJson: boolean): string {
  const facts = describeConfiguration(configuration);
  if (asJson) {
    return JSON.stringify({
      event: 'started',
      version: agentVersion,
      pid: process.pid,
      ...facts,
      brokerUrl,
      httpUrl,
      controlUrl,
    });
  }
  const gates = facts.gates.map(({ gateId, direction, hasReader, driver }) => {
    return `  gate      ${pc.bold(gateId)} (${direction}, ${driver} barrier, ${hasReader ? 'reads credentials' : 'sensors alone'})`;
  });
  return [
    `${pc.bold(`Gatehouse edge ${facts.edgeId}`)} ${agentVersion}, site ${facts.siteId}`,
    ...gates,
    `  broker    ${brokerUrl}`,
    ...(httpUrl === undefined ? [] : [`  metrics   ${httpUrl}/metrics, health ${httpUrl}/healthz`]),
    `  data      ${facts.dataDir}`,
    ...(controlUrl === undefined ? [] : [`  simulated barriers are controlled at ${controlUrl}`]),
    ...(configuration.simulation?.clock === undefined
      ? []
      : [`  simulated time runs ${String(configuration.simulation.clock.factor)} times as fast`]),
  ].join('\n');
}
