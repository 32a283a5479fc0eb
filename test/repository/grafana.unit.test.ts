/** Grafana finds its data source and its dashboards where docker-compose.yml puts them. */
import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '..', '..');
const grafana = join(root, 'monitoring', 'grafana');
const readYaml = (...parts: string[]): unknown => parse(readFileSync(join(root, ...parts), 'utf8'));

interface DataSource {
  readonly uid: string;
  readonly type: string;
  readonly url: string;
  readonly isDefault?: boolean;
  readonly editable: boolean;
  readonly jsonData: { readonly timeInterval?: string; readonly alertmanagerUid?: string };
}
const provisioning = ['monitoring', 'grafana', 'provisioning'];
const { datasources } = readYaml(...provisioning, 'datasources', 'prometheus.yml') as { datasources: DataSource[] };
const { providers } = readYaml(...provisioning, 'dashboards', 'gatehouse.yml') as {
  providers: { disableDeletion: boolean; allowUiUpdates: boolean; options: { path: string } }[];
};
const compose = readYaml('docker-compose.yml') as {
  services: Record<string, { volumes?: string[]; environment?: Record<string, string> }>;
};

const inContainer = (folder: string): string | undefined =>
  compose.services.grafana?.volumes
    ?.find((volume) => volume.startsWith(`./monitoring/grafana/${folder}:`))
    ?.split(':')[1];

describe('the data source', () => {
  const prometheus = datasources.find(({ type }) => type === 'prometheus')!;

  it('is the Prometheus of the containers, and no hand changes it', () => {
    expect(new URL(prometheus.url)).toMatchObject({ hostname: 'prometheus', port: '9090' });
    expect(compose.services).toHaveProperty('prometheus');
    expect(datasources.filter(({ isDefault }) => isDefault === true)).toEqual([prometheus]);
    expect(datasources.every(({ editable }) => !editable)).toBe(true);
  });

  it('is asked no finer than Prometheus scrapes', () => {
    const { global } = readYaml(...['monitoring', 'prometheus', 'prometheus.compose.yml']) as {
      global: { scrape_interval: string };
    };
    expect(prometheus.jsonData.timeInterval).toBe(global.scrape_interval);
  });

  it('shows the alerts of the Alertmanager beside it', () => {
    const alertmanager = datasources.find(({ uid }) => uid === prometheus.jsonData.alertmanagerUid);
    expect(alertmanager).toMatchObject({ type: 'alertmanager', url: 'http://alertmanager:9093' });
    expect(compose.services).toHaveProperty('alertmanager');
  });

  it('is the one that dashboards begin with', () => {
    for (const file of readdirSync(join(grafana, 'dashboards'))) {
      const { templating } = JSON.parse(readFileSync(join(grafana, 'dashboards', file), 'utf8')) as {
        templating: { list?: { type: string; current?: { value: string } }[] };
      };
      for (const { type, current } of templating.list ?? []) {
        if (type === 'datasource') expect(current?.value).toBe(prometheus.uid);
      }
    }
  });
});

describe('the dashboards', () => {
  it('are read from where they are mounted, and stay as they are', () => {
    expect(providers.map(({ options }) => options.path)).toEqual([inContainer('dashboards')]);
    expect(inContainer('provisioning')).toBe('/etc/grafana/provisioning');
    for (const provider of providers) expect(provider).toMatchObject({ disableDeletion: true, allowUiUpdates: false });
  });

  it('begin with the one for operations', () => {
    const home = compose.services.grafana?.environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH ?? '';
    expect(home).toBe(`${inContainer('dashboards') ?? ''}/operations.json`);
    expect(existsSync(join(grafana, 'dashboards', basename(home)))).toBe(true);
  });
});
