/** The files for containers agree with each other and with the programs, and ask for no more than a container needs. */
import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { siteLayoutSchema } from '@gatehouse/shared';
import { validate } from 'dockerfile-utils';
import { parse } from 'yaml';
import { readConfiguration } from '../../aggregator/src/configuration.js';
import { loadEdgeConfiguration } from '../../edge-agent/src/configuration.js';

const root = resolve(import.meta.dirname, '..', '..');
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

interface Service {
  readonly image: string;
  readonly build?: { readonly target: string; readonly args: Readonly<Record<string, string>> };
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly network_mode?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly restart: string;
  readonly healthcheck: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly privileged?: boolean;
  readonly deploy: { readonly resources: { readonly limits: Readonly<Record<string, string | number>> } };
}

const composeText = read('docker-compose.yml');
const compose = parse(composeText, { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);
const service = (name: string): Service => compose.services[name]!;
const own = ['aggregator', 'edge-agent', 'simulators'];
const oneShots = ['register', 'grafana-password'];
const edges = ['edge-1', 'edge-2'];

const dockerfile = read('Dockerfile');
const stages = dockerfile.split(/^(?=FROM )/m).slice(1);
const stage = (name: string): string => stages.find((text) => new RegExp(`^FROM \\S+ AS ${name}\\n`).test(text)) ?? '';

describe('docker-compose.yml', () => {
  it('has nothing for the linter to find', async () => {
    const dclint = join(root, 'node_modules', 'dclint', 'bin', 'dclint.cjs');
    const file = join(root, 'docker-compose.yml');
    const { stdout } = await promisify(execFile)(process.execPath, [dclint, '--max-warnings', '0', '-f', 'json', file]);
    expect(JSON.parse(stdout)).toMatchObject([{ messages: [] }]);
  });

  it('brings up an aggregator, two edges with traffic each, and the monitoring', () => {
    const running = services.map(([name]) => name).filter((name) => !oneShots.includes(name));
    expect(running.sort()).toEqual(
      ['aggregator', 'edge-1', 'edge-2', 'traffic-1', 'traffic-2', 'prometheus', 'alertmanager', 'grafana'].sort(),
    );
  });

  it.each(services)('locks %s down', (name, container) => {
    expect(container).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      restart: oneShots.includes(name) ? 'on-failure:5' : 'unless-stopped',
    });
    expect(container.privileged).toBeUndefined();
    expect(Object.keys(container.deploy.resources.limits).sort()).toEqual(['cpus', 'memory', 'pids']);
  });

  it.each(services)('knows whether %s is well', (name, { healthcheck }) => {
    if (oneShots.includes(name)) expect(healthcheck).toEqual({ disable: true });
    else expect(healthcheck.test?.[0]).toBe('CMD');
  });

  it('publishes ports to this machine only, each once', () => {
    const ports = services.flatMap(([, { ports: published = [] }]) => published);
    for (const port of ports) expect(port).toMatch(/^127[.]0[.]0[.]1:/);
    expect(new Set(ports).size).toBe(ports.length);
  });

  it('pins the version of every image', () => {
    for (const [, { image }] of services) {
      expect(withDefaults(image)).toMatch(/:v?\d+[.]\d+[.]\d+$/);
    }
  });

  it('has no secret in it', () => {
    const variables = services.flatMap(([, { environment = {} }]) => Object.keys(environment));
    const secrets = variables.filter((name) => /PASSWORD|SECRET|TOKEN|KEY/.test(name) && !name.endsWith('__FILE'));
    expect(secrets).toEqual([]);
  });

  it('mounts only what exists, read-only', () => {
    for (const [, { volumes = [] }] of services) {
      for (const volume of volumes) {
        const [source = '', , mode] = volume.split(':');
        if (source.startsWith('./')) {
          expect({ source, exists: existsSync(join(root, source)), mode }).toEqual({
            source,
            exists: true,
            mode: 'ro',
          });
        } else {
          expect(Object.keys(compose.volumes)).toContain(source);
        }
      }
    }
  });

  it('starts programs with files that are mounted', () => {
    for (const [, { command = [], entrypoint = [], volumes = [] }] of services) {
      for (const argument of [...entrypoint, ...command].map((text) => text.replace(/^--config[.]file=/, ''))) {
        const mount = volumes.map((text) => text.split(':')).find(([, target]) => argument.startsWith(`${target!}/`));
        if (mount?.[0]?.startsWith('./') !== true) continue;
        expect({ argument, exists: existsSync(join(root, mount[0] + argument.slice(mount[1]!.length))) }).toEqual({
          argument,
          exists: true,
        });
      }
    }
  });

  it('takes the variables that .env.example explains, with the same defaults', () => {
    const taken = [...composeText.matchAll(/\$\{([A-Z0-9_]+):-([^}]*)\}/g)].map(
      ([, name, value]) => `${name!}=${value!}`,
    );
    expect([...composeText.matchAll(/\$\{?[A-Z]/g)]).toHaveLength(taken.length);
    const lines = read('.env.example').split('\n');
    const offered = lines.filter((line) => line !== '' && !line.startsWith('#'));
    expect([...new Set(taken)].sort()).toEqual(offered.sort());
    expect(lines[0]).toMatch(/^#/);
  });
});

