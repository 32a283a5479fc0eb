/** Variables and identifiers that dashboards share. */
import type { VariableSpec } from './build/dashboard.js';

export const identifiers = {
  Operations: 'gatehouse-operations',
  'Gates and edges': 'gatehouse-edges',
  Aggregator: 'gatehouse-aggregator',
  Runbook: 'gatehouse-runbook',
} as const;

type Title = keyof typeof identifiers;

/** The other dashboards of graphs, for links. */
export function othersThan(title: Title): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(identifiers).filter(([other]) => other !== title && other !== 'Runbook'));
}

/** Which programs are meant. Few people have more than one Gatehouse in a Prometheus, so these two do not take up room. */
export const programs: readonly VariableSpec[] = [
  {
    name: 'job',
    label: 'Job',
    description: 'Scrape jobs of Gatehouse.',
    query: 'label_values({__name__=~"gatehouse_build_info|gatehouse_agent_build_info"}, job)',
    isHidden: true,
  },
  {
    name: 'instance',
    label: 'Instance',
    description: 'Aggregators and edge agents by their address.',
    query: 'label_values({__name__=~"gatehouse_build_info|gatehouse_agent_build_info", job=~"$job"}, instance)',
    isHidden: true,
  },
];

export const site: VariableSpec = {
  name: 'site',
  label: 'Site',
  description: 'Car parks.',
  query: 'label_values(gatehouse_capacity{job=~"$job", instance=~"$instance"}, site)',
};

export const edge: VariableSpec = {
  name: 'edge',
  label: 'Edge',
  description: 'Edge agents; each has a row of its own below.',
  query: 'label_values(gatehouse_edge_up{job=~"$job", instance=~"$instance", site=~"$site"}, edge)',
};
