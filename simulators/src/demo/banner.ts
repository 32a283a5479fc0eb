/** What a person should know when the demonstration has come up. */
import pc from 'picocolors';
import type { DemoSite } from './sites.js';

export interface BannerFacts {
  readonly api: string;
  readonly mqttPort: number;
  readonly dataDirectory: string;
  readonly adminKeyPath: string;
  /** Where each edge agent tells how it is. */
  readonly edgePages: readonly { readonly edgeId: string; readonly page: string }[];
  readonly sites: readonly DemoSite[];
  readonly factor: number;
  readonly simulatedAt: string;
  readonly goesOn: boolean;
}

export function bannerLines(facts: BannerFacts): string[] {
  const { api, sites } = facts;
  const agents = sites.reduce((sum, { edges }) => sum + edges.length, 0);
  return [
    '',
    pc.bold('Gatehouse'),
    `  aggregator with MQTT broker on port ${String(facts.mqttPort)} and SQLite in ${facts.dataDirectory}, ${String(agents)} edge agents, simulated barriers`,
    ...sites.map((site) => `  ${site.siteId.padEnd(10)} ${describe(site)}`),
    `  ${facts.goesOn ? 'goes on at' : 'begins on'} ${facts.simulatedAt}, ${String(facts.factor)} times as fast as real time`,
    '',
    `  API        ${pc.cyan(`${api}/docs`)}`,
    `  metrics    ${pc.cyan(`${api}/metrics`)}`,
    ...facts.edgePages.map(
      ({ edgeId, page }, index) =>
        `${index === 0 ? '  edges      ' : '             '}${pc.cyan(`${page}/metrics`)} ${edgeId}`,
    ),
    `  occupancy  ${pc.cyan(`${api}/api/v1/occupancy`)}`,
    `  admin key  ${facts.adminKeyPath}`,
    pc.dim(`             curl -H "Authorization: Bearer $(cat ${facts.adminKeyPath})" ${api}/api/v1/occupancy`),
    `  by hand    ${pc.dim('npm run simulate -- vehicle --gate entry-1 --plate AB12CDE')}`,
    `  logs       ${facts.dataDirectory}/logs`,
    `  stop       Ctrl-C; the next start goes on from here`,
    '',
  ];
}

function describe({ layout, hasReaders }: DemoSite): string {
  const entries = layout.gates.filter(({ direction }) => direction === 'entry').length;
  const exits = layout.gates.filter(({ direction }) => direction === 'exit').length;
  const classes = new Set(layout.slots.map(({ slotClass }) => slotClass)).size;
  return [
    `${plural(layout.slots.length, 'slot')} of ${plural(classes, 'class', 'classes')} in ${plural(layout.zones.length, 'zone')}`,
    `${plural(entries, 'entry', 'entries')}, ${plural(exits, 'exit')}`,
    hasReaders ? 'plate readers' : 'sensors only',
  ].join(', ');
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}