describe('what the containers are configured with', () => {
  const site = siteLayoutSchema.parse(JSON.parse(read('scripts', 'compose', 'site.json')));
  const edgeConfigurations = edges.map((name) => loadEdgeConfiguration(configurationOf(name), {}));

  it('is an aggregator that keeps its data in its volume', () => {
    const aggregator = readConfiguration(configurationOf('aggregator'), {});
    expect(aggregator).toMatchObject({ dataDir: '/data', http: { port: 8000 }, mqtt: { port: 1883 } });
    expect(targetsOf('aggregator').sort()).toEqual(['1883', '8000']);
  });

  it('is the gates of the site', () => {
    const gates = edgeConfigurations.flatMap(({ edgeId, siteId, gates: ofEdge }) =>
      ofEdge.map(({ gateId, direction }) => ({ siteId, edgeId, gateId, direction })),
    );
    expect(gates).toEqual(
      site.gates.map(({ edgeId, gateId, direction }) => ({ siteId: site.siteId, edgeId, gateId, direction })),
    );
  });

  it.each(edges)('is that of %s', (name) => {
    const configuration = edgeConfigurations[edges.indexOf(name)]!;
    expect(configuration).toMatchObject({
      edgeId: name,
      dataDir: '/data',
      enrolment: { url: 'http://aggregator:8000', codeFile: `/handover/${name}.code` },
      http: { host: '0.0.0.0', port: 8001 },
    });
    expect(targetsOf(name)).toEqual(['8001']);
    const traffic = service(name.replace('edge', 'traffic'));
    const control = `http://127.0.0.1:${String(configuration.simulation?.control.port)}`;
    expect(traffic.network_mode).toBe(`service:${name}`);
    expect(traffic.command).toContain(`--control=${control}`);
    expect(traffic.healthcheck.test).toContain(`${control}/gates`);
  });

  it('is scraped by Prometheus, and shown by Grafana', () => {
    const text = read('monitoring', 'prometheus', 'prometheus.compose.yml');
    const targets = [...text.matchAll(/'([a-z0-9-]+):(\d+)'/g)].map(([, name, port]) => `${name!}:${port!}`);
    const published = services.flatMap(([name]) => targetsOf(name).map((port) => `${name}:${port}`));
    expect(targets).toEqual(
      expect.arrayContaining(['aggregator:8000', 'edge-1:8001', 'edge-2:8001', 'alertmanager:9093']),
    );
    expect(targets.filter((target) => !target.startsWith('localhost:') && !published.includes(target))).toEqual([]);
    for (const name of ['aggregator', ...edges, 'alertmanager', 'grafana', 'prometheus']) {
      expect(service(name).networks).toContain('monitoring');
    }
  });
});

