/** The site of scripts/compose in containers that were built here: what docker-compose.yml starts, on free ports of this machine. */
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../project.mjs';
import { createContainer, configurationOf } from './container.mjs';

/** @typedef {import('./container.mjs').Running} Running */

const deadlineMs = 60_000;
/** The user of the images. */
const uid = 1000;

/** @param {import('./buildah.mjs').Buildah} buildah @param {(name: string) => string} imageOf */
export async function createSite(buildah, imageOf) {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-images-'));
  const folder = (/** @type {string} */ name) => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    chownSync(path, uid, uid);
    return path;
  };
  const [http = 0, mqtt = 0, ...rest] = await freePorts(6);
  const url = `http://127.0.0.1:${String(http)}`;
  const configuration = `${join(root, 'scripts', 'compose')}:/etc/gatehouse:ro`;
  /** @type {Map<string, { container: import('./container.mjs').Container, running: Running, before: Map<string, string> }>} */
  const started = new Map();

  /** Starts a service by the entry point of its image, and waits until the image's own health check is content.
   * @param {string} name
   * @param {string} program
   * @param {readonly string[]} command
   * @param {{ health: string } & import('./container.mjs').RunOptions} options
   */
  async function start(name, program, command, { health, volumes = [], ...options }) {
    const { Entrypoint: entrypoint, Healthcheck: check } = await configurationOf(buildah, imageOf(program));
    const container = await createContainer(buildah, imageOf(program));
    // What buildah itself puts into a container is there from its first run on.
    await container.run(['true'], { volumes });
    const before = container.files();
    const running = await container.start([...entrypoint, ...command], { volumes, ...options });
    started.set(name, { container, running, before });
    const healthy = check?.Test.slice(1) ?? ['false'];
    await until(
      `${name} is healthy`,
      () => running.output(),
      async () => {
        const { code } = await container.run(healthy, { environment: { HEALTH_URL: health } });
        return code === 0;
      },
    );
    return running;
  }

  return {
    url,
    /** @param {{ readOnly?: boolean }} [options] */
    startAggregator: (options = {}) =>
      start('aggregator', 'aggregator', ['--config', '/etc/gatehouse/aggregator.yaml'], {
        ...options,
        health: `${url}/readyz`,
        volumes: [`${folder('aggregator')}:/data`, configuration],
        environment: {
          GATEHOUSE_HTTP_HOST: '127.0.0.1',
          GATEHOUSE_HTTP_PORT: String(http),
          GATEHOUSE_MQTT_HOST: '127.0.0.1',
          GATEHOUSE_MQTT_PORT: String(mqtt),
        },
      }),
    /** As the service `register` does. */
    async register() {
      const container = await createContainer(buildah, imageOf('aggregator'));
      try {
        return await container.run(['node', '/etc/gatehouse/register.mjs', url, '/aggregator/admin-key', '/handover'], {
          volumes: [`${folder('aggregator')}:/aggregator:ro`, `${folder('handover')}:/handover`, configuration],
        });
      } finally {
        await container.remove();
      }
    },
    /** @param {number} number 1 or 2 @param {{ readOnly?: boolean }} [options] */
    startEdge(number, options = {}) {
      const name = `edge-${String(number)}`;
      const port = String(rest[number] ?? 0);
      return start(name, 'edge-agent', ['--config', `/etc/gatehouse/${name}.yaml`], {
        ...options,
        health: `http://127.0.0.1:${port}/healthz`,
        volumes: [`${folder(name)}:/data`, `${folder('handover')}:/handover:ro`, configuration],
        environment: {
          GATEHOUSE_EDGE_ENROLMENT_URL: url,
          GATEHOUSE_EDGE_CONTROL_PORT: new URL(this.controlOf(number)).port,
          GATEHOUSE_EDGE_HTTP_HOST: '127.0.0.1',
          GATEHOUSE_EDGE_HTTP_PORT: port,
        },
      });
    },
    /** @param {number} number of the edge */
    controlOf: (number) => `http://127.0.0.1:${String(number === 1 ? rest[0] : rest[3])}`,
    /** @param {number} number of the edge whose gates it uses */
    startTraffic(number) {
      const control = this.controlOf(number);
      return start(`traffic-${String(number)}`, 'simulators', ['traffic', `--control=${control}`, '--per-day=400'], {
        health: `${control}/gates`,
        volumes: [],
      });
    },
    /** Runs the simulators' program to its end. @param {readonly string[]} args */
    async simulate(args) {
      const { Entrypoint: entrypoint } = await configurationOf(buildah, imageOf('simulators'));
      const container = await createContainer(buildah, imageOf('simulators'));
      try {
        return await container.run([...entrypoint, ...args]);
      } finally {
        await container.remove();
      }
    },
    /** @param {string} path of the API @returns {Promise<Record<string, unknown>>} */
    async ask(path) {
      const key = readFileSync(join(directory, 'aggregator', 'admin-key'), 'utf8').trim();
      const response = await fetch(new URL(path, url), {
        headers: { authorization: `Bearer ${key}` },
        signal: AbortSignal.timeout(10_000),
      });
      return /** @type {Record<string, unknown>} */ (await response.json());
    },
    /** Stops a service; answers its exit code and what changed in its container beside its volumes. @param {string} name */
    async stop(name) {
      const service = started.get(name);
      if (service === undefined) throw new Error(`${name} was not started`);
      started.delete(name);
      const code = await service.running.stop();
      const after = service.container.files();
      const paths = [...new Set([...service.before.keys(), ...after.keys()])];
      const changed = paths.filter((path) => service.before.get(path) !== after.get(path));
      await service.container.remove();
      return { code, changed, output: service.running.output() };
    },
    async end() {
      for (const name of [...started.keys()].reverse()) await this.stop(name);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Waits for a condition, at most a minute.
 * @param {string} what
 * @param {() => string} context for the error
 * @param {() => Promise<boolean>} condition
 */
export async function until(what, context, condition) {
  const endMs = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`not within ${String(deadlineMs / 1000)} s: ${what}\n${context()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  }
}

/** @param {number} count @returns {Promise<number[]>} */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise((resolve) =>
        server.listen(0, '127.0.0.1', () => {
          resolve(undefined);
        }),
      );
      return server;
    }),
  );
  const ports = servers.map((server) => /** @type {import('node:net').AddressInfo} */ (server.address()).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
