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
  /** Where plate readers post to; undefined where none does. */
  readonly readersUrl: string | undefined;
  /** Brokers at which plate readers are heard. */
  readonly readerSources: readonly { readonly sourceId: string; readonly url: string }[];
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
export function bannerOf(told: BannerFacts, asJson: boolean): string {
  const { configuration, brokerUrl, httpUrl, controlUrl, readersUrl, readerSources } = told;
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
      readersUrl,
      ...(readerSources.length === 0
        ? {}
        : { readerSources: readerSources.map(({ sourceId, url }) => ({ sourceId, url })) }),
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
    ...(readersUrl === undefined ? [] : [`  readers   post to ${readersUrl}/reads/CAMERA`]),
    ...readerSources.map(({ sourceId, url }) => `  readers   are heard at ${url} (${sourceId})`),
    ...(controlUrl === undefined ? [] : [`  simulated barriers are controlled at ${controlUrl}`]),
    ...(configuration.simulation?.clock === undefined
      ? []
      : [`  simulated time runs ${String(configuration.simulation.clock.factor)} times as fast`]),
  ].join('\n');
}