describe('Dockerfile', () => {
  it('has nothing for the linter to find', () => {
    expect(validate(dockerfile)).toEqual([]);
  });

  it('has a stage for every image that docker-compose.yml builds, from the same base', () => {
    const built = services.flatMap(([, { build }]) => (build === undefined ? [] : [build]));
    expect(built.map(({ target }) => target).sort()).toEqual(own);
    const base = /^ARG NODE_IMAGE=(\S+)$/m.exec(dockerfile)?.[1];
    for (const { args } of built) expect(withDefaults(args.NODE_IMAGE!)).toBe(base);
    expect(base).toMatch(/:\d+[.]\d+[.]\d+-bookworm-slim$/);
  });

  it('is built for both kinds of processors with the names that docker-compose.yml has', () => {
    const bake = JSON.parse(read('docker-bake.json')) as {
      readonly variable: Readonly<Record<string, { readonly default: string }>>;
      readonly group: { readonly default: { readonly targets: readonly string[] } };
      readonly target: Readonly<Record<string, { readonly tags?: readonly string[]; readonly platforms?: unknown }>>;
    };
    const { targets } = bake.group.default;
    const names = targets.flatMap((name) => bake.target[name]?.tags ?? []);
    const filled = names.map((tag) => tag.replace(/\$\{(\w+)\}/g, (_, name: string) => bake.variable[name]!.default));
    const built = services.filter(([, { build }]) => build !== undefined);
    expect(filled.sort()).toEqual(built.map(([, { image }]) => withDefaults(image)).sort());
    expect(targets).toEqual(own);
    expect(bake.target.all?.platforms).toEqual(['linux/amd64', 'linux/arm64']);
  });

  it.each(own)('runs %s as node, by a program that gets the signals, with a health check', (name) => {
    expect(stage(name)).toMatch(/^USER node$/m);
    expect(stage(name)).toMatch(/^ENTRYPOINT \["node", "/m);
    expect(stage(name)).toMatch(/^HEALTHCHECK .* CMD \["node", "\/app\/healthy[.]mjs"\]$/m);
    expect(stage(name)).toMatch(/org[.]opencontainers[.]image[.]title=/);
  });

  it('names the version of the project', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(/^ARG VERSION=(\S+)$/m.exec(dockerfile)?.[1]).toBe(version);
    expect(read('.env.example')).toContain(`GATEHOUSE_VERSION=${version}\n`);
  });

  it('copies the manifest of every workspace, and nothing that .dockerignore keeps away', () => {
    const copied = [...stage('build').matchAll(/^COPY (?!--from|\. \.)(.+) \S+$/gm)].flatMap(([, files]) =>
      files!.split(' '),
    );
    const { workspaces } = JSON.parse(read('package.json')) as { workspaces: string[] };
    expect(copied).toEqual(expect.arrayContaining(workspaces.map((name) => `${name}/package.json`)));
    const admitted = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => new RegExp(`^${line.slice(1).replaceAll('.', '[.]').replaceAll('*', '[^/]*')}(/|$)`));
    for (const file of copied) {
      expect({ file, exists: existsSync(join(root, file)) }).toEqual({ file, exists: true });
      expect({ file, admitted: admitted.some((pattern) => pattern.test(file)) }).toEqual({ file, admitted: true });
    }
  });
});

function withDefaults(text: string): string {
  return text.replace(/\$\{[A-Z0-9_]+:-([^}]*)\}/g, '$1');
}

/** Ports inside the container that it publishes. */
function targetsOf(name: string): string[] {
  return (service(name).ports ?? []).map((port) => port.slice(port.lastIndexOf(':') + 1));
}

/** The file on this machine that `--config` names inside the container. */
function configurationOf(name: string): string {
  const { command = [], volumes = [] } = service(name);
  const inside = command[command.indexOf('--config') + 1]!;
  const [source, target] = volumes.map((text) => text.split(':')).find(([, to]) => inside.startsWith(`${to!}/`))!;
  return join(root, source! + inside.slice(target!.length));
}
